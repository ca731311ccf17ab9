//! Keeps the log short: of one kind of event at most one line a second, with how many it stands for. A value; the time
//! is an argument, and it writes nothing itself.

use std::time::{Duration, Instant};

/// Lines of one kind are at least so far apart: enough to see when something began, and a flood of a day fills no disk.
const APART: Duration = Duration::from_secs(1);

/// What was said of one kind of event.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    said: Option<Instant>,
    unsaid: u64,
}

impl Throttle {
    pub(crate) const fn new() -> Self {
        Self { said: None, unsaid: 0 }
    }

    /// It has happened. With how many are to be said now; `None` where that waits for a later one. What happened last in
    /// a flood may so remain unsaid.
    pub(crate) fn happened(&mut self, now: Instant) -> Option<u64> {
        self.unsaid += 1;
        if self.said.is_some_and(|said| now.saturating_duration_since(said) < APART) {
            return None;
        }
        self.said = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_line_a_second_and_every_event_is_counted() {
        let (mut throttle, start) = (Throttle::new(), Instant::now());
        let said: Vec<u64> = (0..10_000).filter_map(|n| throttle.happened(start + Duration::from_millis(n))).collect();
        assert_eq!(said.len(), 10);
        assert_eq!(said[0], 1, "the first one at once");
        assert!(said[1..].iter().all(|count| *count == 1_000), "{said:?}");
    }

    #[test]
    fn what_happens_seldom_is_said_each_time() {
        let (mut throttle, start) = (Throttle::new(), Instant::now());
        for n in 0..5 {
            assert_eq!(throttle.happened(start + APART * n), Some(1));
        }
        // A clock that stands still says no more.
        assert_eq!(throttle.happened(start), None);
    }
}
