//! What a log and a store are to each other.

use std::path::Path;

use crate::error::JournalError;
use crate::journal::{StorePlace, store_place};
use crate::nats::{LogStatus, NatsError, NatsOptions, check_log, log_status};
use crate::replication::rules::Divergence;

/// A log and a store, each as far as it can be read.
#[derive(Debug)]
#[non_exhaustive]
pub struct ClusterStatus {
    /// The log.
    pub log: Result<LogStatus, NatsError>,
    /// Why the log cannot keep the promise, if it was reached.
    pub log_problem: Option<NatsError>,
    /// The store; `None` if it is that of a server alone.
    pub store: Result<Option<StorePlace>, JournalError>,
}

/// Reads a log, and the store in `dir`, on which a server may be running.
pub async fn status(dir: &Path, options: &NatsOptions) -> ClusterStatus {
    // Before the log, which grows meanwhile: the store must not seem to be ahead of it.
    let store = store_place(dir);
    let log = log_status(options).await;
    let log_problem = if log.is_ok() { check_log(options).await.err() } else { None };
    ClusterStatus { log, log_problem, store }
}

impl ClusterStatus {
    /// Returns how many places the store is behind the log, if it follows it.
    #[must_use]
    pub fn behind(&self) -> Option<u64> {
        let (Ok(log), Ok(Some(store))) = (&self.log, &self.store) else { return None };
        if log.generation == Some(store.generation) { log.last.checked_sub(store.place) } else { None }
    }

    /// Returns what is wrong, in sentences. Empty if the log can be used and the store can follow it.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        match &self.log {
            Err(error) => problems.push(with_source(error)),
            Ok(log) => {
                problems.extend(self.log_problem.as_ref().map(with_source));
                if let Ok(Some(store)) = &self.store
                    && let Err(why) = judge(log, store)
                {
                    problems.push(why.to_string());
                }
                let copies = log.copies.iter();
                let offline = copies.filter(|copy| copy.offline);
                problems.extend(offline.map(|copy| format!("the server {} cannot be reached", copy.server)));
                if !log.copies.is_empty() && log.copies.iter().all(|copy| !copy.leads) {
                    problems.push("no copy of the log leads: nothing is stored".to_owned());
                }
            }
        }
        match &self.store {
            Ok(Some(_)) => {}
            Ok(None) => problems.push(JournalError::NotOfCluster.to_string()),
            Err(error) => problems.push(with_source(error)),
        }
        problems
    }
}

fn with_source(error: &impl std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

/// Checks that a log is the one that a store follows, and has what comes next.
///
/// # Errors
/// What is wrong.
pub(super) fn judge(log: &LogStatus, store: &StorePlace) -> Result<(), Divergence> {
    if log.generation != Some(store.generation) {
        Err(Divergence::Generation)
    } else if log.last < store.place {
        Err(Divergence::Rewound(log.last))
    } else if log.first > store.place + 1 {
        Err(Divergence::Forgotten(log.first))
    } else {
        Ok(())
    }
}
