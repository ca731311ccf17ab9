//! The dialogs that stand over a screen, as values.

use crate::event::SearchHit;
use crate::line_editor::LineEditor;

/// What stands over it.
#[derive(Debug)]
pub(crate) enum Dialog {
    Help { scroll: u16 },
    WrongToken { choice: usize },
    Paste(PastePreview),
    Search(Box<Search>),
}

/// A paste that waits for a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PastePreview {
    pub(crate) text: String,
    /// Lines that are not blank.
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

    /// Some terminals hand over a long paste in parts.
    pub(super) fn append(&mut self, more: &str) {
        let choice = self.choice;
        *self = Self { choice, ..Self::new(std::mem::take(&mut self.text) + more) };
    }
}

/// The most results that are kept; whoever gets so many needs another word.
pub(crate) const MAX_HITS: usize = 1_000;

/// The open search.
#[derive(Debug, Default)]
pub(crate) struct Search {
    pub(crate) input: LineEditor,
    /// Newest first.
    pub(crate) hits: Vec<SearchHit>,
    pub(crate) chosen: usize,
    /// How much has been searched, in percent; `None` before the first search.
    pub(crate) percent: Option<u8>,
    /// Which search the results are awaited of; others are late.
    pub(super) number: u64,
    /// What was searched for.
    pub(crate) asked: String,
}

impl Search {
    pub(super) fn take(&mut self, search: u64, mut hits: Vec<SearchHit>) {
        if search == self.number {
            hits.truncate(MAX_HITS.saturating_sub(self.hits.len()));
            self.hits.append(&mut hits);
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
