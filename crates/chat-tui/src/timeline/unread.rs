//! What the reader has not seen: the mark before the first new message, the counts, and the ways there.

use jiff::civil::DateTime;

use super::entry::TimelineEntry;
use super::message_count::MessageCount;
use super::scroll::ReadingPlace;
use super::tally::{UnreadTally, is_unread};
use super::window::{Anchor, Older, Timeline, TimelineItem};

/// The messages after the mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnreadMessages {
    pub(crate) count: MessageCount,
    /// There are more, which are not loaded.
    pub(crate) more: bool,
    /// When reading ended.
    pub(crate) since: Option<DateTime>,
}

impl Timeline {
    /// Returns whether the user has never written here.
    pub(crate) fn is_new_to_user(&self) -> bool {
        self.new_to_user && self.outgoing.as_slice().is_empty()
    }

    /// Counts what stands after the mark, by walking the window.
    pub(super) fn recount_unread(&mut self) {
        let mut tally = UnreadTally::default();
        if let Some(line) = self.unread_line {
            for (index, entry) in (self.first..).zip(&self.entries) {
                tally.add(index, entry, line);
            }
        }
        self.tally = tally;
    }

    /// Counts an entry that is about to become the last one.
    pub(super) fn tally_newest(&mut self, entry: &TimelineEntry) {
        if let Some(line) = self.unread_line {
            self.tally.add(self.end(), entry, line);
        }
    }

    /// Forgets the first entry, which has just left the window.
    pub(super) fn untally_oldest(&mut self, entry: &TimelineEntry) {
        let Some(line) = self.unread_line else { return };
        let index = self.first;
        self.tally.last_read.take_if(|last| *last == index);
        if is_unread(entry, line) {
            self.tally.count.subtract(entry);
            // The line before it has left the window too, so it is not needed until a page is loaded.
            self.tally.first.take_if(|first| *first == index);
        }
    }

    /// Returns whether there is an unread message.
    pub(crate) fn has_unread(&self) -> bool {
        self.tally.count.all > 0
    }

    /// Sets the read position of an earlier run.
    pub(crate) fn set_read_to(&mut self, place: Option<u64>) {
        self.read_to = place;
        self.unread_line = place;
        self.recount_unread();
    }

    /// Handles that the messages here that had no place in the history file are in it: it ends at `end`.
    pub(crate) fn note_end_of_file(&mut self, end: u64) {
        if self.newest == 0 || self.newest >= end {
            return;
        }
        if self.present && self.follows() && self.unread_line == Some(self.newest) {
            self.unread_line = Some(end);
        }
        self.newest = end;
        self.note_reading();
    }

    /// Returns the position to store for the next run.
    pub(crate) fn read_to(&self) -> Option<u64> {
        self.read_to
    }

    /// Sets whether the user is present. The mark stays where reading ended.
    pub(crate) fn set_present(&mut self, present: bool) {
        if self.present && !present && self.follows() {
            self.note_reading();
            self.unread_line = self.read_to;
            self.recount_unread();
        }
        if self.present != present {
            self.present = present;
            self.recount_arrived();
        }
        self.note_reading();
    }

    /// Returns whether the mark stands before the item with this index: the first message of another user after the
    /// place where reading ended.
    pub(crate) fn unread_begins_at(&self, index: i64) -> bool {
        self.tally.first == Some(index) && self.tally.last_read.is_some()
    }

    /// Returns the messages after the mark; `None` if there are none.
    pub(crate) fn unread(&self) -> Option<UnreadMessages> {
        let count = self.tally.count;
        let last_read = self.tally.last_read.and_then(|index| match self.item(index)? {
            TimelineItem::Entry(entry) => Some(entry),
            TimelineItem::Own(_) => None,
        });
        let more = (last_read.is_none() && self.older != Older::Nothing) || !self.is_live();
        (count.all > 0).then_some(UnreadMessages { count, more, since: last_read.and_then(|entry| entry.at) })
    }

    /// Returns how many messages have arrived since the user was last present.
    pub(crate) fn arrived_in_absence(&self) -> MessageCount {
        self.arrived
    }

    /// Counts what has arrived since the user was last present, by walking the window.
    pub(super) fn recount_arrived(&mut self) {
        self.arrived = self.count_arrived();
    }

    fn count_arrived(&self) -> MessageCount {
        let mut count = MessageCount::default();
        if let Some(place) = self.read_to.filter(|_| !self.present) {
            let after = self.entries.iter().rev().take_while(|entry| entry.mark.is_none_or(|mark| mark.start >= place));
            after.filter(|entry| entry.mark.is_some()).for_each(|entry| count.add(entry));
        }
        count
    }

