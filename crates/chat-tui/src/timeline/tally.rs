//! The count of unread messages in the window.

use super::entry::TimelineEntry;
use super::message_count::MessageCount;

/// What the window holds after the mark, kept up to date with each message, so that a drawing walks no window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct UnreadTally {
    pub(super) count: MessageCount,
    /// The index of the first unread message.
    pub(super) first: Option<i64>,
    /// The index of the last entry before the mark.
    pub(super) last_read: Option<i64>,
}

impl UnreadTally {
    /// Counts an entry; `line` is where reading ended.
    pub(super) fn add(&mut self, index: i64, entry: &TimelineEntry, line: u64) {
        if entry.mark.is_some_and(|mark| mark.start < line) {
            self.last_read = Some(index);
        }
        if is_unread(entry, line) {
            self.count.add(entry);
            self.first.get_or_insert(index);
        }
    }
}

/// Returns whether this is a message of another user after the place where reading ended.
pub(super) fn is_unread(entry: &TimelineEntry, line: u64) -> bool {
    entry.mark.is_some_and(|mark| mark.start >= line) && entry.as_message().is_some_and(|said| !said.own)
}
