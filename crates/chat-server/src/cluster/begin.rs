//! A store begins a log: for the first time, or again after the log was lost.

use std::path::Path;

use chat_proto::Seq;

use super::error::ClusterError;
use super::status::judge;
use crate::error::JournalError;
use crate::journal::{LogBeginning, StorePlace, store_place};
use crate::nats::{LogStatus, NatsError, NatsOptions, create_log, log_status, replace_log};
use crate::replication::rules::Divergence;

/// A log that a store has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Begun {
    /// The store.
    pub place: StorePlace,
    /// The number of its accounts; `None` if it had been begun before.
    pub accounts: Option<usize>,
}

/// What the log is to a store that begins it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reseed {
    /// It is begun already, by an earlier run of the command.
    Begun,
    /// It is removed and created.
    Replace,
}

/// Makes the store in `dir` the first node of a room on several: creates the log, and then makes the store follow it. No
/// message is copied. A run that was interrupted can be repeated.
///
/// # Errors
/// [`ClusterError`]; then the store is as it was.
pub async fn init(dir: &Path, options: &NatsOptions) -> Result<Begun, ClusterError> {
    let beginning = match LogBeginning::of_server(dir) {
        Err(JournalError::OfCluster) => return already(dir, options).await,
        beginning => beginning?,
    };
    let log = create_log(options, beginning.text()).await?;
    finish(beginning, &log, options, false)
}

/// Returns that of an earlier run, if the log is the one of this store and nothing happened since.
async fn already(dir: &Path, options: &NatsOptions) -> Result<Begun, ClusterError> {
    let place = store_place(dir)?.ok_or(JournalError::NotOfCluster)?;
    let log = log_status(options).await?;
    if place.place == 0 && log.generation == Some(place.generation) {
        return Ok(Begun { place, accounts: None });
    }
    Err(ClusterError::IsNode { found: format!("{:?}", place.generation) })
}

/// Begins the log again with the store of the node in `dir`: under a new generation, with its head, accounts and stream.
/// `replace` removes also a log that is good or of another room; `lost_end` begins a new stream, because other messages may
/// have had the numbers after the head. A run that was interrupted can be repeated.
///
/// # Errors
/// [`ClusterError`]; then the store is as it was.
pub async fn reseed(dir: &Path, options: &NatsOptions, replace: bool, lost_end: bool) -> Result<Begun, ClusterError> {
    // Opening a store creates one that is missing.
    store_place(dir)?;
    let beginning = LogBeginning::of_node(dir)?;
    let place = beginning.place().ok_or(JournalError::NotOfCluster)?;
    let found = match log_status(options).await {
        Ok(found) => Some(found),
        Err(NatsError::NoLog { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let log = match judge_reseed(found.as_ref(), place, beginning.text(), options, replace, lost_end)? {
        Reseed::Begun => create_log(options, beginning.text()).await?,
        Reseed::Replace => replace_log(options, beginning.text()).await?,
    };
    finish(beginning, &log, options, lost_end)
}

fn finish(
    beginning: LogBeginning,
    log: &LogStatus,
    options: &NatsOptions,
    new_stream: bool,
) -> Result<Begun, ClusterError> {
    let (_, accounts) = beginning.content();
    let generation = log.generation.ok_or_else(|| NatsError::LogExists { name: options.name.to_string() })?;
    let place = beginning.begin(generation, new_stream)?;
    Ok(Begun { place, accounts: Some(accounts) })
}

/// Decides whether a log may be begun again by a store.
fn judge_reseed(
    log: Option<&LogStatus>,
    place: &StorePlace,
    text: &str,
    options: &NatsOptions,
    replace: bool,
    lost_end: bool,
) -> Result<Reseed, ClusterError> {
    let Some(log) = log else { return Ok(Reseed::Replace) };
    let name = || options.name.to_string();
    if log.generation != Some(place.generation) {
        if log.last == 0 && log.beginning.as_deref() == Some(text) {
            return Ok(Reseed::Begun);
        }
        return if replace { Ok(Reseed::Replace) } else { Err(ClusterError::LogOfOther { name: name() }) };
    }
    if log.closed && !replace {
        return Err(ClusterError::LogClosed { name: name() });
    }
    match judge(log, place) {
        // Its numbers may have been given to messages that only other nodes have.
        _ if log.last > place.place && !lost_end => {
            Err(ClusterError::NotFurthest { name: name(), last: log.last, place: place.place })
        }
        Ok(()) if !replace => Err(ClusterError::LogGood { name: name() }),
        Ok(()) | Err(Divergence::Rewound(_) | Divergence::Forgotten(_)) => Ok(Reseed::Replace),
        Err(_) => Err(ClusterError::LogOfOther { name: name() }),
    }
}

impl Begun {
    /// Returns the sequence number of the last message.
    #[must_use]
    pub fn head(&self) -> Seq {
        self.place.head
    }
}

#[cfg(test)]
mod tests {
    use chat_proto::StreamId;

    use super::*;
    use crate::replication::Generation;

    const OURS: Generation = Generation::from_bytes([7; 16]);

    fn log(generation: Generation, first: u64, last: u64) -> LogStatus {
        LogStatus::for_tests(Some(generation), Some("text"), first, last)
    }

    fn judged(log: Option<&LogStatus>, replace: bool, lost_end: bool) -> Result<Reseed, String> {
        let options = NatsOptions::new(["n1".to_owned()]);
        let stream = StreamId::new("s").unwrap();
        let place = StorePlace { generation: OURS, place: 10, head: 4, stream };
        judge_reseed(log, &place, "text", &options, replace, lost_end).map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn a_log_that_is_lost_is_begun_again() {
        assert_eq!(judged(None, false, false), Ok(Reseed::Replace), "gone");
        assert_eq!(judged(Some(&log(OURS, 1, 9)), false, false), Ok(Reseed::Replace), "rewound");
    }

    #[test]
    fn a_good_log_is_left_alone() {
        assert!(judged(Some(&log(OURS, 3, 10)), false, false).unwrap_err().starts_with("LogGood"));
        assert_eq!(judged(Some(&log(OURS, 3, 10)), true, false), Ok(Reseed::Replace), "forked, which is not seen here");
    }

    #[test]
    fn a_store_that_lacks_an_end_says_so() {
        for first in [1, 12] {
            let log = log(OURS, first, 12);
            assert!(judged(Some(&log), true, false).unwrap_err().starts_with("NotFurthest"), "{first}");
        }
        assert_eq!(judged(Some(&log(OURS, 12, 12)), false, true), Ok(Reseed::Replace));
    }

    #[test]
    fn a_log_of_another_room_is_left_alone() {
        let other = Generation::from_bytes([8; 16]);
        assert!(judged(Some(&log(other, 1, 3)), false, true).unwrap_err().starts_with("LogOfOther"));
        assert_eq!(judged(Some(&log(other, 1, 3)), true, true), Ok(Reseed::Replace));
        assert_eq!(judged(Some(&log(other, 1, 0)), false, false), Ok(Reseed::Begun), "an interrupted run");
        let mut closed = log(OURS, 1, 10);
        closed.closed = true;
        assert!(judged(Some(&closed), false, true).unwrap_err().starts_with("LogClosed"));
    }
}
