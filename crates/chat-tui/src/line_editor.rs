//! The line that a person types into: several lines of text edited by graphemes, with the usual
//! shell keys, undo, a kill buffer and the lines sent before. It knows neither keys nor the screen.

mod completion;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use completion::Completion;
use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};

use crate::width::{TAB, shown, text_width};

/// The most bytes that are held: four times the longest message, so that a paste which is too long
/// can still be cut down by hand.
pub(crate) const MAX_BYTES: usize = 64 * 1024;

/// How many sent lines are remembered.
const MAX_HISTORY: usize = 200;

/// How many steps can be undone.
const MAX_UNDO: usize = 100;

/// The editor and what it remembers.
#[derive(Debug, Default, Clone)]
pub(crate) struct LineEditor {
    text: String,
    /// A byte offset in `text`, always at a grapheme boundary.
    cursor: usize,
    killed: String,
    sent: Vec<String>,
    /// Which of `sent` is shown, and what was typed before looking back.
    recalled: Option<(usize, String)>,
    undo: Vec<(String, usize)>,
    /// Consecutive insertions are one step of undo.
    inserting: bool,
    completion: Option<Completion>,
}

/// One thing to do to the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Edit {
    Insert(String),
    Backspace,
    Delete,
    Left,
    Right,
    WordLeft,
    WordRight,
    Home,
    End,
    Up,
    Down,
    KillToEnd,
    KillToStart,
    KillWordBack,
    KillWordForward,
    Yank,
    Undo,
}

impl LineEditor {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Does `edit`. `false`: it would have made the text longer than [`MAX_BYTES`] and was not done.
    pub(crate) fn apply(&mut self, edit: Edit) -> bool {
        self.completion = None;
        let inserting = matches!(edit, Edit::Insert(_));
        match edit {
            Edit::Insert(text) => {
                if self.text.len() + text.len() > MAX_BYTES {
                    return false;
                }
                if !self.inserting || text.chars().any(char::is_whitespace) {
                    self.remember();
                }
                let clean = text.replace("\r\n", "\n").replace('\r', "\n");
                self.text.insert_str(self.cursor, &clean);
                self.cursor += clean.len();
                self.snap();
            }
            Edit::Backspace => self.remove(self.left(), self.cursor, false),
            Edit::Delete => self.remove(self.cursor, self.right(), false),
            Edit::Left => self.cursor = self.left(),
            Edit::Right => self.cursor = self.right(),
            Edit::WordLeft => self.cursor = self.word_left(),
            Edit::WordRight => self.cursor = self.word_right(),
            Edit::Home => self.cursor = self.line_start(self.cursor),
            Edit::End => self.cursor = self.line_end(self.cursor),
            Edit::Up => self.up(),
            Edit::Down => self.down(),
            Edit::KillToEnd => {
                let end = self.line_end(self.cursor);
                // At the end of a line the line break itself goes, as in every shell editor.
                self.remove(self.cursor, if end == self.cursor { self.right() } else { end }, true);
            }
            Edit::KillToStart => {
                let start = self.line_start(self.cursor);
                self.remove(if start == self.cursor { self.left() } else { start }, self.cursor, true);
            }
            Edit::KillWordBack => self.remove(self.word_left(), self.cursor, true),
            Edit::KillWordForward => self.remove(self.cursor, self.word_right(), true),
            Edit::Yank => {
                if self.text.len() + self.killed.len() > MAX_BYTES {
                    return false;
                }
                self.remember();
                self.text.insert_str(self.cursor, &self.killed);
                self.cursor += self.killed.len();
                self.snap();
            }
            Edit::Undo => {
                if let Some((text, cursor)) = self.undo.pop() {
                    self.text = text;
                    self.cursor = cursor;
                }
            }
        }
        self.inserting = inserting;
        true
    }

    /// Puts `text` in place of what is there, which can be undone; the cursor goes to its end.
    pub(crate) fn replace(&mut self, text: &str) {
        self.remember();
        self.recalled = None;
        self.completion = None;
        self.text.clear();
        self.text.push_str(text);
        self.cursor = self.text.len();
    }

    /// Empties the line into the kill buffer, from where it can be had back.
    pub(crate) fn clear(&mut self) {
        self.remove(0, self.text.len(), true);
        self.recalled = None;
    }

