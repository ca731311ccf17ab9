//! Breaks styled text into rows of a given width: at spaces, between wide characters, and inside a word only where it does
//! not fit a row.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

use crate::width::{TAB, shown};

/// A run of text with one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece<R> {
    pub(crate) text: String,
    pub(crate) role: R,
}

/// One row of the screen, left to right.
pub(crate) type Row<R> = Vec<Piece<R>>;

/// Wraps `parts` to `width` cells. Rows after the first begin with `indent` empty cells, unless that
/// would leave less than half of the row. A line feed begins a row. There is always at least one row.
pub(crate) fn wrap<R: Copy + PartialEq>(parts: &[(R, &str)], width: u16, indent: u16) -> Vec<Row<R>> {
    wrap_around(parts, width, indent, |_| false)
}

/// Does the same, but breaks text whose role is `solid` only at spaces and at the edge.
pub(crate) fn wrap_around<R: Copy + PartialEq>(
    parts: &[(R, &str)],
    width: u16,
    indent: u16,
    solid: impl Fn(R) -> bool,
) -> Vec<Row<R>> {
    let width = width.max(1);
    let indent = if indent > width / 2 { 0 } else { indent };
    let mut wrapper =
        Wrapper { width, indent, rows: Vec::new(), row: Vec::new(), column: 0, breakable: None, swallow: false };
    for &(role, text) in parts {
        for grapheme in text.graphemes(true) {
            match grapheme {
                "\n" | "\r\n" => wrapper.end_row(),
                "\t" => {
                    let cells = TAB - wrapper.column % TAB;
                    for _ in 0..cells {
                        wrapper.push(Cell { role, text: Cow::Borrowed(" "), width: 1 }, false);
                    }
                }
                _ => {
                    let (text, width) = shown(grapheme);
                    wrapper.push(Cell { role, text, width }, solid(role));
                }
            }
        }
    }
    wrapper.end_row();
    wrapper.rows
}

/// The text of a row without its roles.
#[cfg(test)]
pub(crate) fn plain<R>(row: &Row<R>) -> String {
    row.iter().map(|piece| piece.text.as_str()).collect()
}

struct Cell<'a, R> {
    role: R,
    text: Cow<'a, str>,
    width: u16,
}

impl<R> Cell<'_, R> {
    fn is_space(&self) -> bool {
        self.text == " "
    }
}

struct Wrapper<'a, R> {
    width: u16,
    indent: u16,
    rows: Vec<Row<R>>,
    row: Vec<Cell<'a, R>>,
    column: u16,
    /// The last position in `row` at which it can be broken; everything after it may move down.
    breakable: Option<usize>,
    /// The row was just broken at a space: further spaces are not shown at the start of the next one.
    swallow: bool,
}

impl<'a, R: Copy + PartialEq> Wrapper<'a, R> {
    fn push(&mut self, mut cell: Cell<'a, R>, solid: bool) {
        if self.swallow && cell.is_space() {
            return;
        }
        self.swallow = false;
        if cell.width > self.width - self.indent {
            cell = Cell { role: cell.role, text: Cow::Borrowed("\u{fffd}"), width: 1 };
        }
        if self.column + cell.width > self.width && cell.is_space() {
            self.end_row();
            self.swallow = true;
            return;
        }
        while self.column + cell.width > self.width && !self.row.is_empty() {
            self.break_row();
        }
        if cell.width > 1 {
            self.breakable = Some(self.row.len());
        }
        let ends_a_word = cell.is_space() || cell.width > 1 || (!solid && matches!(&*cell.text, "-" | "/"));
        self.column += cell.width;
        self.row.push(cell);
        if ends_a_word {
            self.breakable = Some(self.row.len());
        }
    }

    /// Returns the column at which the next row begins.
    fn start(&self) -> u16 {
        if self.rows.is_empty() { 0 } else { self.indent }
    }

    /// Moves the part after the last break position to a new row, because the row is full.
    fn break_row(&mut self) {
        let tail = match self.breakable {
            Some(at) if at > 0 => self.row.split_off(at),
            _ => Vec::new(),
        };
        self.end_row();
        self.column += tail.iter().map(|cell| cell.width).sum::<u16>();
        self.row = tail;
        if self.column >= self.width {
            // The first row had no indent, so a word that fitted it may fill the next one completely.
            self.split_overfull();
        }
    }

    /// Breaks a moved word inside, if it no longer fits with the indent.
    fn split_overfull(&mut self) {
        let cells = std::mem::take(&mut self.row);
        self.column = self.start();
        for cell in cells {
            if self.column + cell.width > self.width {
                self.end_row();
            }
            self.column += cell.width;
            self.row.push(cell);
        }
        if self.column >= self.width {
            self.end_row();
        }
    }

    fn end_row(&mut self) {
        let mut row: Row<R> = Vec::new();
        let indent = self.start();
        for cell in self.row.drain(..) {
            match row.last_mut() {
                Some(piece) if piece.role == cell.role => piece.text.push_str(&cell.text),
                Some(_) => row.push(Piece { text: cell.text.into_owned(), role: cell.role }),
                None => {
                    let mut text = " ".repeat(usize::from(indent));
                    text.push_str(&cell.text);
                    row.push(Piece { text, role: cell.role });
                }
            }
        }
        self.rows.push(row);
        self.column = self.start();
        self.breakable = None;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::width::text_width;

    fn rows(text: &str, width: u16, indent: u16) -> Vec<String> {
        wrap(&[((), text)], width, indent).iter().map(plain).collect()
    }

    #[test]
    fn moves_whole_words_down() {
        assert_eq!(rows("the quick brown fox", 10, 0), ["the quick ", "brown fox"]);
        assert_eq!(rows("the quick brown fox", 9, 2), ["the quick", "  brown ", "  fox"]);
    }

    #[test]
    fn breaks_a_word_longer_than_a_row() {
        assert_eq!(rows("abcdefgh", 3, 0), ["abc", "def", "gh"]);
        assert_eq!(rows("ab cdefghijkl", 6, 2), ["ab ", "  cdef", "  ghij", "  kl"]);
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
    fn keeps_roles_across_a_break() {
        let wrapped = wrap(&[(1, "ab "), (2, "cd ef")], 5, 0);
        assert_eq!(wrapped[0], [Piece { text: "ab ".into(), role: 1 }, Piece { text: "cd".into(), role: 2 }]);
        assert_eq!(wrapped[1], [Piece { text: "ef".into(), role: 2 }]);
    }

    proptest! {
        #[test]
        fn rows_fit_and_lose_no_text(text in "[a-z 漢é\u{301}👍\t\n-]{0,60}", width in 4u16..20, indent in 0u16..8) {
            let wrapped = rows(&text, width, indent);
            for row in &wrapped {
                prop_assert!(text_width(row) <= width, "{row:?} in {width}");
            }
            let solid = |s: &str| s.graphemes(true).filter(|g| !g.trim().is_empty()).map(|g| shown(g).0.into_owned()).collect::<String>();
            prop_assert_eq!(solid(&wrapped.concat()), solid(&text));
        }
    }
}
