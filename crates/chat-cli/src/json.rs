//! The objects of `--json`, one per line. Fields are only ever added; `docs/schema.json` describes them, and a test
//! checks the output against it.

use std::io;

use chat_client::{ConnectionState, Gap, Message, RemovedMessage, display};
use chat_frontend::report::chain;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use serde::Serialize;

/// The second day of the year 1, in milliseconds since 1970. RFC 3339 has no negative years.
const FIRST: i64 = -62_135_510_400_000;

/// One line of `--json`.
#[derive(Debug, Serialize)]
pub(crate) struct JsonObject<'a> {
    v: u8,
    #[serde(flatten)]
    kind: ObjectKind<'a>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ObjectKind<'a> {
    Message {
        #[serde(skip_serializing_if = "Option::is_none")]
        nick: Option<&'a str>,
        /// The other name that it looks like.
        #[serde(skip_serializing_if = "Option::is_none")]
        looks_like: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        line: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        at: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        seq: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        stream: Option<&'a str>,
    },
    Receipt {
        line: u64,
        state: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        seq: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        stream: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    Gap {
        since: String,
        until: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        missed: Option<u64>,
        cause: &'static str,
    },
    Removed {
        seq: u64,
        stream: &'a str,
        at: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
        /// It was removed before it was received.
        in_place: bool,
    },
    State {
        side: &'static str,
        state: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        attempt: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_in_ms: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cause: Option<String>,
        /// Why messages wait although there is a connection.
        #[serde(skip_serializing_if = "Option::is_none")]
        hold: Option<&'a str>,
    },
    Account {
        nick: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        asked: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<&'a str>,
    },
    Ping {
        side: &'static str,
        /// Host and port.
        address: String,
        /// The time until the greeting, or until the login.
        ms: f64,
        #[serde(skip_serializing_if = "Option::is_none")]
        numbered: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        nick: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        round_trip_ms: Option<f64>,
    },
    Error {
        code: &'a str,
        message: String,
    },
}

impl<'a> JsonObject<'a> {
    pub(crate) fn new(kind: ObjectKind<'a>) -> Self {
        Self { v: 1, kind }
    }

    /// Creates the object of a message; `arrived` is the time if the server gives none.
    pub(crate) fn message(message: &'a Message, looks_like: Option<&'a str>, arrived: Timestamp) -> Self {
        let at = accepted_at(message, arrived);
        let sender = message.sender.as_ref().map(|sender| sender.as_str());
        let text = message.text.as_str();
        Self::new(ObjectKind::Message {
            nick: sender,
            looks_like,
            text: sender.map(|_| text),
            line: sender.is_none().then_some(text),
            at: Some(rfc3339(at)),
            seq: message.position.as_ref().map(|position| position.seq),
            stream: message.position.as_ref().map(|position| position.stream.as_str()),
        })
    }

    pub(crate) fn gap(gap: &Gap) -> Self {
        Self::new(ObjectKind::Gap {
            since: rfc3339(time(gap.since)),
            until: rfc3339(time(gap.until)),
            missed: gap.missed,
            cause: gap.cause.as_str(),
        })
    }

    pub(crate) fn removed(removed: &'a RemovedMessage) -> Self {
        let at = Some(removed.at).filter(|&ms| ms >= FIRST).and_then(|ms| Timestamp::from_millisecond(ms).ok());
        Self::new(ObjectKind::Removed {
            seq: removed.position.seq,
            stream: removed.position.stream.as_str(),
            at: rfc3339(at.unwrap_or_else(Timestamp::now)),
            by: removed.by.as_ref().map(|by| by.as_str()),
            reason: removed.reason.as_ref().map(|reason| reason.as_str()),
            in_place: removed.in_place,
        })
    }

    pub(crate) fn state(side: &'static str, state: &ConnectionState) -> Self {
        let (mut attempt, mut retry_in_ms, mut cause) = (None, None, None);
        match state {
            ConnectionState::Connecting { attempt: number } => attempt = Some(*number),
            ConnectionState::Waiting { attempt: number, retry_at, cause: why } => {
                let wait = retry_at.saturating_duration_since(tokio::time::Instant::now());
                attempt = Some(*number);
                retry_in_ms = Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
                cause = Some(chain(&**why));
            }
            ConnectionState::Closed { cause: Some(why) } => cause = Some(chain(&**why)),
            // The others have no more to say.
            _ => {}
        }
        let name = Self::state_name(state);
        Self::new(ObjectKind::State { side, state: name, attempt, retry_in_ms, cause, hold: None })
    }

    /// Adds the reason why messages wait to the object of a state.
    pub(crate) fn held_by(mut self, code: &'a str) -> Self {
        if let ObjectKind::State { hold, .. } = &mut self.kind {
            *hold = Some(code);
        }
        self
    }

    /// Returns the name of a state.
    pub(crate) fn state_name(state: &ConnectionState) -> &'static str {
        match state {
            ConnectionState::Connecting { .. } => "connecting",
            ConnectionState::Online { .. } => "online",
            ConnectionState::Closed { .. } => "closed",
            // A state of a later version of the library is one without a connection.
            _ => "waiting",
        }
    }

    /// Appends the object and a line feed.
    pub(crate) fn write_to(&self, out: &mut Vec<u8>) {
        let mut serializer = serde_json::Serializer::with_formatter(&mut *out, SafeFormatter);
        // Writing to memory cannot fail, and all keys are strings.
        let _ = self.serialize(&mut serializer);
        out.push(b'\n');
    }
}

