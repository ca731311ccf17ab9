//! One line of the outbox file: a checksum, a space, a JSON object, a line feed. The file is a sequence of changes;
//! replaying them gives the entries.

use chat_proto::{DeclineCode, PostId, Text};
use serde::{Deserialize, Serialize};

use super::entry::OutboxEntry;
use crate::delivery_state::DeliveryState;
use crate::time;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OutboxRecord {
    /// A message was typed, for the room and account that `scope` names.
    Added { scope: String, entry: OutboxEntry },
    /// The state of a message changed.
    State { id: PostId, state: DeliveryState },
    /// A message is confirmed or discarded and can be removed.
    Done { id: PostId },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RecordJson<'a> {
    Add { id: &'a str, scope: std::borrow::Cow<'a, str>, typed: i64, text: std::borrow::Cow<'a, str> },
    Queued(&'a str),
    Written(&'a str),
    Unconfirmed(&'a str),
    Refused(&'a str),
    Done(&'a str),
}

impl OutboxRecord {
    /// Appends the record as a line.
    pub(super) fn append(&self, out: &mut Vec<u8>) {
        let stored = match self {
            Self::Added { scope, entry } => RecordJson::Add {
                id: entry.id.as_str(),
                scope: scope.into(),
                typed: time::to_millis(entry.typed),
                text: entry.text.as_str().into(),
            },
            Self::State { id, state } => match state {
                DeliveryState::Queued | DeliveryState::NeverSent => RecordJson::Queued(id.as_str()),
                DeliveryState::Written => RecordJson::Written(id.as_str()),
                DeliveryState::Unconfirmed => RecordJson::Unconfirmed(id.as_str()),
                DeliveryState::Refused { .. } => RecordJson::Refused(id.as_str()),
                DeliveryState::Confirmed(_) | DeliveryState::Discarded => RecordJson::Done(id.as_str()),
            },
            Self::Done { id } => RecordJson::Done(id.as_str()),
        };
        // Serializing strings and numbers cannot fail.
        let json = serde_json::to_string(&stored).unwrap_or_default();
        out.extend_from_slice(format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes())).as_bytes());
    }

    /// Parses a line without its line feed; `None` if it is damaged.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let (check, json) = (line.get(..8)?, line.get(9..)?);
        let check = u32::from_str_radix(std::str::from_utf8(check).ok()?, 16).ok()?;
        if line[8] != b' ' || check != crc32fast::hash(json) {
            return None;
        }
        let id = |id: &str| PostId::new(id).ok();
        let state = |name: &str, state| Some(Self::State { id: id(name)?, state });
        match serde_json::from_slice(json).ok()? {
            RecordJson::Add { id: name, scope, typed, text } => {
                let (text, typed) = (Text::new(&text).ok()?, time::from_millis(typed));
                let entry = OutboxEntry { id: id(name)?, text, typed, state: DeliveryState::Queued };
                Some(Self::Added { scope: scope.into_owned(), entry })
            }
            RecordJson::Queued(name) => state(name, DeliveryState::Queued),
            RecordJson::Written(name) => state(name, DeliveryState::Written),
            RecordJson::Unconfirmed(name) => state(name, DeliveryState::Unconfirmed),
            RecordJson::Refused(name) => state(name, refused()),
            RecordJson::Done(name) => Some(Self::Done { id: id(name)? }),
        }
    }
}

/// Returns the state of a refused message. The file does not store the reason.
fn refused() -> DeliveryState {
    DeliveryState::Refused { code: DeclineCode::Other("unknown".into()), retry_after: None, reason: None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_record() -> impl Strategy<Value = OutboxRecord> {
        let id = || "[a-z0-9-]{1,36}".prop_map(|id| PostId::new(&id).unwrap());
        let state = prop::sample::select(vec![
            DeliveryState::Queued,
            DeliveryState::Written,
            DeliveryState::Unconfirmed,
            refused(),
        ]);
        let text = any::<String>().prop_filter_map("blank", |text| Text::new(&text).ok());
        prop_oneof![
            (id(), any::<String>(), 0i64..4_000_000_000_000, text).prop_map(|(id, scope, typed, text)| {
                let typed = time::from_millis(typed);
                OutboxRecord::Added { scope, entry: OutboxEntry { id, text, typed, state: DeliveryState::Queued } }
            }),
            (id(), state).prop_map(|(id, state)| OutboxRecord::State { id, state }),
            id().prop_map(|id| OutboxRecord::Done { id }),
        ]
    }

    proptest! {
        #[test]
        fn round_trips_as_one_line(record in any_record()) {
            let mut line = Vec::new();
            record.append(&mut line);
            prop_assert_eq!(line.iter().filter(|&&b| b == b'\n').count(), 1);
            prop_assert_eq!(OutboxRecord::parse(&line[..line.len() - 1]), Some(record));
        }

        #[test]
        fn flipped_bits_are_never_misread(record in any_record(), at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let mut line = Vec::new();
            record.append(&mut line);
            line.pop();
            let at = at.index(line.len());
            line[at] ^= 1 << bit;
            let read = OutboxRecord::parse(&line);
            // The hexadecimal checksum may differ in case and still be the same.
            prop_assert!(read.is_none() || read == Some(record));
        }

        #[test]
        fn parses_any_line(line in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = OutboxRecord::parse(&line);
        }
    }
}
