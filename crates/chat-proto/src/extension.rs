//! Extension lines: one SOH byte, one JSON object, LF (protocol, section 5). Parsed and formatted
//! side by side; what they do is the machines' business.

use std::borrow::Cow;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use serde::Deserialize;

use crate::{EXTENSION_MARK, Line, Message, Nickname, Position, PostId, Seq, StreamId, Text};

/// Why a server did not store a post.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeclineCode {
    /// Too many posts in too little time; the answer says when to try again.
    Rate,
    /// Over the server's limit.
    TooLong,
    /// The account was closed.
    Revoked,
    /// The store failed, a full disk for instance.
    Storage,
    /// The server is going down.
    Draining,
    /// A code that this version does not know.
    Other(Box<str>),
}

impl DeclineCode {
    /// The code as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Rate => "rate",
            Self::TooLong => "too_long",
            Self::Revoked => "revoked",
            Self::Storage => "storage",
            Self::Draining => "draining",
            Self::Other(code) => code,
        }
    }

    /// Whether the same post may succeed later without anything being changed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Rate | Self::Storage | Self::Draining)
    }

    fn parse(code: &str) -> Self {
        match code {
            "rate" => Self::Rate,
            "too_long" => Self::TooLong,
            "revoked" => Self::Revoked,
            "storage" => Self::Storage,
            "draining" => Self::Draining,
            other => Self::Other(other.chars().filter(|c| !c.is_control()).take(32).collect()),
        }
    }
}

impl std::fmt::Display for DeclineCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Rate => "too many messages in a short time",
            Self::TooLong => "the message is too long",
            Self::Revoked => "the account was revoked",
            Self::Storage => "the server cannot store messages now",
            Self::Draining => "the server is shutting down",
            Self::Other(code) => code,
        })
    }
}

/// Chance that a listener adds to its request and the server repeats, so that no message can forge
/// the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce(Box<str>);

impl Nonce {
    /// Takes 1 to 64 ASCII letters, digits, `-` or `_`.
    ///
    /// # Errors
    /// [`IdError`](crate::IdError) for anything else.
    pub fn new(raw: &str) -> Result<Self, crate::IdError> {
        PostId::new(raw).map(|id| Self(id.as_str().into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// From where a listener wants the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResumeFrom {
    /// All that comes after this place.
    After(Position),
    /// The last so many messages, then what comes.
    Last(u64),
    /// All that was taken after this time, in milliseconds since the Unix epoch.
    AfterTime(i64),
}

/// What a listener asks with its first line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResumeRequest {
    /// Where to begin.
    pub from: ResumeFrom,
    /// What the answer must repeat.
    pub nonce: Nonce,
}

impl ResumeRequest {
    /// Creates a request. The nonce must be unguessable.
    #[must_use]
    pub const fn new(from: ResumeFrom, nonce: Nonce) -> Self {
        Self { from, nonce }
    }
}

/// What the server answers to a request, before the first numbered line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResumeAnswer {
    /// The log it has.
    pub stream: StreamId,
    /// The number of the first message that follows.
    pub from: Seq,
    /// The number of the newest message it has.
    pub head: Seq,
    /// What this connection was already sent as plain lines, because its request came late. The
    /// listener drops their repetition.
    pub plain: Option<SeqRange>,
}

impl ResumeAnswer {
    /// Creates an answer for a listener that was sent no plain lines.
    #[must_use]
    pub const fn new(stream: StreamId, from: Seq, head: Seq) -> Self {
        Self { stream, from, head, plain: None }
    }

    /// Adds what was already sent as plain lines.
    #[must_use]
    pub fn with_plain(self, plain: Option<SeqRange>) -> Self {
        Self { plain, ..self }
    }
}

/// Consecutive sequence numbers of one stream.
///
/// Exhaustive, because a range is its two ends and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeqRange {
    /// The first number.
    pub first: Seq,
    /// The last number.
    pub last: Seq,
}

