//! One line of an export. An export is a record of the room, its accounts, its messages, its actions, and a record that
//! ends it, each an object on a line.

use chat_proto::display::clean_for_terminal;
use chat_proto::{Nickname, PostId, Seq, StreamId, Text};
use serde::{Deserialize, Serialize};

use super::error::RecordFault;
use crate::action::{AccountId, OperatorAction};
use crate::entry::LogStream;

/// The latest version of exports that this program reads and writes: that of a room without messages whose log does not
/// begin at 1. An earlier program would give its numbers again.
pub const EXPORT_FORMAT: u32 = 2;

/// The version of all other exports, which earlier programs read too.
pub(crate) const PLAIN_EXPORT_FORMAT: u32 = 1;

/// One record of an export. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RoomRecord {
    /// The first record.
    Room {
        /// The version of the export.
        format: u32,
        /// The streams of the log, oldest first.
        streams: Vec<StreamRecord>,
        /// The newest message that has expired.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expired: Option<ExpiredRecord>,
    },
    /// An account. Its token is not part of an export.
    Account {
        /// Its number.
        id: AccountId,
        /// Its nickname.
        nick: String,
        /// When it was created.
        at: i64,
        /// Whether it can no longer log in.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        revoked: bool,
    },
    /// A message.
    Message {
        /// Its position in the log.
        seq: Seq,
        /// When it was accepted.
        at: i64,
        /// The number of its account.
        account: AccountId,
        /// The nickname under which it was posted.
        nick: String,
        /// The id that its writer chose.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// The text.
        text: String,
    },
    /// What is left of a removed message.
    Removed {
        /// Its position in the log.
        seq: Seq,
        /// When it was accepted.
        at: i64,
        /// The number of its account.
        account: AccountId,
        /// The id that its writer chose.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// When it was removed.
        removed_at: i64,
        /// Who removed it.
        by: String,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// An action of an operator.
    Action {
        /// Its number.
        number: u64,
        /// When it was stored.
        at: i64,
        /// The newest sequence number at that time.
        head: Seq,
        /// Who did it.
        by: String,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// What.
        #[serde(flatten)]
        what: OperatorAction,
    },
    /// The last record, which shows that the export is complete.
    End {
        /// The number of accounts.
        accounts: u64,
        /// The number of messages, removed ones included.
        messages: u64,
        /// The number of actions.
        actions: u64,
    },
}

/// A stream of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamRecord {
    /// Its id.
    pub id: String,
    /// The position of its first message.
    pub first: Seq,
}

/// The newest message that has expired. The log continues after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpiredRecord {
    /// Its position in the log.
    pub seq: Seq,
    /// When it was accepted.
    pub at: i64,
}

impl StreamRecord {
    /// Returns the stream.
    pub(crate) fn stream(&self) -> Result<LogStream, RecordFault> {
        let id = StreamId::new(&self.id).map_err(|error| RecordFault::value("id", &error))?;
        Ok(LogStream { id, first: self.first })
    }
}

impl From<&LogStream> for StreamRecord {
    fn from(stream: &LogStream) -> Self {
        Self { id: stream.id.as_str().to_owned(), first: stream.first }
    }
}

impl RoomRecord {
    /// Parses a line without its line feed, and checks each of its values.
    ///
    /// # Errors
    /// [`RecordFault`] if it is not a record, or a value is one that a room cannot have.
    pub fn parse(line: &str) -> Result<Self, RecordFault> {
        let record: Self = serde_json::from_str(line).map_err(|error| RecordFault::Json(without_place(&error)))?;
        match &record {
            Self::Room { format, .. } if *format > EXPORT_FORMAT => {
                return Err(RecordFault::TooNew { found: *format, known: EXPORT_FORMAT });
            }
            Self::Room { streams, expired, .. } => {
                expired.map_or(Ok(()), |expired| number("expired", expired.seq))?;
                for stream in streams {
                    number("first", stream.first)?;
                    stream.stream()?;
                }
            }
            Self::Account { nick, .. } => nickname("nick", nick)?,
            Self::Message { seq, nick, id, text, .. } => {
                number("seq", *seq)?;
                nickname("nick", nick)?;
                post_id(id.as_deref())?;
                whole_text("text", text)?;
            }
            Self::Removed { seq, by, id, reason, .. } => {
                number("seq", *seq)?;
                nickname("by", by)?;
                post_id(id.as_deref())?;
                reason.as_deref().map_or(Ok(()), |reason| whole_text("reason", reason))?;
            }
            Self::Action { number: n, head, by, reason, .. } => {
                number("number", *n)?;
                // Before the first message it is 0.
                number("head", (*head).max(1))?;
                nickname("by", by)?;
                reason.as_deref().map_or(Ok(()), |reason| whole_text("reason", reason))?;
            }
            Self::End { .. } => {}
        }
        Ok(record)
    }

