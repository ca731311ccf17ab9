//! When a node stops waiting for its log: then it declines posts, so that their writers know why nothing is confirmed.

use std::time::{Duration, Instant};

use crate::replication::LogState;

/// How long posts wait for a log that cannot be reached: a node finds another server of the log in this time.
const AWAY: Duration = Duration::from_secs(1);

/// How long they wait for a log that can be reached and answers nothing, as while its servers elect another leader.
const SILENT: Duration = Duration::from_secs(3);

/// For how long the log has not answered.
#[derive(Debug, Default)]
pub(super) struct Patience {
    away_since: Option<Instant>,
    waiting_since: Option<Instant>,
}

impl Patience {
    pub(super) fn follow(&mut self, state: &LogState, now: Instant) {
        match state {
            LogState::Connected { .. } => self.away_since = None,
            LogState::Away { .. } | LogState::Diverged(_) => drop(self.away_since.get_or_insert(now)),
        }
    }

    /// Something was sent to the log.
    pub(super) fn waits(&mut self, now: Instant) {
        self.waiting_since.get_or_insert(now);
    }

    /// A part of what was sent was answered, or the log brings what others have sent.
    pub(super) fn goes_on(&mut self, now: Instant) {
        self.waiting_since = Some(now);
    }

    /// All that was sent was answered.
    pub(super) fn is_answered(&mut self) {
        self.waiting_since = None;
    }

    /// Returns whether time alone can end the patience.
    pub(super) fn is_tried(&self) -> bool {
        self.away_since.is_some() || self.waiting_since.is_some()
    }

    /// Returns whether what is sent to the log now may arrive.
    pub(super) fn may_propose(&self, now: Instant) -> bool {
        self.away_since.is_none() && !self.is_over(now)
    }

    /// Returns whether posts should not wait any longer.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        let over = |since: Option<Instant>, limit| since.is_some_and(|since| now.duration_since(since) >= limit);
        over(self.away_since, AWAY) || over(self.waiting_since, SILENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_has_time_to_come_back() {
        let (mut patience, start) = (Patience::default(), Instant::now());
        let away = LogState::Away { why: "it does not answer".into() };
        patience.follow(&away, start);
        assert!(!patience.is_over(start + AWAY / 2) && !patience.may_propose(start));
        patience.follow(&away, start + AWAY / 2);
        assert!(patience.is_over(start + AWAY));
        patience.follow(&LogState::Connected { connection: 1, at_end: true, server: "n1".into() }, start + AWAY);
        assert!(!patience.is_over(start + AWAY) && !patience.is_tried());
    }

    #[test]
    fn an_unanswered_batch_ends_the_patience() {
        let (mut patience, start) = (Patience::default(), Instant::now());
        patience.waits(start);
        patience.waits(start + SILENT / 2);
        assert!(patience.is_over(start + SILENT));
        patience.goes_on(start + SILENT);
        assert!(!patience.is_over(start + SILENT));
        patience.is_answered();
        assert!(!patience.is_over(start + 2 * SILENT));
    }
}
