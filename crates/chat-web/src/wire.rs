//! The objects between page and gateway (docs/web.md, "Wire").

use std::time::{Duration, SystemTime};

use chat_client::display::clean_for_terminal;
use chat_client::{Nickname, PostId, Text, TextError};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

/// The version of the wire.
pub(crate) const VERSION: u32 = 1;

/// How many unanswered posts a page may have.
pub(crate) const MAX_POSTS: usize = 200;

/// An object from the gateway.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum PageEvent {
    /// The first object.
    Hello {
        version: u32,
        gateway: String,
        nickname: Option<String>,
        room: String,
        max_text_bytes: usize,
        max_posts: usize,
    },
    /// How what follows connects to what the page has.
    Start { resumed: bool, numbered: bool },
    /// One message.
    Message(MessageObject),
    /// A message was removed by an operator.
    Removed(RemovedObject),
    /// Messages may be missing here.
    Gap(GapObject),
    /// What follows is new.
    CaughtUp,
    /// The state of one connection to the room.
    State(StateObject),
    /// The state of one post.
    Receipt(ReceiptObject),
    /// The account is another one than `Hello` said.
    Account {
        nickname: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<&'static str>,
    },
    /// An answer to something that is no object of the wire.
    Error { code: &'static str, message: &'static str },
    /// A sign of life.
    Tick,
    /// The last object.
    Bye {
        reason: ByeReason,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_in_ms: Option<u64>,
    },
}

/// Why the gateway ends a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ByeReason {
    Shutdown,
    Logout,
    Slow,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct MessageObject {
    pub(crate) stream: String,
    pub(crate) seq: u64,
    pub(crate) at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) nick: Option<String>,
    pub(crate) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) looks_like: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct RemovedObject {
    pub(crate) stream: String,
    pub(crate) seq: u64,
    pub(crate) at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    pub(crate) in_place: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct GapObject {
    pub(crate) since: String,
    pub(crate) until: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) missed: Option<u64>,
    pub(crate) cause: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct StateObject {
    pub(crate) side: &'static str,
    pub(crate) state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_in_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hold: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ReceiptObject {
    pub(crate) id: String,
    pub(crate) state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after_ms: Option<u64>,
}

impl PageEvent {
    /// Returns the object as JSON.
    pub(crate) fn json(&self) -> String {
        // Serializing strings and numbers cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// An object from the page.
#[derive(Debug, PartialEq)]
pub(crate) enum PageObject {
    Post {
        id: PostId,
        text: Text,
        resend: bool,
    },
    /// A post with an id that cannot be sent, with the code of its receipt.
    BadPost {
        id: PostId,
        code: &'static str,
    },
    RetryNow,
    /// An object without effect, perhaps of a later version.
    Nothing,
}

/// What the page sent is no object of the wire.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl PageObject {
    /// Parses an object. `type` decides about the other fields, so those of an unknown one are not looked at.
    pub(crate) fn parse(raw: &str) -> Result<Self, Malformed> {
        let object: Map<String, Value> = serde_json::from_str(raw).map_err(|_| Malformed)?;
        match object.get("type").and_then(Value::as_str).ok_or(Malformed)? {
            "post" => {
                let id = object.get("id").and_then(Value::as_str).and_then(|id| PostId::new(id).ok());
                let id = id.ok_or(Malformed)?;
                let resend = match object.get("resend") {
                    None => false,
                    Some(Value::Bool(resend)) => *resend,
                    Some(_) => return Ok(Self::BadPost { id, code: "malformed" }),
                };
                let Some(text) = object.get("text").and_then(Value::as_str) else {
                    return Ok(Self::BadPost { id, code: "malformed" });
                };
                Ok(match Text::new(text) {
                    Ok(text) => Self::Post { id, text, resend },
                    Err(TextError::TooLong { .. }) => Self::BadPost { id, code: "too_long" },
                    Err(_) => Self::BadPost { id, code: "blank" },
                })
            }
            "retry_now" => Ok(Self::RetryNow),
            _ => Ok(Self::Nothing),
        }
    }
}

/// Formats milliseconds since the Unix epoch.
pub(crate) fn time_text(ms: i64) -> String {
    format!("{:.3}", Timestamp::from_millisecond(ms).unwrap_or_default())
}

/// Returns a nickname as pages show it, and as the messages of its account name it.
pub(crate) fn nickname_text(nickname: &Nickname) -> String {
    clean_for_terminal(nickname.as_str()).into_owned()
}

/// Formats a time.
pub(crate) fn system_time_text(time: SystemTime) -> String {
    format!("{:.3}", Timestamp::try_from(time).unwrap_or_default())
}

/// Returns whole milliseconds.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_posts() {
        let id = PostId::new("p1").unwrap();
        let post = |resend| PageObject::Post { id: id.clone(), text: Text::new("hi").unwrap(), resend };
        assert_eq!(PageObject::parse(r#"{"type":"post","id":"p1","text":"hi"}"#), Ok(post(false)));
        assert_eq!(PageObject::parse(r#"{"type":"post","id":"p1","text":"hi","resend":true,"x":1}"#), Ok(post(true)));
    }

    #[test]
    fn refuses_a_post_with_a_readable_id() {
        let long = "x".repeat(chat_client::MAX_TEXT_BYTES + 1);
        for (rest, code) in [
            (r#""text":" ""#.to_owned(), "blank"),
            (format!(r#""text":"{long}""#), "too_long"),
            (r#""text":7"#.to_owned(), "malformed"),
            (r#""txt":"x""#.to_owned(), "malformed"),
            (r#""text":"x","resend":"yes""#.to_owned(), "malformed"),
        ] {
            let parsed = PageObject::parse(&format!(r#"{{"type":"post","id":"p1",{rest}}}"#));
            assert_eq!(parsed, Ok(PageObject::BadPost { id: PostId::new("p1").unwrap(), code }));
        }
    }

    #[test]
    fn tells_unknown_from_malformed() {
        for unknown in [r#"{"type":"dance"}"#, r#"{"type":"tick","x":[]}"#] {
            assert_eq!(PageObject::parse(unknown), Ok(PageObject::Nothing), "{unknown}");
        }
        for bad in ["", "7", "{}", r#"["post"]"#, r#"{"type":7}"#, r#"{"type":"post","id":"a b","text":"x"}"#] {
            assert_eq!(PageObject::parse(bad), Err(Malformed), "{bad}");
        }
    }

    #[test]
    fn writes_times_as_in_the_document() {
        assert_eq!(time_text(0), "1970-01-01T00:00:00.000Z");
    }
}