    /// Returns the record as a line without its line feed.
    #[must_use]
    pub fn to_line(&self) -> String {
        // Strings and numbers can always be serialized.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Returns the name of its type.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Room { .. } => "room",
            Self::Account { .. } => "account",
            Self::Message { .. } => "message",
            Self::Removed { .. } => "removed",
            Self::Action { .. } => "action",
            Self::End { .. } => "end",
        }
    }
}

/// Returns the error without the place, which is always line 1, as one line: it repeats what the file contains.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.split_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    clean_for_terminal(what).into_owned()
}

fn number(field: &'static str, value: u64) -> Result<(), RecordFault> {
    match i64::try_from(value) {
        Ok(1..) => Ok(()),
        Ok(_) => Err(RecordFault::Value { field, reason: "it is not above zero".to_owned() }),
        Err(_) => Err(RecordFault::too_large(field, value)),
    }
}

/// Checks that cleaning would change nothing: what is stored is then what the file has.
fn nickname(field: &'static str, raw: &str) -> Result<(), RecordFault> {
    match Nickname::new(raw) {
        Ok(nickname) if nickname.as_str() == raw => Ok(()),
        Ok(_) => Err(RecordFault::Value { field, reason: "it contains characters that a nickname cannot have".into() }),
        Err(error) => Err(RecordFault::value(field, &error)),
    }
}

fn whole_text(field: &'static str, raw: &str) -> Result<(), RecordFault> {
    match Text::new(raw) {
        Ok(text) if text.as_str() == raw => Ok(()),
        Ok(_) => Err(RecordFault::Value { field, reason: "it contains characters that a text cannot have".into() }),
        Err(error) => Err(RecordFault::value(field, &error)),
    }
}

fn post_id(raw: Option<&str>) -> Result<(), RecordFault> {
    match raw.map(PostId::new) {
        Some(Err(error)) => Err(RecordFault::value("id", &error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_one_visible_line() {
        let fault = RoomRecord::parse("{\"type\":\"\\nd\\u001b[2J\"}").unwrap_err().to_string();
        assert!(!fault.contains(['\n', '\u{1b}']), "{fault:?}");
    }

    #[test]
    fn a_record_is_the_same_after_a_round_trip() {
        for line in [
            r#"{"type":"room","format":1,"streams":[{"id":"k3f9","first":1}]}"#,
            r#"{"type":"room","format":2,"streams":[],"expired":{"seq":7,"at":5}}"#,
            r#"{"type":"account","id":1,"nick":"Keen Bob","at":5}"#,
            r#"{"type":"account","id":2,"nick":"Keen Eve","at":5,"revoked":true}"#,
            r#"{"type":"message","seq":1,"at":5,"account":1,"nick":"Keen Bob","id":"a","text":"two\nlines"}"#,
            r#"{"type":"removed","seq":2,"at":5,"account":1,"removed_at":6,"by":"root","reason":"spam"}"#,
            r#"{"type":"action","number":1,"at":6,"head":2,"by":"root","action":"remove","seqs":[2]}"#,
            r#"{"type":"end","accounts":2,"messages":2,"actions":1}"#,
        ] {
            assert_eq!(RoomRecord::parse(line).unwrap().to_line(), line);
        }
    }

    #[test]
    fn refuses_values_that_a_room_cannot_have() {
        for (line, says) in [
            ("", "not a record of an export: EOF"),
            ("{}", "missing field `type`"),
            (r#"{"type":"party"}"#, "unknown variant"),
            (r#"{"type":"room","format":3,"streams":[]}"#, "format 3, this program supports 2"),
            (
                r#"{"type":"room","format":2,"streams":[],"expired":{"seq":0,"at":5}}"#,
                "expired cannot have this value: it is not",
            ),
            (r#"{"type":"room","format":1,"streams":[{"id":"","first":1}]}"#, "id cannot"),
            (r#"{"type":"account","id":1,"nick":" ","at":5}"#, "nick cannot"),
            (
                r#"{"type":"message","seq":0,"at":5,"account":1,"nick":"Bob","text":"x"}"#,
                "seq cannot have this value: it is not",
            ),
            (r#"{"type":"message","seq":9223372036854775808,"at":5,"account":1,"nick":"Bob","text":"x"}"#, "too large"),
            (r#"{"type":"message","seq":1,"at":5,"account":1,"nick":"Bob","text":"x\n"}"#, "text cannot"),
            (r#"{"type":"message","seq":1,"at":5,"account":1,"nick":"Bob","text":" "}"#, "text cannot"),
            (r#"{"type":"message","seq":1,"at":5,"account":1,"nick":"Bob","id":"a b","text":"x"}"#, "id cannot"),
        ] {
            let fault = RoomRecord::parse(line).unwrap_err().to_string();
            assert!(fault.contains(says), "{line}: {fault}");
        }
    }
}
