//! The window over the history that is held in memory, usually its end, followed by the messages that are on their way.

use std::collections::VecDeque;

use chat_client::NamesSeen;

use super::entry::{EntryKind, TimelineEntry, Viewer};
use super::pending::{EarlyEcho, PendingMessage, PendingMessages};

/// How many entries are held. Scrolled back, up to twice as many, so that pages are not read again
/// at every turn.
pub(crate) const WINDOW: usize = 2_000;

/// How much is remembered that is in no file.
const MAX_ASIDES: usize = WINDOW;

/// The window and where the reader stands in it.
#[derive(Debug)]
pub(crate) struct Timeline {
    pub(super) entries: VecDeque<TimelineEntry>,
    /// Gaps, notices, and messages that could not be written, each with the place in the history file
    /// that it came after: they are in no file, and come back with the page that they belong to.
    pub(super) asides: Vec<(u64, TimelineEntry)>,
    /// The index of the first entry. An entry keeps its index while the window moves, so that an
    /// anchor stays where the reader is.
    pub(super) first: i64,
    pub(super) older: Older,
    pub(super) newer: Newer,
    pub(super) anchor: Anchor,
    /// How many messages have come since the reader left the end.
    pub(super) below: usize,
    /// The end of the newest message that is known to be in the history file.
    pub(super) newest: u64,
    /// Messages before this place in the history file have been read.
    pub(super) read_to: Option<u64>,
    /// Where the unread mark is shown; it stays there while the messages behind it are being read.
    pub(super) unread_line: Option<u64>,
    /// Somebody looks at the screen.
    pub(super) present: bool,
    /// The place in the history file of the message that the reader has jumped to.
    pub(super) found: Option<u64>,
    /// Who has spoken, here and in the pages that were read.
    pub(crate) names: NamesSeen,
    pub(crate) outgoing: PendingMessages,
}

/// What lies before the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Older {
    More,
    /// The page that ends at this place is on its way.
    Asked(u64),
    Nothing,
}

/// What lies behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Newer {
    /// The window ends where the conversation does.
    Live,
    /// The end of the conversation is only in the file.
    More,
    /// The page that begins at this place is on its way.
    Asked(u64),
    TailAsked,
}

/// What stands at the bottom edge of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// The end of the conversation, whatever comes.
    End,
    /// The entry `index`, of which the last `hidden` rows are below the edge.
    At { index: i64, hidden: usize },
    /// Waiting for the page around this place of the history file.
    Jump { to: u64, asked: bool },
}

/// One thing to show: what was said, or an own message on its way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum TimelineItem<'a> {
    Entry(&'a TimelineEntry),
    Own(&'a PendingMessage),
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            asides: Vec::new(),
            first: 0,
            older: Older::Nothing,
            newer: Newer::Live,
            anchor: Anchor::End,
            below: 0,
            newest: 0,
            read_to: None,
            unread_line: None,
            present: true,
            found: None,
            names: NamesSeen::new(),
            outgoing: PendingMessages::default(),
        }
    }
}

impl Timeline {
    /// The indices of everything that can be shown, the own messages on their way included.
    pub(crate) fn indices(&self) -> std::ops::Range<i64> {
        let own = if self.is_live() { self.outgoing.as_slice().len() } else { 0 };
        self.first..self.end() + to_index(own)
    }