/// Any extension line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Extension {
    Post { id: PostId, text: Result<Text, crate::TextError> },
    Stored { id: PostId, position: Position },
    Declined { id: PostId, code: DeclineCode, retry_after: Option<Duration> },
    Request(ResumeRequest),
    Answer { answer: ResumeAnswer, nonce: Nonce },
    Numbered { seq: Seq, at: i64, sender: Nickname, text: Text },
    Ping(u64),
    Pong(u64),
}

#[derive(Deserialize)]
struct ExtensionFields<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    ok: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    no: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    code: Option<Cow<'a, str>>,
    retry_after_ms: Option<u64>,
    #[serde(borrow, default)]
    stream: Option<Cow<'a, str>>,
    seq: Option<Seq>,
    at: Option<i64>,
    #[serde(borrow, default)]
    nick: Option<Cow<'a, str>>,
    from: Option<Seq>,
    head: Option<Seq>,
    plain: Option<(Seq, Seq)>,
    #[serde(borrow, default)]
    nonce: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    resume: Option<ResumeFields<'a>>,
    ping: Option<u64>,
    pong: Option<u64>,
}

#[derive(Deserialize)]
struct ResumeFields<'a> {
    #[serde(borrow, default)]
    stream: Option<Cow<'a, str>>,
    after: Option<Seq>,
    last: Option<u64>,
    after_time: Option<i64>,
}

impl Extension {
    /// Reads the JSON of an extension line. `None` for an object that is unknown or damaged: both
    /// are skipped, which is how the protocol grows.
    pub(crate) fn parse(json: &str) -> Option<Self> {
        let wire: ExtensionFields<'_> = serde_json::from_str(json).ok()?;
        if let Some(id) = wire.ok {
            let position = Position { stream: StreamId::new(&wire.stream?).ok()?, seq: wire.seq? };
            return Some(Self::Stored { id: PostId::new(&id).ok()?, position });
        }
        if let Some(id) = wire.no {
            let retry_after = wire.retry_after_ms.map(Duration::from_millis);
            return Some(Self::Declined {
                id: PostId::new(&id).ok()?,
                code: DeclineCode::parse(&wire.code?),
                retry_after,
            });
        }
        if let Some(resume) = wire.resume {
            let from = match resume {
                ResumeFields { stream: Some(stream), after: Some(seq), .. } => {
                    ResumeFrom::After(Position { stream: StreamId::new(&stream).ok()?, seq })
                }
                ResumeFields { last: Some(count), .. } => ResumeFrom::Last(count),
                ResumeFields { after_time: Some(at), .. } => ResumeFrom::AfterTime(at),
                ResumeFields { .. } => return None,
            };
            return Some(Self::Request(ResumeRequest { from, nonce: Nonce::new(&wire.nonce?).ok()? }));
        }
        if let (Some(from), Some(head)) = (wire.from, wire.head) {
            let plain = wire.plain.map(|(first, last)| SeqRange { first, last });
            let answer = ResumeAnswer { stream: StreamId::new(&wire.stream?).ok()?, from, head, plain };
            return Some(Self::Answer { answer, nonce: Nonce::new(&wire.nonce?).ok()? });
        }
        if let (Some(seq), Some(nick)) = (wire.seq, wire.nick) {
            let (sender, text) = (Nickname::received(&nick).ok()?, Text::received(&wire.text?).ok()?);
            return Some(Self::Numbered { seq, at: wire.at?, sender, text });
        }
        if let (Some(id), Some(text)) = (wire.id, wire.text) {
            return Some(Self::Post { id: PostId::new(&id).ok()?, text: Text::new(&text) });
        }
        wire.ping.map(Self::Ping).or(wire.pong.map(Self::Pong))
    }

