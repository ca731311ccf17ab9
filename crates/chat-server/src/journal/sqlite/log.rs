//! The order of a room that has one server: entries are stored in the order of their arrival, so only their times are
//! left to decide.

use std::fmt;

use crate::journal::clock::now_ms;

/// Decides the times of entries.
pub(super) struct SqliteLog {
    last_at: i64,
    clock: Box<dyn Fn() -> i64 + Send>,
}

impl SqliteLog {
    /// Creates the log that continues after a time, in milliseconds since the Unix epoch.
    pub(super) fn after(last_at: i64) -> Self {
        if let Some(hours) = hours_ahead(last_at, now_ms()) {
            tracing::warn!(
                hours,
                "the last message is from the future: new messages keep its time until the clock has passed it"
            );
        }
        Self { last_at, clock: Box::new(now_ms) }
    }

    /// Takes the time from another clock.
    pub(super) fn set_clock(&mut self, clock: impl Fn() -> i64 + Send + 'static) {
        self.clock = Box::new(clock);
    }

    /// Returns what the clock shows.
    pub(super) fn now(&self) -> i64 {
        (self.clock)()
    }

    /// Returns the time of entries that are stored now: never before those of earlier ones.
    pub(super) fn next_time(&self) -> i64 {
        self.now().max(self.last_at)
    }

    /// Notes that entries of this time are stored.
    pub(super) fn advance(&mut self, at: i64) {
        self.last_at = at;
    }
}

impl fmt::Debug for SqliteLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteLog").field("last_at", &self.last_at).finish_non_exhaustive()
    }
}

/// Returns by how many hours the last message is ahead of the clock, if it is more than the correction of a clock.
fn hours_ahead(last_at: i64, now: i64) -> Option<i64> {
    const HOUR: i64 = 60 * 60 * 1000;
    Some(last_at.saturating_sub(now) / HOUR).filter(|hours| *hours > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_message_from_the_future_is_noticed() {
        let hour = 60 * 60 * 1000;
        assert_eq!(hours_ahead(hour - 1, 0), None);
        assert_eq!(hours_ahead(-hour, 0), None);
        assert_eq!(hours_ahead(5 * hour, 2 * hour), Some(3));
    }
}
