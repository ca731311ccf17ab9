//! The width of text in cells, grapheme by grapheme. The text of peers is clean before it gets here.

use std::borrow::Cow;

use ratatui::buffer::CellWidth;
use unicode_segmentation::UnicodeSegmentation;

/// The most code points of one grapheme. The longest real emoji has about ten; more is a stack of combining marks that
/// would cover the rows above.
const MAX_CODE_POINTS: usize = 12;

/// A tab advances to the next multiple of this many columns, counted from the start of the text.
pub(crate) const TAB: u16 = 4;

/// Returns what to print for one grapheme, and how many cells it takes: at least one, so that nothing with a meaning is
/// invisible.
pub(crate) fn shown(grapheme: &str) -> (Cow<'_, str>, u16) {
    if grapheme.len() == 1 && !grapheme.as_bytes()[0].is_ascii_control() {
        return (Cow::Borrowed(grapheme), 1);
    }
    if grapheme.chars().any(char::is_control) {
        return (Cow::Borrowed("\u{fffd}"), 1);
    }
    let capped = match grapheme.char_indices().nth(MAX_CODE_POINTS) {
        Some((end, _)) => &grapheme[..end],
        None => grapheme,
    };
    match capped.cell_width() {
        0 => {
            let based = format!("\u{25cc}{capped}");
            // A format character does not join the dotted circle; then only the circle is shown.
            if based.cell_width() == 1 && based.graphemes(true).count() == 1 {
                (Cow::Owned(based), 1)
            } else {
                (Cow::Borrowed("\u{fffd}"), 1)
            }
        }
        width => (Cow::Borrowed(capped), width),
    }
}

/// Returns the width of a text without line breaks; a tab counts from column 0.
pub(crate) fn text_width(text: &str) -> u16 {
    let mut column = 0u16;
    for grapheme in text.graphemes(true) {
        column = column.saturating_add(if grapheme == "\t" { TAB - column % TAB } else { shown(grapheme).1 });
    }
    column
}

/// Returns the first line that fits into `width` cells, else the last one: each line is a form of one text.
pub(crate) fn first_that_fits(forms: &str, width: u16) -> &str {
    forms.lines().find(|form| text_width(form) <= width).or_else(|| forms.lines().last()).unwrap_or("")
}

/// Cuts the text to at most `width` cells, with `…` as its last cell if it was cut.
pub(crate) fn fit(text: &str, width: u16) -> Cow<'_, str> {
    if text_width(text) <= width {
        return Cow::Borrowed(text);
    }
    let Some(room) = width.checked_sub(1) else { return Cow::Borrowed("") };
    let mut kept = String::new();
    let mut column = 0u16;
    for grapheme in text.graphemes(true) {
        let (text, cells) = if grapheme == "\t" { (Cow::Borrowed(" "), 1) } else { shown(grapheme) };
        if column + cells > room {
            break;
        }
        kept.push_str(&text);
        column += cells;
    }
    kept.push('…');
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_match_terminals() {
        for (text, cells) in [("a", 1), ("я", 1), ("漢", 2), ("e\u{301}", 1), ("👨‍👩‍👧", 2), ("🇷🇺", 2)]
        {
            assert_eq!(shown(text).1, cells, "{text:?}");
        }
    }

    #[test]
    fn everything_has_a_width() {
        for text in ["\u{301}", "\u{200d}", "\u{200b}", "\u{feff}", "\u{1b}", "\u{0}"] {
            let (shown, cells) = shown(text);
            assert_eq!((cells, shown.cell_width()), (1, 1), "{text:?}");
        }
    }

    #[test]
    fn caps_stacked_marks() {
        let tower = format!("a{}", "\u{301}".repeat(200));
        assert_eq!(shown(&tower).0.chars().count(), MAX_CODE_POINTS);
    }

    #[test]
    fn fit_keeps_wide_characters_whole() {
        assert_eq!(fit("漢字漢字", 8), "漢字漢字");
        assert_eq!(fit("漢字漢字", 6), "漢字…");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(fit("abc", 1), "…");
    }
}