    pub(crate) fn to_line(&self) -> Line {
        let mut out = JsonObjectWriter::new();
        match self {
            Self::Post { id, text } => {
                out.text("id", id.as_str());
                out.text("text", text.as_ref().map_or("", Text::as_str));
            }
            Self::Stored { id, position } => {
                out.text("ok", id.as_str());
                out.text("stream", position.stream.as_str());
                out.number("seq", position.seq);
            }
            Self::Declined { id, code, retry_after } => {
                out.text("no", id.as_str());
                out.text("code", code.as_str());
                if let Some(after) = retry_after {
                    out.number("retry_after_ms", u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
                }
            }
            Self::Request(request) => {
                out.key("resume");
                let mut inner = JsonObjectWriter::nested();
                match &request.from {
                    ResumeFrom::After(position) => {
                        inner.text("stream", position.stream.as_str());
                        inner.number("after", position.seq);
                    }
                    ResumeFrom::Last(count) => inner.number("last", *count),
                    ResumeFrom::AfterTime(at) => inner.number("after_time", *at),
                }
                out.raw(&inner.finish());
                out.text("nonce", request.nonce.as_str());
            }
            Self::Answer { answer, nonce } => {
                out.text("stream", answer.stream.as_str());
                out.number("from", answer.from);
                out.number("head", answer.head);
                if let Some(SeqRange { first, last }) = answer.plain {
                    out.key("plain");
                    out.raw(format!("[{first}, {last}]").as_bytes());
                }
                out.text("nonce", nonce.as_str());
            }
            Self::Numbered { seq, at, sender, text } => {
                out.number("seq", *seq);
                out.number("at", *at);
                out.text("nick", sender.as_str());
                out.text("text", text.as_str());
            }
            Self::Ping(number) => out.number("ping", *number),
            Self::Pong(number) => out.number("pong", *number),
        }
        Line::from_bytes(out.finish().freeze())
    }

    /// The line of a message that stands in a log; `None` for one that does not.
    pub(crate) fn numbered(message: &Message) -> Option<Self> {
        Some(Self::Numbered {
            seq: message.position.as_ref()?.seq,
            at: message.at.unwrap_or_default(),
            sender: message.sender.clone()?,
            text: message.text.clone(),
        })
    }
}

/// Appends a message as plain listeners get it, with its line feed.
///
/// Equal to [`Message::to_plain`], without a `Line` in between: a server does this once for a
/// message and sends the bytes to everybody.
pub fn encode_plain(out: &mut BytesMut, nickname: &str, text: &Text) {
    let flat = text.flattened();
    out.reserve(nickname.len() + flat.len() + 3);
    out.put_slice(nickname.as_bytes());
    out.put_slice(b": ");
    out.put_slice(flat.as_bytes());
    out.put_u8(b'\n');
}

/// Appends a message as resumed listeners get it, with its line feed. `at` is in milliseconds since
/// the Unix epoch.
pub fn encode_numbered(out: &mut BytesMut, seq: Seq, at: i64, nickname: &str, text: &Text) {
    let mut object = JsonObjectWriter::into(out.split_off(out.len()), Some(EXTENSION_MARK));
    object.number("seq", seq);
    object.number("at", at);
    object.text("nick", nickname);
    object.text("text", text.as_str());
    let mut line = object.finish();
    line.put_u8(b'\n');
    out.unsplit(line);
}

/// A JSON object in the making, with a space after each colon and comma.
struct JsonObjectWriter {
    out: BytesMut,
    empty: bool,
}

impl JsonObjectWriter {
    fn new() -> Self {
        Self::into(BytesMut::with_capacity(96), Some(EXTENSION_MARK))
    }

    fn nested() -> Self {
        Self::into(BytesMut::new(), None)
    }

    fn into(mut out: BytesMut, mark: Option<char>) -> Self {
        if let Some(mark) = mark {
            out.put_u8(mark as u8);
        }
        out.put_u8(b'{');
        Self { out, empty: true }
    }

    fn key(&mut self, key: &str) {
        if !std::mem::take(&mut self.empty) {
            self.out.put_slice(b", ");
        }
        self.out.put_u8(b'"');
        self.out.put_slice(key.as_bytes());
        self.out.put_slice(b"\": ");
    }

    fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        // Writing to memory cannot fail.
        let _ = serde_json::to_writer((&mut self.out).writer(), value);
    }

    fn number(&mut self, key: &str, value: impl serde::Serialize) {
        self.key(key);
        let _ = serde_json::to_writer((&mut self.out).writer(), &value);
    }

    fn raw(&mut self, json: &[u8]) {
        self.out.put_slice(json);
    }