/// Compact JSON in which every character that could control a terminal is escaped: the same data for a program, and
/// safe on a screen.
struct SafeFormatter;

impl serde_json::ser::Formatter for SafeFormatter {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let (mut written, mut pile) = (0, 0);
        for (at, c) in fragment.char_indices() {
            pile = if display::is_mark(c) { pile + 1 } else { 0 };
            if display::is_treacherous(c) || pile > display::MAX_MARKS {
                writer.write_all(&fragment.as_bytes()[written..at])?;
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
                written = at + c.len_utf8();
            }
        }
        writer.write_all(&fragment.as_bytes()[written..])
    }
}

/// Returns when the server accepted a message, or when it arrived if the server gives no time of RFC 3339.
pub(crate) fn accepted_at(message: &Message, arrived: Timestamp) -> Timestamp {
    let at = message.at.filter(|&ms| ms >= FIRST).and_then(|ms| Timestamp::from_millisecond(ms).ok());
    at.unwrap_or(arrived)
}

fn time(time: std::time::SystemTime) -> Timestamp {
    Timestamp::try_from(time).unwrap_or_default()
}

/// Converts to RFC 3339 in the local zone, to the millisecond.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    let time = time.round(Unit::Millisecond).unwrap_or(time);
    let offset = TimeZone::system().to_offset(time);
    time.display_with_offset(offset).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(object: &JsonObject<'_>) -> String {
        let mut out = Vec::new();
        object.write_to(&mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn replaces_times_outside_rfc_3339() {
        let arrived = Timestamp::from_millisecond(1_673_716_020_000).expect("a time");
        for at in [i64::MIN, -99_999_999_999_999, 300_000_000_000_000, i64::MAX] {
            let text = chat_client::Text::new("hi").expect("a text");
            let message = Message::new(None, text).with_time(at);
            let line = line(&JsonObject::message(&message, None, arrived));
            assert!(line.contains("\"at\":\"2023-01-14T"), "{at}: {line}");
        }
    }

    #[test]
    fn escapes_stacked_marks_without_loss() {
        let text = format!("a{}b\u{301}", "\u{301}".repeat(60));
        let line = line(&JsonObject::new(ObjectKind::Error { code: "usage", message: text.clone() }));
        assert_eq!(line.matches('\u{301}').count(), display::MAX_MARKS + 1, "{line}");
        assert_eq!(line.matches("\\u0301").count(), 60 - display::MAX_MARKS, "{line}");
        let back: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(back["message"], text);
    }

    #[test]
    fn escapes_terminal_controls_without_loss() {
        let text = "a\u{9b}31m\u{7f}\u{202e}\u{e0041} \"Ж\" \u{1b}\n";
        let mut out = Vec::new();
        JsonObject::new(ObjectKind::Error { code: "usage", message: text.to_owned() }).write_to(&mut out);
        let line = String::from_utf8(out).expect("text");
        assert!(!line.trim_end_matches('\n').chars().any(display::is_treacherous), "{line:?}");
        let back: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(back["message"], text);
    }

    #[test]
    fn shows_a_removed_message() {
        let position = "k3f9:7".parse().expect("a position");
        let by = chat_client::Nickname::new("root").ok();
        let removed = RemovedMessage::new(position, 1_673_716_020_000).with_details(by, None);
        let line = line(&JsonObject::removed(&removed));
        let back: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!((&back["type"], &back["seq"], &back["by"]), (&"removed".into(), &7.into(), &"root".into()));
        assert_eq!((&back["in_place"], back.get("reason")), (&false.into(), None));
    }
}
