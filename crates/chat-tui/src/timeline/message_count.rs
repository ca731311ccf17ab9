//! Counts messages of other users.

use super::entry::TimelineEntry;

/// A number of messages of others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct MessageCount {
    pub(crate) all: usize,
    /// Those that name the reader.
    pub(crate) mentions: usize,
}

impl MessageCount {
    /// Counts an entry, if it is a message of another user.
    pub(super) fn add(&mut self, entry: &TimelineEntry) {
        if let Some(said) = entry.as_message().filter(|said| !said.own) {
            self.all += 1;
            self.mentions += usize::from(said.mention.is_some());
        }
    }

    /// Takes back what [`MessageCount::add`] has counted.
    pub(super) fn subtract(&mut self, entry: &TimelineEntry) {
        let mut one = Self::default();
        one.add(entry);
        self.all = self.all.saturating_sub(one.all);
        self.mentions = self.mentions.saturating_sub(one.mentions);
    }

    pub(super) fn min(self, other: Self) -> Self {
        Self { all: self.all.min(other.all), mentions: self.mentions.min(other.mentions) }
    }
}
