//! What the outcomes of applied entries mean: messages and actions are shown, and their writers are answered.

use crate::action::ActionRecord;
use crate::committer::queue::CommitResult;
use crate::committer::thread::CommitterParts;
use crate::entry::{AccountRecord, Appended, MessageRecord};
use crate::error::CommitError;
use crate::journal::JournalReader;
use crate::limits::COMMIT_BYTES;
use crate::replication::rules::NumberVerdict;
use crate::replication::{AppliedBatch, BatchEntry, EntryOutcome};

/// Returns the answer to drafts that were applied together. They are of one account, so all of them share its fate.
pub(super) fn of_drafts(outcomes: &[EntryOutcome]) -> CommitResult {
    outcomes
        .iter()
        .map(|outcome| match *outcome {
            EntryOutcome::Fresh { seq, at } => Ok(Appended::Fresh { seq, at }),
            EntryOutcome::Repeated { seq } => Ok(Appended::Repeated { seq }),
            EntryOutcome::Registered(account) => Ok(Appended::Account(account)),
            EntryOutcome::Acted { number, at } => Ok(Appended::Action { number, at }),
            EntryOutcome::Revoked => Err(CommitError::Revoked),
            EntryOutcome::LooksTaken => Err(CommitError::NameTaken),
            EntryOutcome::Expired { .. } | EntryOutcome::Passed => Err(CommitError::Uncertain),
        })
        .collect()
}

/// Returns how many posts were stored before.
pub(super) fn repeated(appended: &[Appended]) -> u64 {
    appended.iter().filter(|one| matches!(one, Appended::Repeated { .. })).count() as u64
}

/// Returns whether messages were removed.
pub(super) fn has_expired(outcomes: &[EntryOutcome]) -> bool {
    outcomes.iter().any(|outcome| matches!(outcome, EntryOutcome::Expired { removed } if *removed > 0))
}

/// Shows what was applied, in its order and before anything is answered: when a writer receives its confirmation, its
/// message is in the log of every listener of this node.
pub(super) fn show(
    parts: &CommitterParts,
    reader: &dyn JournalReader,
    applied: &[AppliedBatch],
    is_own: impl Fn(&AppliedBatch) -> bool,
) {
    let mut fresh = Vec::new();
    let (mut head, mut bytes) = (parts.log.last(), 0);
    let publish = |fresh: &mut Vec<MessageRecord>| {
        parts.meters.stored.add(fresh.len() as u64);
        parts.log.publish(fresh);
        if let Some(hooks) = &parts.hooks {
            fresh.iter().for_each(|message| hooks.stored(message));
        }
        fresh.clear();
    };
    for batch in applied {
        parts.meters.node.applied(batch.place, batch.verdict);
        let own = is_own(batch);
        if batch.verdict != NumberVerdict::Apply {
            continue;
        }
        for (entry, outcome) in &batch.entries {
            match (entry, outcome) {
                (BatchEntry::Post { author, text, .. }, EntryOutcome::Fresh { seq, at }) => {
                    head = *seq;
                    bytes += text.as_str().len();
                    if !own {
                        (parts.posted)(author.id);
                    }
                    let (nickname, text) = (author.nickname.clone(), text.clone());
                    fresh.push(MessageRecord { seq: *seq, at: *at, nickname, text });
                }
                (BatchEntry::Register { token, nickname, .. }, EntryOutcome::Registered(id)) => {
                    let (token, nickname) = (*token, nickname.clone());
                    (parts.registered)(AccountRecord { id: *id, token, nickname, at: 0, revoked: false });
                }
                (BatchEntry::Act { draft, .. }, EntryOutcome::Acted { number, at }) => {
                    // After the messages before it, because it may remove one of them.
                    publish(&mut fresh);
                    (parts.effects)(&ActionRecord { number: *number, at: *at, head, draft: draft.clone() });
                }
                (BatchEntry::Expire { .. }, EntryOutcome::Expired { removed }) if *removed > 0 => {
                    publish(&mut fresh);
                    parts.meters.expired(*removed, reader.oldest());
                }
                _ => {}
            }
        }
        // The newest batch of the shared log is never evicted, so it has a bound.
        if bytes >= COMMIT_BYTES {
            publish(&mut fresh);
            bytes = 0;
        }
    }
    publish(&mut fresh);
}
