//! The editor's text, its edits, undo and the kill buffer.

use std::collections::BTreeMap;

use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};

/// The most bytes of text: four times the longest message, so that a paste that is too long can still be shortened by
/// hand.
pub(crate) const MAX_BYTES: usize = 64 * 1024;

/// How many sent lines are remembered.
const MAX_HISTORY: usize = 200;

/// How many steps can be undone.
const MAX_UNDO: usize = 100;

/// The editor with its history.
#[derive(Debug, Default, Clone)]
pub(crate) struct LineEditor {
    pub(super) text: String,
    /// A byte offset in `text`, always at a grapheme boundary.
    pub(super) cursor: usize,
    pub(super) killed: String,
    pub(super) sent: Vec<String>,
    pub(super) recalled: Option<Recall>,
    pub(super) undo: Vec<(String, usize)>,
    /// Consecutive insertions are one undo step.
    pub(super) inserting: bool,
    pub(super) completion: Option<Completion>,
}

/// The last completion, and its alternatives.
#[derive(Debug, Clone)]
pub(super) struct Completion {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) candidates: Vec<String>,
    pub(super) chosen: usize,
    pub(super) kind: CompletionKind,
}

/// What is completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CompletionKind {
    Name,
    Command,
    Path,
}

/// A look back at the lines that were sent.
#[derive(Debug, Clone)]
pub(super) struct Recall {
    /// Which of them is shown; one past the last is the text that was typed before.
    pub(super) at: usize,
    /// The text typed over them in the meantime, and the text from before.
    pub(super) edited: BTreeMap<usize, String>,
}

/// One edit of the text.
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
    /// Cuts the whole text.
    KillAll,
    /// Exchanges the letters around the cursor.
    Transpose,
    Yank,
    Undo,
}

impl LineEditor {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the text that would be lost with the editor: what was typed, also while a sent line is shown over it.
    pub(crate) fn draft(&self) -> &str {
        match &self.recalled {
            Some(recall) if self.sent.get(recall.at) == Some(&self.text) => {
                recall.edited.get(&self.sent.len()).map_or("", String::as_str)
            }
            _ => &self.text,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Applies `edit`. Returns `false`, without a change, if the text would exceed [`MAX_BYTES`].
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
                // At the end of a line the line break itself is removed, as in shell editors.
                self.remove(self.cursor, if end == self.cursor { self.right() } else { end }, true);
            }
            Edit::KillToStart => {
                let start = self.line_start(self.cursor);
                self.remove(if start == self.cursor { self.left() } else { start }, self.cursor, true);
            }
            Edit::KillWordBack => self.remove(self.word_left(), self.cursor, true),
            Edit::KillWordForward => self.remove(self.cursor, self.word_right(), true),
            Edit::KillAll => self.clear(),
            Edit::Transpose => self.transpose(),
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

    /// Replaces the text, which can be undone; the cursor moves to its end.
    pub(crate) fn replace(&mut self, text: &str) {
        self.remember();
        self.recalled = None;
        self.completion = None;
        self.text.clear();
        self.text.push_str(text);
        self.cursor = self.text.len();
    }

    /// Moves the text to the kill buffer, from which it can be yanked.
    pub(crate) fn clear(&mut self) {
        self.remove(0, self.text.len(), true);
        self.recalled = None;
    }

    /// Takes the text and adds it to the sent lines.
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

    pub(super) fn remove(&mut self, from: usize, to: usize, kill: bool) {
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

    /// Exchanges the letter before the cursor with the one after it, or at the end of a line the last two, as shell
    /// editors do.
    fn transpose(&mut self) {
        let mut at = self.cursor;
        if at == self.line_end(at) {
            at -= self.text[..at].graphemes(true).next_back().map_or(0, str::len);
        }
        let line = self.line_start(self.cursor);
        let before = self.text[line..at.max(line)].graphemes(true).next_back().map_or(0, str::len);
        let after = self.text[at..].graphemes(true).next().map_or(0, str::len);
        if before == 0 || after == 0 || at < line {
            return;
        }
        self.remember();
        let second = self.text[at..at + after].to_owned();
        self.text.replace_range(at..at + after, "");
        self.text.insert_str(at - before, &second);
        self.cursor = at + after;
        self.snap();
    }

    pub(super) fn remember(&mut self) {
        if self.undo.last().is_some_and(|(text, _)| *text == self.text) {
            return;
        }
        if self.undo.len() == MAX_UNDO {
            self.undo.remove(0);
        }
        self.undo.push((self.text.clone(), self.cursor));
    }

    /// Moves the cursor to the end of a grapheme that an edit has joined around it.
    pub(super) fn snap(&mut self) {
        // Examines only the neighbourhood, because a long paste may arrive letter by letter.
        let mut cursor = GraphemeCursor::new(self.cursor, self.text.len(), true);
        if let Ok(false) = cursor.is_boundary(&self.text, 0) {
            let next = cursor.next_boundary(&self.text, 0).ok().flatten();
            self.cursor = next.unwrap_or(self.text.len());
        }
    }
}
