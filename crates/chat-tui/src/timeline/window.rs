//! The window over the history in memory, usually its end, followed by the messages in transit.

use std::collections::VecDeque;
use std::ops::Range;

use chat_client::PostId;

use chat_client::Position;

use super::entry::{EntryKind, TimelineEntry, Viewer};
use super::message_count::MessageCount;
use super::pending::{EchoTag, PendingMessage, PendingMessages};
use super::tally::UnreadTally;
use crate::names::SenderNames;

/// The number of entries in the window. When the reader scrolls back, up to twice as many, so that pages are not
/// reloaded at every turn.
pub(crate) const WINDOW: usize = 2_000;

/// How many entries are kept that are in no file.
const MAX_ASIDES: usize = WINDOW;

/// The window and the reader's position in it.
#[derive(Debug)]
pub(crate) struct Timeline {
    pub(super) entries: VecDeque<TimelineEntry>,
    /// Gaps, notices, and messages that could not be written, each with the position in the history file that it
    /// followed: they are in no file, and return with the page that they belong to.
    pub(super) asides: Vec<(u64, TimelineEntry)>,
    /// The index of the first entry. An entry keeps its index while the window moves, so that an anchor keeps the
    /// reader's place.
    pub(super) first: i64,
    pub(super) older: Older,
    pub(super) newer: Newer,
    pub(super) anchor: Anchor,
    /// What has arrived since the reader left the end.
    pub(super) below: MessageCount,
    /// The end of the newest message that is known to be in the history file.
    pub(super) newest: u64,
    /// Messages before this position in the history file have been read.
    pub(super) read_to: Option<u64>,
    /// The position of the unread mark; it stays while the messages after it are being read.
    pub(super) unread_line: Option<u64>,
    /// What stands after that position.
    pub(super) tally: UnreadTally,
    /// What has arrived while the user was away.
    pub(super) arrived: MessageCount,
    /// The user has never written here, as far as the history says.
    pub(super) new_to_user: bool,
    /// The page that is waited for is the one of the first unread message.
    pub(super) aligns_unread: bool,
    /// The user is present.
    pub(super) present: bool,
    /// The message that the reader has jumped to.
    pub(super) found: Option<FoundMessage>,
    /// The message that the last search for a mention has found.
    pub(super) marked: Option<i64>,
    /// The senders, here and in the pages that were loaded.
    pub(crate) names: SenderNames,
    pub(crate) outgoing: PendingMessages,
}

/// A message that a search has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundMessage {
    /// Its position in the history file.
    pub(super) start: u64,
    /// Where its text matches, in bytes.
    pub(super) ranges: Vec<Range<usize>>,
}

/// The state of the history before the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Older {
    More,
    /// The page that ends at this position was requested.
    Asked(u64),
    Nothing,
}

/// The state of the history after the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Newer {
    /// The window ends at the end of the conversation.
    Live,
    /// The end of the conversation is only in the file.
    More,
    /// The page that begins at this position was requested.
    Asked(u64),
    TailAsked,
}

/// What is at the bottom edge of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// The end of the conversation, also after new messages.
    End,
    /// The entry `index`, of which the last `hidden` rows are below the edge.
    At { index: i64, hidden: usize },
    /// Waiting for the page around this position of the history file.
    Jump { to: u64, asked: bool },
}

/// A message that the user has selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selection {
    /// The index of an entry.
    Entry(i64),
    /// An own message in transit. Its index changes with each message that arrives.
    Own(PostId),
}

/// One item to show: an entry, or an own message in transit.
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
            below: MessageCount::default(),
            aligns_unread: false,
            tally: UnreadTally::default(),
            arrived: MessageCount::default(),
            new_to_user: false,
            newest: 0,
            read_to: None,
            unread_line: None,
            present: true,
            found: None,
            marked: None,
            names: SenderNames::new(),
            outgoing: PendingMessages::default(),
        }
    }
}

impl Timeline {
    /// Replaces the text of the message at a position of the server's log. Returns false if it is not here; what is read
    /// from the history file has no such position.
    pub(crate) fn mark_removed(&mut self, position: &Position, text: &str) -> bool {
        let entries = self.entries.iter_mut().chain(self.asides.iter_mut().map(|(_, entry)| entry));
        let found: Vec<_> = entries.filter(|entry| entry.position.as_ref() == Some(position)).collect();
        let any = !found.is_empty();
        found.into_iter().for_each(|entry| entry.remove(text));
        if any {
            // It may have named the reader.
            self.recount_unread();
        }
        any
    }

    /// Returns the indices of all items, including own messages in transit.
    pub(crate) fn indices(&self) -> Range<i64> {
        let own = if self.is_live() { self.outgoing.as_slice().len() } else { 0 };
        self.first..self.end() + to_index(own)
    }

