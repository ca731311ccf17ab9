//! The width of text in cells, grapheme by grapheme. The text of peers is clean before it gets here.

use std::borrow::Cow;

use ratatui::buffer::CellWidth;
use unicode_segmentation::UnicodeSegmentation;

/// The most code points of one grapheme. The longest real emoji has about ten; more is a stack of combining marks that
/// would cover the rows above.
const MAX_CODE_POINTS: usize = 12;

/// More than a row has, and far from an overflow.
const MOST_CELLS: u16 = 0x4000;

/// A tab advances to the next multiple of this many columns, counted from the start of the text.
pub(crate) const TAB: u16 = 4;

/// Returns whether every terminal gives this character exactly one column, and no such character joins one before it:
/// Latin, Greek, Cyrillic, and box-drawing characters.
pub(crate) fn stands_alone(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{2ff}' | '\u{370}'..='\u{482}' | '\u{48a}'..='\u{52f}' | '\u{2500}'..='\u{257f}')
}

/// Returns the length of the characters at the start of `text` that stand alone and that `accept` takes, in bytes and in
/// cells. The last of them is left out where something follows that may join it. At most [`MOST_CELLS`] are counted.
pub(crate) fn alone_at_start(text: &str, accept: impl Fn(char) -> bool) -> (usize, u16) {
    let (mut bytes, mut cells, mut last) = (0, 0u16, 0);
    for c in text.chars() {
        if !stands_alone(c) {
            return (bytes - last, cells.saturating_sub(1));
        }
        if cells == MOST_CELLS || !accept(c) {
            break;
        }
        last = c.len_utf8();
        bytes += last;
        cells += 1;
    }
    (bytes, cells)
}

/// Returns the grapheme clusters of a text. Most of it are letters that combine with nothing, which need no look-up.
pub(crate) fn graphemes(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut chars = rest.chars();
        let first = chars.next()?;
        let length = if stands_alone(first) && chars.next().is_none_or(stands_alone) {
            first.len_utf8()
        } else {
            rest.graphemes(true).next()?.len()
        };
        let (grapheme, after) = rest.split_at(length);
        rest = after;
        Some(grapheme)
    })
}

/// Returns the only character of a text; `None` if it has several.
pub(crate) fn only_char(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|_| chars.as_str().is_empty())
}

/// Returns what to print for one grapheme, and how many cells it takes: at least one, so that nothing with a meaning is
/// invisible.
pub(crate) fn shown(grapheme: &str) -> (Cow<'_, str>, u16) {
    if only_char(grapheme).is_some_and(stands_alone) {
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
    let (bytes, mut column) = alone_at_start(text, |_| true);
    for grapheme in graphemes(&text[bytes..]) {
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
    for grapheme in graphemes(text) {
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn widths_match_terminals() {
        for (text, cells) in [("a", 1), ("я", 1), ("漢", 2), ("e\u{301}", 1), ("👨‍👩‍👧", 2), ("🇷🇺", 2)]
        {
            assert_eq!(shown(text).1, cells, "{text:?}");
        }
    }

    #[test]
    fn letters_that_stand_alone_take_one_cell() {
        for c in ('\0'..='\u{ffff}').filter(|c| stands_alone(*c)) {
            assert!(!c.is_control() && c.to_string().cell_width() == 1, "{c:?}");
            assert_eq!(format!("a{c}a").graphemes(true).count(), 3, "{c:?}");
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

    proptest! {
        #[test]
        fn graphemes_are_those_of_unicode(text in r"([a-z~ яЖ─]|[\r\n\t\u{ad}\u{301}\u{488}\u{903}\u{600}\u{200d}]|[漢🇷🇺👍🏽👩한가]|\PC){0,12}") {
            prop_assert_eq!(graphemes(&text).collect::<Vec<_>>(), text.graphemes(true).collect::<Vec<_>>());
        }
    }
}
