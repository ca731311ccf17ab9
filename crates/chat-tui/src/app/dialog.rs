//! The dialogs on top of a screen, as values.

use crate::event::SearchHit;
use crate::line_editor::LineEditor;
use crate::timeline::ReadingPlace;

/// A dialog on top of a screen.
#[derive(Debug)]
pub(crate) enum Dialog {
    Help {
        scroll: u16,
    },
    WrongToken {
        choice: usize,
    },
    /// Quitting closes the room for others.
    Leave {
        choice: usize,
    },
    Paste(PastePreview),
    Search(Box<Search>),
}

/// A paste that waits for a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PastePreview {
    pub(crate) text: String,
    /// The number of lines that are not blank.
    pub(crate) messages: usize,
    pub(crate) lines: usize,
    pub(crate) bytes: usize,
    pub(crate) choice: usize,
}

impl PastePreview {
    pub(super) fn new(text: String) -> Self {
        let lines = text.lines().count();
        let messages = text.lines().filter(|line| !line.trim().is_empty()).count();
        Self { lines, messages, bytes: text.len(), text, choice: 0 }
    }

    /// Appends a further part, because some terminals split a long paste.
    pub(super) fn append(&mut self, more: &str) {
        let choice = self.choice;
        *self = Self { choice, ..Self::new(std::mem::take(&mut self.text) + more) };
    }
}

/// The most results that are kept.
pub(crate) const MAX_HITS: usize = 1_000;

/// The open search.
#[derive(Debug, Default)]
pub(crate) struct Search {
    pub(crate) input: LineEditor,
    /// Newest first.
    pub(crate) hits: Vec<SearchHit>,
    pub(crate) chosen: usize,
    /// The searched part in percent; `None` before the first search.
    pub(crate) percent: Option<u8>,
    /// The number of the current search; results of earlier ones are ignored.
    pub(super) number: u64,
    /// Why the expression cannot be searched for.
    pub(crate) failed: Option<String>,
    /// The query of the current search.
    pub(crate) asked: String,
    /// When to search for what was typed, in milliseconds.
    pub(super) due: Option<i64>,
    /// Where the reader was before.
    pub(super) came_from: ReadingPlace,
}

/// The rows of the search besides the hits: the line with the count, the keys, the input.
pub(crate) const SEARCH_ROWS: u16 = 3;

impl Search {
    /// Returns how many rows the search takes on a screen of this height: no more than its hits need.
    pub(super) fn rows(&self, height: u16) -> u16 {
        let most = (height / 3).saturating_sub(2).max(1);
        SEARCH_ROWS + u16::try_from(self.hits.len()).unwrap_or(u16::MAX).clamp(1, most)
    }

    pub(super) fn take(&mut self, search: u64, mut hits: Vec<SearchHit>) {
        if search == self.number {
            hits.truncate(MAX_HITS.saturating_sub(self.hits.len()));
            self.hits.append(&mut hits);
        }
    }

    pub(super) fn fail(&mut self, search: u64, reason: String) {
        if search == self.number {
            self.percent = None;
            self.failed = Some(reason);
        }
    }

    pub(super) fn progress(&mut self, search: u64, percent: u8) {
        if search == self.number {
            self.percent = Some(percent);
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.percent.is_some_and(|percent| percent < 100)
    }
}
