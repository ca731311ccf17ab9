//! A node becomes a server alone.

use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::error::ClusterError;
use super::status::judge;
use crate::error::JournalError;
use crate::journal::{SqliteProjection, StorePlace, store_place};
use crate::nats::{NatsOptions, close_log, log_status, read_log};
use crate::replication::Projection as _;
use crate::replication::rules::{PlaceVerdict, judge_place};

/// How long no server may have the next place.
const PLACE_WITHIN: Duration = Duration::from_secs(30);

/// The time between two rounds over all servers.
const ROUND_EVERY: Duration = Duration::from_millis(250);

/// What became of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Left {
    /// It was that of a server alone already.
    Before,
    /// It is that of a server alone now. It was at this place of its log.
    Now(StorePlace),
}

/// Makes the store in `dir` that of a server alone: closes the log, applies what the store does not have of it, and takes
/// away what the store has of the log. A run that was interrupted can be repeated.
///
/// `as_it_is` asks no log, and begins a new stream: messages that only other nodes have are missing then, and their numbers
/// are given to others.
///
/// # Errors
/// [`ClusterError`]. The log may be closed then; the store follows it still.
pub async fn leave(dir: &Path, options: Option<&NatsOptions>, as_it_is: bool) -> Result<Left, ClusterError> {
    let Some(mut place) = store_place(dir)? else { return Ok(Left::Before) };
    let mut store = SqliteProjection::open(dir)?;
    if let Some(options) = options.filter(|_| !as_it_is) {
        // Before it is closed, which must not happen to the log of another room.
        judge(&log_status(options).await?, &place).map_err(ClusterError::CannotEnd)?;
        let last = close_log(options).await?.last;
        catch_up(&mut store, options, last).await?;
        (place.place, place.head) = (store.applied().place, store.head());
    }
    store.leave(as_it_is)?;
    Ok(Left::Now(place))
}

/// Applies the log up to a place.
async fn catch_up(store: &mut SqliteProjection, options: &NatsOptions, last: u64) -> Result<(), ClusterError> {
    let (mut server, mut deadline) = (0, Instant::now() + PLACE_WITHIN);
    while store.applied().place < last {
        let applied = store.applied().place;
        let read = match read_log(options, server, applied + 1).await {
            Ok(read) => read,
            Err(error) if error.is_passing() && Instant::now() < deadline => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let next = read.into_iter().zip(applied..);
        // A copy may lack places.
        let next: Vec<_> = next.map_while(|(batch, before)| is_next(before, batch.place).then_some(batch)).collect();
        if next.is_empty() {
            if Instant::now() >= deadline {
                return Err(ClusterError::NoPlace(applied + 1));
            }
            server += 1;
            if server % options.servers.len().max(1) == 0 {
                sleep(ROUND_EVERY).await;
            }
            continue;
        }
        if let Some(stopped) = store.apply(&next)?.stopped {
            return Err(ClusterError::Stopped(stopped));
        }
        deadline = Instant::now() + PLACE_WITHIN;
    }
    if store.applied().place > last { Err(JournalError::Damaged.into()) } else { Ok(()) }
}

fn is_next(before: u64, place: u64) -> bool {
    judge_place(before, place) == PlaceVerdict::Next
}
