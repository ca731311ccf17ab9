//! The text as rows of the screen.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

use super::editor::LineEditor;
use crate::width::{TAB, shown, text_width};

impl LineEditor {
    /// Returns the text as rows of at most `width` cells, and the row and column of the cursor.
    pub(crate) fn rows(&self, width: u16) -> (Vec<String>, (usize, u16)) {
        let width = width.max(2);
        let mut rows = vec![String::new()];
        let mut column = 0;
        let mut place = None;
        for (at, grapheme) in self.text.grapheme_indices(true) {
            let (text, cells) = match grapheme {
                "\n" => ("".into(), 0),
                "\t" => {
                    let cells = (TAB - column % TAB).min(width);
                    (" ".repeat(usize::from(cells)).into(), cells)
                }
                _ => visible(grapheme),
            };
            if column + cells > width {
                rows.push(String::new());
                column = 0;
            }
            if at == self.cursor {
                place = Some((rows.len() - 1, column));
            }
            if grapheme == "\n" {
                rows.push(String::new());
                column = 0;
            } else if let Some(row) = rows.last_mut() {
                row.push_str(&text);
                column += cells;
            }
        }
        let (row, column) = match place {
            Some(place) => place,
            None => {
                if column >= width {
                    rows.push(String::new());
                    column = 0;
                }
                (rows.len() - 1, column)
            }
        };
        // The cursor needs its own cell: after a full row it is at the start of the next one.
        if column >= width {
            if row + 1 == rows.len() {
                rows.push(String::new());
            }
            return (rows, (row + 1, 0));
        }
        (rows, (row, column))
    }
}

/// Returns the visible form of a grapheme. Typed or pasted text may contain invisible characters or bidirectional
/// controls, which are shown as code points.
fn visible(grapheme: &str) -> (Cow<'_, str>, u16) {
    if grapheme.len() == 1 {
        return shown(grapheme);
    }
    match chat_client::display::clean_for_terminal(grapheme) {
        Cow::Borrowed(same) if same == grapheme => shown(grapheme),
        cleaned => {
            let cells = text_width(&cleaned);
            (Cow::Owned(cleaned.into_owned()), cells)
        }
    }
}
