//! Detects a listener that reads too little.

use std::time::Duration;

use tokio::time::Instant;

/// The rate below which a listener counts as stalled, in bytes a second. A phone on the slowest link is faster, and at
/// this rate a full send buffer drains in minutes.
pub(super) const MIN_RATE: u64 = 1024;

/// Measures how much a listener reads while its socket is full. A window starts with the first write that blocks, and
/// ends when everything is written.
#[derive(Debug, Default)]
pub(super) struct StallWatch {
    window: Option<Window>,
}

#[derive(Debug)]
struct Window {
    ends: Instant,
    written: u64,
}

impl StallWatch {
    /// Records that the socket is full.
    pub(super) fn blocked(&mut self, now: Instant, limit: Duration) {
        self.window.get_or_insert_with(|| Window { ends: now + limit, written: 0 });
    }

    /// Records that the socket accepted bytes.
    pub(super) fn written(&mut self, bytes: usize) {
        if let Some(window) = &mut self.window {
            window.written += bytes as u64;
        }
    }

    /// Records that nothing is left to write.
    pub(super) fn clear(&mut self) {
        self.window = None;
    }

    /// Returns when to call [`is_stalled`](Self::is_stalled).
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.window.as_ref().map(|window| window.ends)
    }

    /// Returns true if a window of length `limit` ended with too little progress; otherwise starts the next one.
    pub(super) fn is_stalled(&mut self, now: Instant, limit: Duration) -> bool {
        let Some(window) = &mut self.window else { return false };
        if now < window.ends {
            return false;
        }
        // At least one byte, even for limits of less than a second.
        let due = (u128::from(MIN_RATE) * limit.as_millis() / 1000).max(1);
        if u128::from(window.written) < due {
            return true;
        }
        *window = Window { ends: now + limit, written: 0 };
        false
    }
}
