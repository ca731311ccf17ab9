//! Links as QR codes for a terminal, so that a phone opens them.

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

/// Returns a text as a QR code of half blocks, dark on light on a dark terminal, with the quiet zone that readers need.
/// `None` for a text that is too long for a code.
pub fn unicode(text: &str) -> Option<String> {
    let code = QrCode::new(text).ok()?;
    // A terminal draws light letters on a dark ground, so the blocks are the light modules.
    let (dark, light) = (Dense1x2::Light, Dense1x2::Dark);
    Some(code.render::<Dense1x2>().dark_color(dark).light_color(light).quiet_zone(true).build())
}

/// Returns a text as a QR code that is dark on light on a terminal of any colours: each line sets its own. `None` if it
/// does not fit into this many columns and rows.
pub fn coloured(text: &str, columns: u16, rows: u16) -> Option<String> {
    let code = fitting(text, columns, rows)?;
    // Bright white on black; a palette may tint the two, and they still differ.
    Some(code.lines().map(|line| format!("\x1b[97;40m{line}\x1b[0m\n")).collect())
}

/// Returns a text as [`unicode`] does. `None` if it does not fit into this many columns and rows.
pub fn fitting(text: &str, columns: u16, rows: u16) -> Option<String> {
    let code = unicode(text)?;
    let width = code.lines().next()?.chars().count();
    (width <= usize::from(columns) && code.lines().count() <= usize::from(rows)).then_some(code)
}

/// Returns a text as a QR code for standard output: with colours and only if it fits where that is a terminal, plain where
/// it is not.
pub fn for_stdout(text: &str) -> Option<String> {
    match terminal_size() {
        Some((columns, rows)) => coloured(text, columns, rows),
        None => unicode(text).map(|code| code + "\n"),
    }
}

/// Returns columns and rows of the terminal at standard output; `None` if it is another file, or shows no colours.
fn terminal_size() -> Option<(u16, u16)> {
    #[cfg(unix)]
    {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok().filter(|size| size.ws_col > 0)?;
        (!is_dumb).then_some((size.ws_col, size.ws_row))
    }
    #[cfg(not(unix))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_a_square_with_its_quiet_zone() {
        let code = unicode("http://192.0.2.1:8080/").unwrap();
        let lines: Vec<&str> = code.lines().collect();
        let width = lines[0].chars().count();
        assert!(lines.iter().all(|line| line.chars().count() == width), "{code}");
        assert_eq!(lines.len(), width.div_ceil(2));
        // The border is all light: full blocks.
        assert!(lines[0].chars().all(|block| block == '█'), "{code}");
        assert_eq!(unicode(&"x".repeat(10_000)), None);
    }

    #[test]
    fn leaves_out_what_does_not_fit() {
        let link = "http://192.0.2.1:8080/";
        let code = unicode(link).unwrap();
        let size = |count: usize| u16::try_from(count).unwrap();
        let (columns, rows) = (size(code.lines().next().unwrap().chars().count()), size(code.lines().count()));
        assert_eq!(fitting(link, columns, rows), Some(code));
        assert!(fitting(link, columns - 1, rows).is_none() && fitting(link, columns, rows - 1).is_none());
        let coloured = coloured(link, columns, rows).unwrap();
        assert!(coloured.lines().all(|line| line.starts_with("\x1b[97;40m") && line.ends_with("\x1b[0m")));
    }
}