    fn finish(mut self) -> BytesMut {
        self.out.put_u8(b'}');
        self.out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn position(seq: Seq) -> Position {
        Position { stream: StreamId::new("k3f9").unwrap(), seq }
    }

    fn any_extension() -> impl Strategy<Value = Extension> {
        let id = "[a-zA-Z0-9_-]{1,64}".prop_map(|s| PostId::new(&s).unwrap());
        let nonce = "[a-z0-9]{1,64}".prop_map(|s| Nonce::new(&s).unwrap());
        let text = any::<String>().prop_filter_map("blank", |s| Text::new(&s).ok());
        let nick = any::<String>().prop_filter_map("blank", |s| Nickname::new(&s).ok());
        let from = prop_oneof![
            any::<u64>().prop_map(|n| ResumeFrom::After(position(n))),
            any::<u64>().prop_map(ResumeFrom::Last),
            any::<i64>().prop_map(ResumeFrom::AfterTime),
        ];
        prop_oneof![
            (id.clone(), text.clone()).prop_map(|(id, text)| Extension::Post { id, text: Ok(text) }),
            (id.clone(), any::<u64>()).prop_map(|(id, n)| Extension::Stored { id, position: position(n) }),
            (id, any::<Option<u32>>()).prop_map(|(id, ms)| Extension::Declined {
                id,
                code: DeclineCode::Rate,
                retry_after: ms.map(|ms| Duration::from_millis(ms.into())),
            }),
            (from, nonce.clone()).prop_map(|(from, nonce)| Extension::Request(ResumeRequest { from, nonce })),
            (any::<[u64; 2]>(), any::<Option<(u64, u64)>>(), nonce).prop_map(|([from, head], plain, nonce)| {
                let stream = StreamId::new("k3f9").unwrap();
                let plain = plain.map(|(first, last)| SeqRange { first, last });
                Extension::Answer { answer: ResumeAnswer { stream, from, head, plain }, nonce }
            }),
            (any::<u64>(), any::<i64>(), nick, text).prop_map(|(seq, at, sender, text)| Extension::Numbered {
                seq,
                at,
                sender,
                text
            }),
            any::<u64>().prop_map(Extension::Ping),
            any::<u64>().prop_map(Extension::Pong),
        ]
    }

    #[test]
    fn unknown_fields_are_ignored_and_unknown_objects_skipped() {
        assert_eq!(Extension::parse(r#"{"ping": 1, "new": {"deep": []}}"#), Some(Extension::Ping(1)));
        for skipped in [r#"{"new": 1}"#, "[]", "", "{", "null", r#"{"ok": "a b"}"#, r#"{"seq": -1, "nick": "x"}"#] {
            assert_eq!(Extension::parse(skipped), None, "{skipped}");
        }
    }

    #[test]
    fn the_fast_encoders_equal_the_plain_path() {
        let text = Text::new("two\n\"lines\" Ж").unwrap();
        let message = Message {
            sender: Some(Nickname::new("Keen Bob").unwrap()),
            text: text.clone(),
            position: Some(position(7)),
            at: Some(1_700_000_000_123),
        };
        let mut fast = BytesMut::from(&b"before"[..]);
        encode_plain(&mut fast, "Keen Bob", &text);
        encode_numbered(&mut fast, 7, 1_700_000_000_123, "Keen Bob", &text);
        let numbered = Extension::numbered(&message).unwrap().to_line();
        let slow = format!("before{}\n{}\n", message.to_plain().as_str(), numbered.as_str());
        assert_eq!(fast, slow.as_bytes());
        assert_eq!(
            numbered.as_str(),
            "\u{1}{\"seq\": 7, \"at\": 1700000000123, \"nick\": \"Keen Bob\", \"text\": \"two\\n\\\"lines\\\" Ж\"}"
        );
    }

    proptest! {
        #[test]
        fn every_line_reads_back(extension in any_extension()) {
            let line = extension.to_line();
            prop_assert_eq!(Extension::parse(line.extension().unwrap()), Some(extension));
        }

        #[test]
        fn nothing_makes_it_panic(json in "\\PC*|[{}\":,a-z0-9\\[\\]]*") {
            let _ = Extension::parse(&json);
        }
    }
}
