//! Cursor movement: graphemes, words, lines, and previously sent lines.

use std::collections::BTreeMap;

use unicode_segmentation::UnicodeSegmentation;

use super::editor::{LineEditor, Recall};

impl LineEditor {
    pub(super) fn left(&self) -> usize {
        let before = self.text[..self.cursor].graphemes(true).next_back();
        self.cursor - before.map_or(0, str::len)
    }

    pub(super) fn right(&self) -> usize {
        let after = self.text[self.cursor..].graphemes(true).next();
        self.cursor + after.map_or(0, str::len)
    }

    pub(super) fn word_left(&self) -> usize {
        let mut words = self.text[..self.cursor].split_word_bound_indices();
        words.rfind(|(_, word)| word.contains(char::is_alphanumeric)).map_or(0, |(at, _)| at)
    }

    pub(super) fn word_right(&self) -> usize {
        let mut words = self.text[self.cursor..].split_word_bound_indices();
        let word = words.find(|(_, word)| word.contains(char::is_alphanumeric));
        word.map_or(self.text.len(), |(at, word)| self.cursor + at + word.len())
    }

    pub(super) fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |lf| lf + 1)
    }

    pub(super) fn line_end(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |lf| at + lf)
    }

    pub(super) fn up(&mut self) {
        let start = self.line_start(self.cursor);
        if start > 0 {
            let column = self.text[start..self.cursor].graphemes(true).count();
            self.cursor = self.at_column(self.line_start(start - 1), column);
            return;
        }
        let shown = match &self.recalled {
            Some(recall) => recall.at,
            None => self.sent.len(),
        };
        if let Some(previous) = shown.checked_sub(1) {
            self.recall(previous);
        }
    }

    pub(super) fn down(&mut self) {
        let end = self.line_end(self.cursor);
        if end < self.text.len() {
            let column = self.text[self.line_start(self.cursor)..self.cursor].graphemes(true).count();
            self.cursor = self.at_column(end + 1, column);
            return;
        }
        if let Some(at) = self.recalled.as_ref().map(|recall| recall.at) {
            self.recall(at + 1);
        }
    }

    /// Shows the sent line `which`, or behind the last one the text from before. What was typed over a line is shown
    /// again with it, until the text is sent.
    pub(super) fn recall(&mut self, which: usize) {
        if which > self.sent.len() {
            return;
        }
        self.remember();
        let mut recall =
            self.recalled.take().unwrap_or_else(|| Recall { at: self.sent.len(), edited: BTreeMap::new() });
        let shown = std::mem::take(&mut self.text);
        if self.sent.get(recall.at) != Some(&shown) {
            recall.edited.insert(recall.at, shown);
        }
        let line = recall.edited.get(&which).or(self.sent.get(which)).cloned();
        self.text = line.unwrap_or_default();
        self.cursor = self.text.len();
        recall.at = which;
        self.recalled = Some(recall);
    }

    pub(super) fn at_column(&self, line: usize, column: usize) -> usize {
        let end = self.line_end(line);
        line + self.text[line..end].graphemes(true).take(column).map(str::len).sum::<usize>()
    }
}
