//! What the answers of a journal mean for the drafts.

use chat_proto::Seq;

use crate::action::ActionRecord;
use crate::entry::{Appended, Draft, MessageRecord};
use crate::error::JournalError;

/// Checks that a journal has answered each draft, without holes in the sequence numbers.
pub(super) fn check(drafts: &[Draft], appended: &[Appended], mut last: Seq) -> Result<(), JournalError> {
    if drafts.len() != appended.len() {
        return Err(JournalError::Broken { reason: "it did not answer every draft" });
    }
    for (draft, appended) in drafts.iter().zip(appended) {
        match (draft, appended) {
            (Draft::Account { .. }, Appended::Account(_))
            | (Draft::Post { .. }, Appended::Repeated { .. })
            | (Draft::Action(_), Appended::Action { .. }) => {}
            (Draft::Post { .. }, Appended::Fresh { seq, .. }) if *seq == last + 1 => last = *seq,
            (Draft::Post { .. }, Appended::Fresh { .. }) => {
                return Err(JournalError::Broken { reason: "its sequence numbers have a hole" });
            }
            _ => return Err(JournalError::Broken { reason: "it answered with something else" }),
        }
    }
    Ok(())
}

/// Returns the action that a draft has become, if it is one.
pub(super) fn done(head: Seq) -> impl Fn((&Draft, &Appended)) -> Option<ActionRecord> {
    move |(draft, appended)| match (draft, *appended) {
        (Draft::Action(draft), Appended::Action { number, at }) => {
            Some(ActionRecord { number, at, head, draft: draft.clone() })
        }
        _ => None,
    }
}

/// Returns the message that a draft has become, if it is new.
pub(super) fn stored((draft, appended): (Draft, &Appended)) -> Option<MessageRecord> {
    match (draft, *appended) {
        (Draft::Post { author, text, .. }, Appended::Fresh { seq, at }) => {
            Some(MessageRecord { seq, at, nickname: author.nickname.clone(), text })
        }
        _ => None,
    }
}
