//! Breaks styled text into rows of a given width: at blanks, and inside a word only where it is longer than a third of a
//! row, so that a long address fills the row that it begins on.

use std::borrow::Cow;

use crate::width::{TAB, alone_at_start, graphemes, shown};

/// Words up to this length are not broken where a row is long enough for them, however narrow the screen is.
const SHORT_WORD: u16 = 16;

/// A run of text with one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece<R> {
    pub(crate) text: String,
    pub(crate) role: R,
}

impl<R> Piece<R> {
    pub(crate) fn new(text: impl Into<String>, role: impl Into<R>) -> Self {
        Self { text: text.into(), role: role.into() }
    }
}

/// One row of the screen, left to right.
pub(crate) type Row<R> = Vec<Piece<R>>;

/// Wraps `parts` to `width` cells. Rows after the first begin with `indent` empty cells, unless that
/// would leave less than half of the row. A line feed begins a row. There is always at least one row.
pub(crate) fn wrap<R: Copy + PartialEq>(parts: &[(R, &str)], width: u16, indent: u16) -> Vec<Row<R>> {
    let indent = if indent > width / 2 { 0 } else { indent };
    let mut rows = flow(parts, width, width.saturating_sub(indent));
    for first in rows.iter_mut().skip(1).filter_map(|row| row.first_mut()) {
        first.text.insert_str(0, &" ".repeat(usize::from(indent)));
    }
    rows
}

/// Wraps `parts` to a first row of `first` cells and further rows of `width` cells, without an indent.
pub(crate) fn flow<R: Copy + PartialEq>(parts: &[(R, &str)], first: u16, width: u16) -> Vec<Row<R>> {
    let mut wrapper = Wrapper {
        first: first.max(1),
        width: width.max(1),
        rows: Vec::new(),
        row: Vec::new(),
        column: 0,
        word: Vec::new(),
        swallow: false,
    };
    for &(role, text) in parts {
        let mut rest = text;
        loop {
            let (letters, width) = alone_at_start(rest, |c| c != ' ');
            if letters > 0 {
                wrapper.word.push(Cells { role, text: Cow::Borrowed(&rest[..letters]), width, letters: true });
                rest = &rest[letters..];
            }
            let Some(grapheme) = graphemes(rest).next() else { break };
            rest = &rest[grapheme.len()..];
            match grapheme {
                "\n" | "\r\n" => {
                    wrapper.end_word();
                    wrapper.end_row();
                }
                " " => {
                    wrapper.end_word();
                    wrapper.blank(role);
                }
                "\t" => {
                    wrapper.end_word();
                    for _ in 0..TAB - wrapper.column % TAB {
                        wrapper.blank(role);
                    }
                }
                _ => {
                    let (text, width) = shown(grapheme);
                    wrapper.word.push(Cells { role, text, width, letters: false });
                }
            }
        }
    }
    wrapper.end_word();
    wrapper.end_row();
    wrapper.rows
}

/// The text of a row without its roles.
#[cfg(test)]
pub(crate) fn plain<R>(row: &Row<R>) -> String {
    row.iter().map(|piece| piece.text.as_str()).collect()
}

/// A part of a word.
struct Cells<'a, R> {
    role: R,
    text: Cow<'a, str>,
    width: u16,
    /// Each character takes one cell, so that a row can end between any two. Otherwise it is one grapheme.
    letters: bool,
}

struct Wrapper<'a, R> {
    first: u16,
    width: u16,
    rows: Vec<Row<R>>,
    row: Row<R>,
    column: u16,
    /// What came since the last blank, which has no row yet.
    word: Vec<Cells<'a, R>>,
    /// The row was just broken at a blank: further blanks are not shown at the start of the next one.
    swallow: bool,
}