    /// Takes the text out and remembers it among the sent lines.
    pub(crate) fn take(&mut self) -> String {
        let text = std::mem::take(&mut self.text);
        self.cursor = 0;
        self.recalled = None;
        self.completion = None;
        self.undo.clear();
        self.inserting = false;
        if self.sent.last() != Some(&text) && !text.trim().is_empty() {
            self.sent.push(text.clone());
            if self.sent.len() > MAX_HISTORY {
                self.sent.remove(0);
            }
        }
        text
    }

    /// The text as rows of at most `width` cells, and the row and column of the cursor among them.
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
        // The cursor needs a cell of its own: after a full row it stands at the start of the next.
        if column >= width {
            if row + 1 == rows.len() {
                rows.push(String::new());
            }
            return (rows, (row + 1, 0));
        }
        (rows, (row, column))
    }

    fn remove(&mut self, from: usize, to: usize, kill: bool) {
        if from >= to {
            return;
        }
        self.remember();
        let removed: String = self.text.drain(from..to).collect();
        if kill {
            self.killed = removed;
        }
        self.cursor = from;
        self.snap();
    }

    fn remember(&mut self) {
        if self.undo.last().is_some_and(|(text, _)| *text == self.text) {
            return;
        }
        if self.undo.len() == MAX_UNDO {
            self.undo.remove(0);
        }
        self.undo.push((self.text.clone(), self.cursor));
    }

    /// An edit may have joined what stands around the cursor into one grapheme: steps to its end.
    fn snap(&mut self) {
        // Looks only at the neighbourhood: a long paste may come letter by letter.
        let mut cursor = GraphemeCursor::new(self.cursor, self.text.len(), true);
        if let Ok(false) = cursor.is_boundary(&self.text, 0) {
            let next = cursor.next_boundary(&self.text, 0).ok().flatten();
            self.cursor = next.unwrap_or(self.text.len());
        }
    }

    fn left(&self) -> usize {
        let before = self.text[..self.cursor].graphemes(true).next_back();
        self.cursor - before.map_or(0, str::len)
    }

    fn right(&self) -> usize {
        let after = self.text[self.cursor..].graphemes(true).next();
        self.cursor + after.map_or(0, str::len)
    }

    fn word_left(&self) -> usize {
        let mut words = self.text[..self.cursor].split_word_bound_indices();
        words.rfind(|(_, word)| word.contains(char::is_alphanumeric)).map_or(0, |(at, _)| at)
    }

    fn word_right(&self) -> usize {
        let mut words = self.text[self.cursor..].split_word_bound_indices();
        let word = words.find(|(_, word)| word.contains(char::is_alphanumeric));
        word.map_or(self.text.len(), |(at, word)| self.cursor + at + word.len())
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |lf| lf + 1)
    }

    fn line_end(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |lf| at + lf)
    }

    fn up(&mut self) {
        let start = self.line_start(self.cursor);
        if start > 0 {
            let column = self.text[start..self.cursor].graphemes(true).count();
            self.cursor = self.at_column(self.line_start(start - 1), column);
            return;
        }
        let shown = match &self.recalled {
            Some((shown, _)) => *shown,
            None => self.sent.len(),
        };
        if let Some(previous) = shown.checked_sub(1) {
            self.recall(previous);
        }
    }

    fn down(&mut self) {
        let end = self.line_end(self.cursor);
        if end < self.text.len() {
            let column = self.text[self.line_start(self.cursor)..self.cursor].graphemes(true).count();
            self.cursor = self.at_column(end + 1, column);
            return;
        }
        if let Some((shown, _)) = self.recalled {
            self.recall(shown + 1);
        }
    }

    /// Shows the sent line `which`, or the draft behind the last one. What was changed in a recalled
    /// line goes to the undo buffer.
    fn recall(&mut self, which: usize) {
        self.remember();
        let draft = match self.recalled.take() {
            Some((_, draft)) => draft,
            None => std::mem::take(&mut self.text),
        };
        match self.sent.get(which) {
            Some(line) => {
                self.text.clone_from(line);
                self.recalled = Some((which, draft));
            }
            None => self.text = draft,
        }
        self.cursor = self.text.len();
    }

    fn at_column(&self, line: usize, column: usize) -> usize {
        let end = self.line_end(line);
        line + self.text[line..end].graphemes(true).take(column).map(str::len).sum::<usize>()
    }
}

/// What is typed or pasted may hold characters that cannot be seen, or that would turn the line
/// around: they are shown as what they are.
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
