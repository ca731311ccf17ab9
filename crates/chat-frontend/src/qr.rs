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
}