    /// Returns the item with this index.
    pub(crate) fn item(&self, index: i64) -> Option<TimelineItem<'_>> {
        let at = usize::try_from(index - self.first).ok()?;
        match self.entries.get(at) {
            Some(entry) => Some(TimelineItem::Entry(entry)),
            None if self.is_live() => self.outgoing.as_slice().get(at - self.entries.len()).map(TimelineItem::Own),
            None => None,
        }
    }

    /// Returns the index of a selected message; `None` if it is not here any more.
    pub(crate) fn index_of(&self, selection: &Selection) -> Option<i64> {
        match selection {
            Selection::Entry(index) => (self.first..self.end()).contains(index).then_some(*index),
            Selection::Own(id) if self.is_live() => {
                let number = self.outgoing.as_slice().iter().position(|own| own.id == *id)?;
                Some(self.end() + to_index(number))
            }
            Selection::Own(_) => None,
        }
    }

    /// Returns whether the window ends where the conversation does.
    pub(crate) fn is_live(&self) -> bool {
        self.newer == Newer::Live
    }

    /// Returns whether the window begins where the history does.
    pub(crate) fn starts_at_the_beginning(&self) -> bool {
        self.older == Older::Nothing
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.outgoing.as_slice().is_empty()
    }

    /// Returns the entries, newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &TimelineEntry> {
        self.entries.iter().rev()
    }

    /// Adds a message or gap that has just arrived. Returns `false` if it is not in the window.
    pub(crate) fn push(&mut self, entry: TimelineEntry) -> bool {
        if self.is_live() && self.entries.back_mut().is_some_and(|last| last.join_gap(&entry)) {
            if let Some((_, aside)) = self.asides.last_mut() {
                aside.join_gap(&entry);
            }
            return true;
        }
        if let Some(mark) = entry.mark {
            if mark.start < self.newest {
                // A page that was loaded in the meantime contains it.
                return false;
            }
            if self.present && self.follows() && self.unread_line == Some(self.newest) {
                // All before it was read, and so is this one.
                self.unread_line = Some(mark.end);
                self.tally = UnreadTally::default();
            }
            self.newest = mark.end;
            self.note_reading();
            if !self.present && self.read_to.is_some() {
                self.arrived.add(&entry);
            }
        }
        self.new_to_user &= !entry.as_message().is_some_and(|said| said.own);
        if entry.as_message().is_some_and(|said| said.own) && self.is_live() && self.newest > 0 {
            // A user who writes has read everything. The mark stays until the user has been away again.
            self.read_to = Some(self.newest);
            self.arrived = MessageCount::default();
        }
        if self.anchor != Anchor::End {
            self.below.add(&entry);
        }
        if self.is_live() && self.anchor != Anchor::End && self.entries.len() >= 2 * WINDOW && entry.mark.is_some() {
            // The reader is far back and messages continue to arrive: new ones stay in the file for now.
            self.newer = Newer::More;
        }
        if entry.mark.is_none() {
            // Before the first page is loaded, the end is unknown.
            let after = if self.newest == 0 { u64::MAX } else { self.newest };
            self.asides.push((after, entry.clone()));
            if self.asides.len() > MAX_ASIDES {
                self.asides.remove(0);
            }
        }
        let in_no_file = entry.mark.is_none() && entry.as_message().is_some() && self.newest == 0;
        if !self.is_live() && !in_no_file {
            // It comes with its page. A message that is in no file must be kept here.
            return false;
        }
        self.tally_newest(&entry);
        self.entries.push_back(entry);
        self.trim_front();
        true
    }

    /// Adds a message from before the user could see it: its arrival does not mark it as read.
    pub(crate) fn push_missed(&mut self, entry: TimelineEntry) -> bool {
        let present = std::mem::replace(&mut self.present, false);
        let shown = self.push(entry);
        self.present = present;
        if present {
            self.arrived = MessageCount::default();
        }
        shown
    }

    /// Reloads the history for another account, because own messages and mentions differ.
    pub(crate) fn read_again(&mut self) {
        self.anchor = Anchor::End;
        self.newer = Newer::More;
    }

    /// Makes an own message part of the conversation, if its echo need not be awaited any longer.
    pub(crate) fn settle(&mut self, own: &PendingMessage, me: &Viewer) {
        let mut entry = TimelineEntry::said(me.nickname.as_deref(), own.text.as_str(), Some(own.at), None, me);
        if let EntryKind::Message(said) = &mut entry.kind {
            said.confirmed = true;
        }
        self.push(entry);
    }

    /// Confirms an own message whose receipt arrived after its echo.
    pub(crate) fn confirm(&mut self, echo: &EchoTag, me: &Viewer) {
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

    /// Returns what matches in the message that the reader has jumped to; `None` for any other.
    pub(crate) fn found_in(&self, entry: &TimelineEntry) -> Option<&[Range<usize>]> {
        let found = self.found.as_ref()?;
        (entry.mark?.start == found.start).then_some(found.ranges.as_slice())
    }

    pub(super) fn end(&self) -> i64 {
        self.first + to_index(self.entries.len())
    }

    /// Bounds the window at its old end. The reader's place stays in it, if it could be reloaded from the file.
    pub(super) fn trim_front(&mut self) {
        let limit = if self.anchor == Anchor::End { WINDOW } else { 2 * WINDOW + 1 };
        while self.entries.len() > limit {
            if let Some(gone) = self.entries.pop_front() {
                self.untally_oldest(&gone);
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