    /// What has this index.
    pub(crate) fn item(&self, index: i64) -> Option<TimelineItem<'_>> {
        let at = usize::try_from(index - self.first).ok()?;
        match self.entries.get(at) {
            Some(entry) => Some(TimelineItem::Entry(entry)),
            None if self.is_live() => self.outgoing.as_slice().get(at - self.entries.len()).map(TimelineItem::Own),
            None => None,
        }
    }

    /// The entry before `index`, for separators.
    pub(crate) fn entry_before(&self, index: i64) -> Option<&TimelineEntry> {
        let at = usize::try_from(index - self.first).ok()?;
        self.entries.get(at.min(self.entries.len()).checked_sub(1)?)
    }

    /// How many messages have come since the reader left the end.
    pub(crate) fn below(&self) -> usize {
        self.below
    }

    /// Whether the window ends where the conversation does.
    pub(crate) fn is_live(&self) -> bool {
        self.newer == Newer::Live
    }

    /// Whether the window begins where the history does.
    pub(crate) fn starts_at_the_beginning(&self) -> bool {
        self.older == Older::Nothing
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.outgoing.as_slice().is_empty()
    }

    /// The last `count` entries, newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &TimelineEntry> {
        self.entries.iter().rev()
    }

    /// A message or a gap that has just come. `false`: it is not in the window.
    pub(crate) fn push(&mut self, entry: TimelineEntry) -> bool {
        if let Some(mark) = entry.mark {
            if mark.start < self.newest {
                // A page that was read meanwhile has brought it.
                return false;
            }
            if self.present && self.follows() && self.unread_line == Some(self.newest) {
                self.unread_line = Some(mark.end);
            }
            self.newest = mark.end;
            self.note_reading();
        }
        if entry.as_message().is_some_and(|said| said.own) {
            // Who writes has read.
            self.read_everything();
        }
        if self.anchor != Anchor::End && entry.as_message().is_some() {
            self.below += 1;
        }
        if self.is_live() && self.anchor != Anchor::End && self.entries.len() >= 2 * WINDOW && entry.mark.is_some() {
            // The reader is far back and the room talks on: what is new stays in the file for now.
            self.newer = Newer::More;
        }
        if entry.mark.is_none() {
            // Before the first page has come, the end is wherever that page ends.
            let after = if self.newest == 0 { u64::MAX } else { self.newest };
            self.asides.push((after, entry.clone()));
            if self.asides.len() > MAX_ASIDES {
                self.asides.remove(0);
            }
        }
        let in_no_file = entry.mark.is_none() && entry.as_message().is_some() && self.newest == 0;
        if !self.is_live() && !in_no_file {
            // It comes with its page. A message that is in no file has only this place to be.
            return false;
        }
        self.entries.push_back(entry);
        self.trim_front();
        true
    }

    /// A message that was said before anybody could look: it is not read by coming in.
    pub(crate) fn push_missed(&mut self, entry: TimelineEntry) -> bool {
        let present = std::mem::replace(&mut self.present, false);
        let shown = self.push(entry);
        self.present = present;
        shown
    }

    /// Another account reads: what is in the file is read again, with other eyes.
    pub(crate) fn read_again(&mut self) {
        self.anchor = Anchor::End;
        self.newer = Newer::More;
    }

    /// An own message whose echo is not to be waited for any longer becomes part of what was said.
    pub(crate) fn settle(&mut self, own: &PendingMessage, me: &Viewer) {
        let mut entry = TimelineEntry::said(me.nickname.as_deref(), &own.text, Some(own.at), None, me);
        if let EntryKind::Message(said) = &mut entry.kind {
            said.confirmed = true;
        }
        self.push(entry);
    }

    /// The receipt of an own line has come after the line.
    pub(crate) fn confirm(&mut self, echo: &EarlyEcho, me: &Viewer) {
        let shown = TimelineEntry::said(me.nickname.as_deref(), &echo.text, None, echo.mark, me);
        let is_it = |entry: &&mut TimelineEntry| entry.mark == echo.mark && entry.as_message() == shown.as_message();
        let entry = self.entries.iter_mut().rev().find(is_it);
        let aside = self.asides.iter_mut().rev().map(|(_, aside)| aside).find(is_it);
        for entry in entry.into_iter().chain(aside) {
            if let EntryKind::Message(said) = &mut entry.kind {
                said.confirmed = true;
            }
        }
    }

    /// Says where reading ended in an earlier run.
    pub(crate) fn set_read_to(&mut self, place: Option<u64>) {
        self.read_to = place;
        self.unread_line = place;
    }

    /// The place to remember for the next run.
    pub(crate) fn read_to(&self) -> Option<u64> {
        self.read_to
    }

    /// Whether somebody looks at the screen. Who goes away leaves the mark behind.
    pub(crate) fn set_present(&mut self, present: bool) {
        if self.present && !present && self.follows() {
            self.note_reading();
            self.unread_line = self.read_to;
        }
        self.present = present;
        self.note_reading();
    }

    /// Whether the unread mark stands before the item with this index.
    pub(crate) fn unread_begins_at(&self, index: i64) -> bool {
        let Some(line) = self.unread_line else { return false };
        let Some(TimelineItem::Entry(entry)) = self.item(index) else { return false };
        let unread = entry.mark.is_some_and(|mark| mark.start >= line);
        // Notices and gaps have no place in the file: look past a few of them.
        let marked = (1..=8).find_map(|back| self.entry_before(index - back + 1).and_then(|entry| entry.mark));
        unread && marked.is_some_and(|mark| mark.start < line)
    }

    /// What is shown at the end counts as read. The mark stays where it is.
    pub(super) fn note_reading(&mut self) {
        if self.present && self.follows() && self.is_live() && self.newest > 0 {
            self.read_to = Some(self.newest);
        }
    }

    pub(super) fn read_everything(&mut self) {
        if self.is_live() && self.newest > 0 {
            self.read_to = Some(self.newest);
            self.unread_line = self.read_to;
        }
    }

    /// Whether this is the message that the reader has jumped to.
    pub(crate) fn is_found(&self, entry: &TimelineEntry) -> bool {
        self.found.is_some() && entry.mark.map(|mark| mark.start) == self.found
    }

    pub(super) fn end(&self) -> i64 {
        self.first + to_index(self.entries.len())
    }

    /// Keeps the window bounded at its old end. Where the reader is stays in it, if it can be read
    /// again from the file.
    pub(super) fn trim_front(&mut self) {
        let limit = if self.anchor == Anchor::End { WINDOW } else { 2 * WINDOW + 1 };
        while self.entries.len() > limit {
            if let Some(gone) = self.entries.pop_front() {
                self.first += 1;
                if gone.mark.is_some() && self.older == Older::Nothing {
                    self.older = Older::More;
                }
            }
        }
        self.clamp_anchor();
    }
}

pub(crate) fn to_index(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