    /// Returns how many messages have arrived since the reader left the end.
    #[cfg(test)]
    pub(crate) fn below(&self) -> usize {
        self.below.all
    }

    /// Returns what has arrived since the reader left the end.
    pub(crate) fn below_count(&self) -> MessageCount {
        self.below
    }

    /// Moves to the first unread message: the mark is on the second row. Where it is not loaded, its page is requested.
    /// Returns `false` if everything has been read.
    pub(crate) fn go_to_unread(&mut self, page: usize, height: impl Fn(&Self, i64) -> usize) -> bool {
        let Some(line) = self.unread_line else { return false };
        self.aligns_unread = false;
        let first = self.tally.first.filter(|_| self.tally.last_read.is_some());
        if let Some(first) = first {
            let unread = self.unread().map(|unread| unread.count);
            let mut left = page.saturating_sub(1).max(1);
            for index in first..self.indices().end {
                let rows = height(self, index);
                if rows >= left {
                    self.below = unread.unwrap_or_default();
                    self.go_to(index, rows - left);
                    return true;
                }
                left -= rows;
            }
            self.go_to_end();
            return true;
        }
        let is_loaded = self.entries.iter().any(|entry| entry.mark.is_some_and(|mark| mark.start < line));
        if is_loaded || self.older == Older::Nothing {
            return false;
        }
        self.aligns_unread = true;
        self.anchor = Anchor::Jump { to: line, asked: false };
        true
    }

    /// Opens the conversation: at the first unread message if the messages after it do not fit, else at the end.
    pub(crate) fn open_at_unread(&mut self, page: usize, height: impl Fn(&Self, i64) -> usize) {
        if !self.follows() || self.unread().is_none() {
            return;
        }
        let before = self.place();
        if !self.go_to_unread(page, height) {
            self.go_back(before);
        }
    }

    /// Returns whether the page that has arrived is the one of the first unread message.
    pub(crate) fn aligns_unread(&self) -> bool {
        self.aligns_unread && !matches!(self.anchor, Anchor::Jump { .. })
    }

    /// Moves to the next message that names the reader above the middle of the view, or below it. `false` if none is
    /// loaded.
    pub(crate) fn go_to_mention(&mut self, backwards: bool, page: usize, height: impl Fn(&Self, i64) -> usize) -> bool {
        let is_mention = |index: &i64| match self.item(*index) {
            Some(TimelineItem::Entry(entry)) => entry.as_message().is_some_and(|said| said.mention.is_some()),
            _ => false,
        };
        let from = match self.marked.filter(|_| !self.follows()) {
            Some(at) => at,
            None if self.follows() => self.indices().end,
            None => self.bottom(page, &height).0,
        };
        let found = match backwards {
            true => (self.indices().start..from.min(self.indices().end)).rev().find(is_mention),
            false => (from + 1..self.indices().end).find(is_mention),
        };
        let Some(found) = found else { return false };
        self.marked = Some(found);
        // A few rows below it are shown too.
        let mut left = page / 2;
        for index in found + 1..self.indices().end {
            let rows = height(self, index);
            if rows >= left {
                self.go_to(index, rows - left);
                return true;
            }
            left -= rows;
        }
        if self.is_live() {
            self.go_to_end();
        } else {
            self.go_to(self.indices().end - 1, 0);
        }
        self.marked = Some(found);
        true
    }

    /// Marks the messages at the visible end as read. The mark stays where it is.
    pub(super) fn note_reading(&mut self) {
        if self.present && self.follows() && self.is_live() && self.newest > 0 {
            self.read_to = Some(self.newest);
        }
    }

    /// Returns where the reader is, to come back later.
    pub(crate) fn place(&self) -> ReadingPlace {
        match self.anchor {
            Anchor::End => ReadingPlace::End,
            Anchor::Jump { to, .. } => ReadingPlace::File { start: to, hidden: 0 },
            Anchor::At { index, hidden } => match self.item(index) {
                Some(TimelineItem::Entry(entry)) => match entry.mark {
                    Some(mark) => ReadingPlace::File { start: mark.start, hidden },
                    None => ReadingPlace::Index { index, hidden },
                },
                _ => ReadingPlace::Index { index, hidden },
            },
        }
    }

    /// Moves to a place that was noted before.
    pub(crate) fn go_back(&mut self, place: ReadingPlace) {
        self.found = None;
        match place {
            ReadingPlace::End => self.go_to_end(),
            ReadingPlace::Index { index, hidden } => self.go_to(index, hidden),
            ReadingPlace::File { start, hidden } => {
                let at = self.entries.iter().position(|entry| entry.mark.is_some_and(|mark| mark.start == start));
                match at {
                    Some(at) => self.go_to(self.first + super::window::to_index(at), hidden),
                    None => self.go_around(start),
                }
            }
        }
    }
}
