//! The rules of applying. Each is a function of the log and the store alone, so that every node decides the same.
//!
//! 1. A place is applied once, and only if all places before it were: [`judge_place`].
//! 2. A batch of another log, or of one that has a different past, stops the node: [`check_origin`].
//! 3. A batch that was sent again, or that came before an earlier one of its node, is skipped: [`judge_number`].
//! 4. An entry of a revoked account, a known id, or a name that looks like another one adds nothing. The store decides
//!    that; the time of what it adds is [`log_time`].
//! 5. What a batch adds and the fact that it was applied are one transaction of the store.

use super::batch::ProposedBatch;
use super::chain::{ChainHash, ChainLink, Generation};
use super::codec::BatchError;

/// How long the last number of an epoch is kept after its last batch, in milliseconds of the clock of the log.
pub const EPOCH_KEPT_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// The age of its last batch from which on a node begins a new epoch, in milliseconds of the log: long before other nodes
/// forget the old one.
pub const EPOCH_RENEWED_MS: i64 = 24 * 60 * 60 * 1000;

/// How many links of the chain a store keeps.
pub const CHAIN_KEPT: u64 = 100_000;

/// What to do with a place of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceVerdict {
    /// It was applied already.
    Seen,
    /// It comes next.
    Next,
    /// Places before it are missing. It must not be applied.
    Hole,
}

/// Rule 1.
#[must_use]
pub fn judge_place(applied: u64, place: u64) -> PlaceVerdict {
    match place.checked_sub(applied) {
        None | Some(0) => PlaceVerdict::Seen,
        Some(1) => PlaceVerdict::Next,
        Some(_) => PlaceVerdict::Hole,
    }
}

/// The reason why a node stops applying its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Divergence {
    /// The batch cannot be read.
    #[error("the batch cannot be applied: {0}")]
    Unreadable(#[from] BatchError),
    /// The batch is of another log.
    #[error("the log is another one: it was begun again")]
    Generation,
    /// The node that proposed it had applied places that this log does not have.
    #[error("another node has applied place {0}, which is not in the log any more")]
    BaseAhead(u64),
    /// The node that proposed it had applied another batch at this place.
    #[error("another node has applied a different batch at place {0}")]
    Base(u64),
    /// The log ends before a place that this node has applied.
    #[error("the log ends at place {0}, before what this node has applied: it has lost its end")]
    Rewound(u64),
    /// The log has removed places that this node has not applied: it was away for longer than the log keeps them.
    #[error("the log begins at place {0}, after what this node needs next: it was away for too long")]
    Forgotten(u64),
    /// The log is gone, although this node has applied places of it.
    #[error("the log does not exist any more")]
    Gone,
}

/// Rule 2, for the batch at a place. `chain` is the hash of this store at the place of its base; `None` if it is not kept
/// any more.
///
/// # Errors
/// [`Divergence`]: the node must not apply this batch, nor any after it.
pub fn check_origin(
    batch: &ProposedBatch,
    generation: Generation,
    place: u64,
    chain: Option<ChainHash>,
) -> Result<(), Divergence> {
    let ChainLink { place: base, hash } = batch.base;
    if batch.generation != generation {
        Err(Divergence::Generation)
    } else if base >= place {
        Err(Divergence::BaseAhead(base))
    } else if chain.is_some_and(|ours| ours != hash) {
        Err(Divergence::Base(base))
    } else {
        Ok(())
    }
}

/// What to do with a batch of the right log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberVerdict {
    /// It is the next one of its epoch.
    Apply,
    /// It was applied before.
    Repeated,
    /// One before it is missing. Its node sends all from there again.
    Early,
}

/// Rule 3. `last` is the number of the last batch of its epoch that was applied; 0 before the first.
#[must_use]
pub fn judge_number(last: u64, number: u64) -> NumberVerdict {
    match number.checked_sub(last) {
        None | Some(0) => NumberVerdict::Repeated,
        Some(1) => NumberVerdict::Apply,
        Some(_) => NumberVerdict::Early,
    }
}

/// Returns the last number of an epoch, if `record` is what the store has of it: the number of its last batch, and the
/// latest time at which the log had got a batch up to it. `now` is that time for the batch that is judged.
#[must_use]
pub fn last_number(record: Option<(u64, i64)>, now: i64) -> u64 {
    record.filter(|(_, at)| !is_forgotten(*at, now)).map_or(0, |(number, _)| number)
}

/// Returns whether an epoch is forgotten whose last batch is of the time `at`, by the clock of the log.
#[must_use]
pub fn is_forgotten(at: i64, now: i64) -> bool {
    now.saturating_sub(at) > EPOCH_KEPT_MS
}

/// Returns the time of what a batch adds: that of its node, but never before the time of an earlier batch, and never after
/// the time at which the log got it, so that one wrong clock cannot move the time of the room ahead.
#[must_use]
pub fn log_time(last: i64, proposed: i64, placed: i64) -> i64 {
    proposed.min(placed).max(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_is_next_once(places in prop::collection::vec(1..20u64, 0..200)) {
            let (mut applied, mut order) = (0, Vec::new());
            for place in places {
                if judge_place(applied, place) == PlaceVerdict::Next {
                    applied = place;
                    order.push(place);
                }
            }
            prop_assert_eq!(order, (1..=applied).collect::<Vec<_>>());
        }

        #[test]
        fn a_number_is_applied_once_and_in_order(numbers in prop::collection::vec(1..20u64, 0..200)) {
            let (mut last, mut order) = (0, Vec::new());
            for number in numbers {
                match judge_number(last, number) {
                    NumberVerdict::Apply => {
                        last = number;
                        order.push(number);
                    }
                    NumberVerdict::Repeated => prop_assert!(order.contains(&number)),
                    NumberVerdict::Early => prop_assert!(!order.contains(&number)),
                }
            }
            prop_assert_eq!(order, (1..=last).collect::<Vec<_>>());
        }

        #[test]
        fn time_stays_between_the_log_and_its_past(last: i64, proposed: i64, placed: i64) {
            let at = log_time(last, proposed, placed);
            prop_assert!(at >= last && (at <= placed || at == last));
        }

        #[test]
        fn a_forgotten_epoch_stays_forgotten(at in 0..i64::MAX / 2, age in 0..i64::MAX / 2, later in 0..1_000_000_000i64) {
            if is_forgotten(at, at + age) {
                prop_assert!(is_forgotten(at, at + age + later));
                prop_assert_eq!(last_number(Some((7, at)), at + age), 0);
            } else {
                prop_assert_eq!(last_number(Some((7, at)), at + age), 7);
            }
        }
    }

    #[test]
    fn another_past_stops_the_node() {
        let generation = Generation::from_bytes([1; 16]);
        let start = ChainLink::beginning(generation);
        let (one, other) = (start.after(1, b"one"), start.after(2, b"one"));
        let batch = |base| ProposedBatch { generation, epoch: 1, number: 1, at: 0, base, entries: Vec::new() };
        assert_eq!(check_origin(&batch(one), generation, 2, Some(one.hash)), Ok(()));
        assert_eq!(check_origin(&batch(one), generation, 2, None), Ok(()));
        assert_eq!(check_origin(&batch(other), generation, 2, Some(one.hash)), Err(Divergence::Base(1)));
        assert_eq!(check_origin(&batch(one), generation, 1, None), Err(Divergence::BaseAhead(1)));
        let stranger = Generation::from_bytes([2; 16]);
        assert_eq!(check_origin(&batch(one), stranger, 2, Some(one.hash)), Err(Divergence::Generation));
    }
}