impl<R: Copy + PartialEq> Wrapper<'_, R> {
    /// Returns the width of the current row.
    fn room(&self) -> u16 {
        if self.rows.is_empty() { self.first } else { self.width }
    }

    fn blank(&mut self, role: R) {
        if self.swallow {
            return;
        }
        if self.column >= self.room() {
            self.break_row();
            return;
        }
        self.put(role, " ", 1);
    }

    /// Places the word: on this row where it fits or is long, otherwise on the next.
    fn end_word(&mut self) {
        let word = std::mem::take(&mut self.word);
        let width: u16 = word.iter().fold(0, |sum, cells| sum.saturating_add(cells.width));
        if width == 0 {
            return;
        }
        self.swallow = false;
        let is_long = width > (self.width / 3).max(SHORT_WORD) || width > self.width;
        if self.column > 0 && self.column.saturating_add(width) > self.room() && !is_long {
            self.end_row();
        }
        for cells in word {
            self.push(&cells);
        }
    }

    /// Places a part of a word, on as many rows as it takes.
    fn push(&mut self, cells: &Cells<'_, R>) {
        let (mut text, mut width) = (cells.text.as_ref(), cells.width);
        if !cells.letters && width > self.width {
            (text, width) = ("\u{fffd}", 1);
        }
        // The first row may be narrower than the others.
        while self.column.saturating_add(width) > self.room() {
            let room = self.room() - self.column;
            if cells.letters && room > 0 {
                let at = text.char_indices().nth(usize::from(room)).map_or(text.len(), |(at, _)| at);
                let (first, rest) = text.split_at(at);
                self.put(cells.role, first, room);
                (text, width) = (rest, width - room);
            }
            self.end_row();
        }
        self.put(cells.role, text, width);
    }

    fn put(&mut self, role: R, text: &str, width: u16) {
        match self.row.last_mut() {
            Some(piece) if piece.role == role => piece.text.push_str(text),
            _ => self.row.push(Piece { text: text.to_owned(), role }),
        }
        self.column += width;
    }

    fn break_row(&mut self) {
        self.end_row();
        self.swallow = true;
    }

    fn end_row(&mut self) {
        self.rows.push(std::mem::take(&mut self.row));
        self.column = 0;
        self.swallow = false;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_segmentation::UnicodeSegmentation;

    use super::*;
    use crate::width::text_width;

    fn rows(text: &str, width: u16, indent: u16) -> Vec<String> {
        wrap(&[((), text)], width, indent).iter().map(plain).collect()
    }

    #[test]
    fn moves_whole_words_down() {
        assert_eq!(rows("the quick brown", 13, 0), ["the quick ", "brown"]);
        assert_eq!(rows("a well-known fact of it", 18, 2), ["a well-known fact ", "  of it"]);
        assert_eq!(rows("1234567890 12 345 67", 15, 0), ["1234567890 12 ", "345 67"]);
    }

    #[test]
    fn long_word_fills_its_row() {
        assert_eq!(rows("abcdefgh", 3, 0), ["abc", "def", "gh"]);
        assert_eq!(rows("see https://a.example/b-c", 12, 2), ["see https://", "  a.example/", "  b-c"]);
        assert_eq!(rows("see https://a.example/ now", 30, 0), ["see https://a.example/ now"]);
        assert_eq!(rows("so many words https://a.example/ now", 30, 0), ["so many words https://a.exampl", "e/ now"]);
    }

    #[test]
    fn breaks_between_wide_characters() {
        assert_eq!(rows("漢字漢字", 5, 0), ["漢字", "漢字"]);
        assert_eq!(rows("漢", 1, 0), ["\u{fffd}"]);
    }

    #[test]
    fn line_feeds_begin_rows() {
        assert_eq!(rows("a\nb\n\nc", 9, 0), ["a", "b", "", "c"]);
        assert_eq!(rows("a\tb", 9, 0), ["a   b"]);
    }

    #[test]
    fn keeps_the_indent_of_code() {
        assert_eq!(rows("if so:\n    x = 1", 16, 0), ["if so:", "    x = 1"]);
        // Blanks at a break are not an indent.
        assert_eq!(rows("12345678    90", 8, 0), ["12345678", "90"]);
    }

    #[test]
    fn first_row_may_be_narrow() {
        let rows = flow(&[((), "one two three")], 4, 20);
        assert_eq!(rows.iter().map(plain).collect::<Vec<_>>(), ["one ", "two three"]);
        let rows = flow(&[((), "漢字")], 1, 20);
        assert_eq!(rows.iter().map(plain).collect::<Vec<_>>(), ["", "漢字"]);
    }

    #[test]
    fn keeps_roles_across_a_break() {
        let wrapped = wrap(&[(1, "ab "), (2, "cd ef")], 5, 0);
        assert_eq!(wrapped[0], [Piece::new("ab ", 1), Piece::new("cd", 2)]);
        assert_eq!(wrapped[1], [Piece::new("ef", 2)]);
    }

    proptest! {
        #[test]
        fn rows_fit_and_lose_no_text(text in "[a-z 漢é\u{301}👍\t\n-]{0,60}", first in 1u16..20, width in 4u16..20) {
            let wrapped: Vec<String> = flow(&[((), text.as_str())], first, width).iter().map(plain).collect();
            for (number, row) in wrapped.iter().enumerate() {
                let room = if number == 0 { first } else { width };
                prop_assert!(text_width(row) <= room, "{row:?} in {room}");
            }
            let solid = |s: &str| s.graphemes(true).filter(|g| !g.trim().is_empty()).map(|g| shown(g).0.into_owned()).collect::<String>();
            prop_assert_eq!(solid(&wrapped.concat()), solid(&text));
        }
    }
}
