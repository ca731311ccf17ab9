//! What the log says of a store that fails.

use std::time::Instant;

use crate::error::JournalError;
use crate::rate_limited_log::Throttle;

/// Logs a failing store at a bounded rate, because each writer retries every second.
#[derive(Debug, Default)]
pub(super) struct CommitFailureLog {
    failing: bool,
    throttle: Throttle,
}

impl CommitFailureLog {
    pub(super) fn failed(&mut self, error: &JournalError) {
        self.failing = true;
        if let Some(failures) = self.throttle.count(Instant::now()) {
            tracing::error!(error = error as &dyn std::error::Error, failures, "could not store messages");
        }
    }

    pub(super) fn stored(&mut self) {
        if std::mem::take(&mut self.failing) {
            tracing::info!("messages are stored again");
        }
    }
}
