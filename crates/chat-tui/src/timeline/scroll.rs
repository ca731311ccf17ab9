//! The scroll position: the end, or an entry that keeps its place while others come and go. Heights are an argument, since
//! only the screen knows them.

use std::ops::Range;

use super::message_count::MessageCount;
use super::page::CONTEXT;
use super::window::{Anchor, FoundMessage, Newer, Timeline, to_index};

/// A place in the conversation, to come back to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ReadingPlace {
    #[default]
    End,
    /// A message of the history file at the bottom edge, with this many rows hidden.
    File { start: u64, hidden: usize },
    /// An entry that is in no file.
    Index { index: i64, hidden: usize },
}

impl Timeline {
    /// Returns whether the view follows the conversation.
    pub(crate) fn follows(&self) -> bool {
        self.anchor == Anchor::End
    }

    /// Returns the entry at the bottom edge of a view of `page` rows: its index, and how many of its rows are hidden
    /// below.
    pub(crate) fn bottom(&self, page: usize, height: impl Fn(&Self, i64) -> usize) -> (i64, usize) {
        let last = self.indices().end - 1;
        match self.anchor {
            Anchor::End | Anchor::Jump { .. } => (last, 0),
            Anchor::At { index, hidden } => {
                let index = index.clamp(self.first, last.max(self.first));
                // The entry may have become shorter since: at least one of its rows stays visible.
                let hidden = hidden.min(height(self, index).saturating_sub(1));
                self.not_above_the_top(index, hidden, page, height)
            }
        }
    }

    /// Returns the items in a view of `page` rows.
    pub(crate) fn visible(&self, page: usize, height: impl Fn(&Self, i64) -> usize) -> Range<i64> {
        let (bottom, hidden) = self.bottom(page, &height);
        let mut rows = height(self, bottom).saturating_sub(hidden);
        let mut top = bottom;
        while rows < page && top > self.indices().start {
            top -= 1;
            rows += height(self, top);
        }
        top..(bottom + 1).max(top)
    }

    /// Moves by `rows`, up if negative.
    pub(crate) fn scroll(&mut self, rows: isize, page: usize, height: impl Fn(&Self, i64) -> usize) {
        let indices = self.indices();
        if indices.is_empty() || matches!(self.anchor, Anchor::Jump { .. }) {
            return;
        }
        let last = indices.end - 1;
        let (mut index, mut hidden) = self.bottom(page, &height);
        if rows < 0 {
            hidden += rows.unsigned_abs();
            loop {
                let rows = height(self, index);
                if hidden < rows {
                    break;
                }
                if index == indices.start {
                    hidden = rows.saturating_sub(1);
                    break;
                }
                hidden -= rows;
                index -= 1;
            }
            (index, hidden) = self.not_above_the_top(index, hidden, page, &height);
        } else {
            let mut left = rows.unsigned_abs();
            while left > 0 {
                if hidden == 0 {
                    if index >= last {
                        break;
                    }
                    index += 1;
                    hidden = height(self, index);
                }
                let step = left.min(hidden);
                hidden -= step;
                left -= step;
            }
        }
        if index >= last && hidden == 0 && self.is_live() {
            self.go_to_end();
        } else {
            self.go_to(index, hidden);
        }
    }

    /// Moves to the oldest entry of the window.
    pub(crate) fn go_to_top(&mut self, page: usize, height: impl Fn(&Self, i64) -> usize) {
        let indices = self.indices();
        if indices.is_empty() {
            return;
        }
        let (index, hidden) = self.not_above_the_top(indices.start, usize::MAX, page, &height);
        if index == indices.end - 1 && hidden == 0 && self.is_live() {
            return;
        }
        self.go_to(index, hidden);
    }

    /// Moves to the end of the conversation.
    pub(crate) fn go_to_end(&mut self) {
        self.anchor = Anchor::End;
        (self.found, self.marked) = (None, None);
        self.below = MessageCount::default();
        if matches!(self.newer, Newer::Asked(_)) {
            // The requested page is one in the middle.
            self.newer = Newer::More;
        }
        self.recount_arrived();
        self.note_reading();
    }

    /// Moves to the message at this position of the history file; it is at the bottom edge once its page is loaded.
    pub(crate) fn go_around(&mut self, place: u64) {
        self.anchor = Anchor::Jump { to: place, asked: false };
    }

    /// Moves to a message that a search has found, and marks what matches in it.
    pub(crate) fn go_to_found(&mut self, start: u64, ranges: Vec<Range<usize>>) {
        self.found = Some(FoundMessage { start, ranges });
        let at = self.entries.iter().position(|entry| entry.mark.is_some_and(|mark| mark.start == start));
        match at {
            Some(at) => self.go_to(self.first + to_index((at + CONTEXT).min(self.entries.len() - 1)), 0),
            None => self.go_around(start),
        }
    }

    /// Scrolls an item into view.
    pub(crate) fn reveal(&mut self, index: i64, page: usize, height: impl Fn(&Self, i64) -> usize) {
        let visible = self.visible(page, &height);
        let (bottom, hidden) = self.bottom(page, &height);
        if visible.contains(&index) && index != visible.start && (index != bottom || hidden == 0) {
            return;
        }
        if index >= bottom {
            let is_last = index + 1 == self.indices().end && self.is_live();
            return if is_last { self.go_to_end() } else { self.go_to(index, 0) };
        }
        let mut left = page;
        for below in index..self.indices().end {
            let rows = height(self, below);
            if rows >= left {
                return self.go_to(below, rows - left);
            }
            left -= rows;
        }
    }

    /// Corrects the position after entries were removed at either end.
    pub(super) fn clamp_anchor(&mut self) {
        if let Anchor::At { index, hidden } = self.anchor {
            let indices = self.indices();
            let clamped = index.clamp(indices.start, (indices.end - 1).max(indices.start));
            self.anchor = Anchor::At { index: clamped, hidden: if clamped == index { hidden } else { 0 } };
        }
        // A reader near the end of a conversation that became shorter follows it again.
        let indices = self.indices();
        if let Anchor::At { index, .. } = self.anchor
            && self.is_live()
        {
            let mut beyond = MessageCount::default();
            let seen = usize::try_from(index + 1 - indices.start).unwrap_or(0);
            self.entries.iter().skip(seen).for_each(|entry| beyond.add(entry));
            self.below = self.below.min(beyond);
        }
    }

    pub(super) fn go_to(&mut self, index: i64, hidden: usize) {
        self.anchor = Anchor::At { index, hidden };
        self.clamp_anchor();
    }

    /// Moves the edge down until the first screen is full, as far as there are entries.
    fn not_above_the_top(
        &self,
        index: i64,
        hidden: usize,
        page: usize,
        height: impl Fn(&Self, i64) -> usize,
    ) -> (i64, usize) {
        let indices = self.indices();
        let mut index = index;
        let mut hidden = hidden.min(height(self, index));
        if usize::try_from(index - indices.start).is_ok_and(|above| above >= page) {
            // Each of those above takes at least one row. Their heights cost as much as drawing them.
            return (index, hidden);
        }
        // Visible rows, counted upwards from the edge until the page is full.
        let mut seen = height(self, index) - hidden;
        let mut above = index;
        while seen < page && above > indices.start {
            above -= 1;
            seen += height(self, above);
        }
        while seen < page {
            if hidden > 0 {
                let step = hidden.min(page - seen);
                hidden -= step;
                seen += step;
            } else if index + 1 < indices.end {
                index += 1;
                hidden = height(self, index);
            } else {
                break;
            }
        }
        (index, hidden)
    }
}
