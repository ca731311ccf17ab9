//! The answers to operators: messages and actions as objects and as lines of text.

use chat_proto::Seq;
use serde_json::{Value, json};

use super::request::AdminReply;
use crate::action::{ActionDraft, ActionRecord, OperatorAction};
use crate::entry::MessageRecord;

/// Returns a message of an export.
pub(super) fn exported(message: &MessageRecord) -> AdminReply {
    let MessageRecord { seq, at, nickname, text } = message;
    let object = json!({"type": "message", "seq": seq, "at": at, "nick": nickname.as_str(), "text": text.as_str()});
    AdminReply { text: object.to_string(), object }
}

/// Returns an action as it is shown.
pub(super) fn shown(record: &ActionRecord) -> AdminReply {
    let ActionDraft { actor, reason, action } = &record.draft;
    // An action consists of strings and numbers, which can always be serialized.
    let mut object = serde_json::to_value(action).unwrap_or_default();
    if let Value::Object(fields) = &mut object {
        // Of no use to a reader, and the proof of a token.
        fields.remove("hash");
        fields.insert("type".into(), "action".into());
        fields.insert("number".into(), record.number.into());
        fields.insert("at".into(), record.at.into());
        fields.insert("by".into(), actor.as_str().into());
        if let Some(reason) = reason {
            fields.insert("reason".into(), reason.as_str().into());
        }
    }
    let ends = |until: &Option<i64>| until.map(|until| format!(" until {}", until / 1000)).unwrap_or_default();
    let what = match action {
        OperatorAction::Remove { seqs } => {
            let listed: Vec<String> = seqs.iter().map(Seq::to_string).collect();
            format!("removed {}", listed.join(" "))
        }
        OperatorAction::Mute { nickname, until, .. } => format!("muted {nickname}{}", ends(until)),
        OperatorAction::Unmute { nickname, .. } => format!("unmuted {nickname}"),
        OperatorAction::Ban { nickname, until, .. } => format!("banned {nickname}{}", ends(until)),
        OperatorAction::Unban { nickname, .. } => format!("unbanned {nickname}"),
        OperatorAction::BanAddress { addresses, until } => format!("banned {addresses}{}", ends(until)),
        OperatorAction::UnbanAddress { addresses } => format!("unbanned {addresses}"),
        OperatorAction::Kick { nickname, .. } => format!("kicked {nickname}"),
        OperatorAction::Revoke { nickname, .. } => format!("revoked {nickname}"),
        OperatorAction::Restore { nickname, .. } => format!("restored {nickname}"),
        OperatorAction::Rename { nickname, to, .. } => format!("renamed {nickname} to {to}"),
        OperatorAction::Token { nickname, .. } => format!("gave {nickname} another token"),
        OperatorAction::Erase { account } => format!("erased account {account}"),
    };
    let why = reason.as_ref().map(|reason| format!(": {}", reason.flattened())).unwrap_or_default();
    AdminReply { object, text: format!("{}\t{}\t{actor}\t{what}{why}", record.number, record.at / 1000) }
}
