//! Parses the transcripts of the specification.

use std::time::Duration;

use chat_proto::{DeclineCode, Position, PostId, ResumeAnswer, ResumeFrom, SeqRange, StreamId, Text};

const SPECIFICATION: &str = include_str!("../../../../docs/protocol.md");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Server,
    Client,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    Write,
    Listen,
}

pub(crate) struct Script {
    pub(crate) title: String,
    pub(crate) port: Port,
    pub(crate) steps: Vec<Step>,
    only: Option<Side>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// A whole line of the client.
    Client(String),
    /// Bytes of the client without a line feed.
    ClientPart(String),
    ClientEnds,
    Server(String),
    ServerEnds,
    Accept {
        nickname: String,
        token: String,
    },
    Deny,
    Post(Text),
    IdPost(PostId, Text),
    Confirm,
    Stored(PostId, Position),
    Decline {
        id: PostId,
        code: DeclineCode,
        after: Option<Duration>,
        reason: Option<Text>,
    },
    Resume(ResumeFrom),
    Answer(ResumeAnswer),
    Message {
        seq: u64,
        at: i64,
        sender: String,
        text: Text,
    },
    Remove {
        seq: u64,
        at: i64,
        by: String,
        reason: Text,
    },
    Removed {
        seq: u64,
        in_place: bool,
    },
    Wait(Duration),
    Got {
        sender: String,
        text: Text,
    },
    Gap(Option<u64>),
    /// The server says that the messages up to this number have expired.
    Expire(u64),
    /// The client reports as many expired messages.
    Expired(u64),
}

impl Script {
    pub(crate) fn is_for(&self, side: Side) -> bool {
        self.only.is_none_or(|only| only == side)
    }

    /// Returns whether the server of this script offers the extensions in its account record or its welcome.
    pub(crate) fn offers(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step, Step::Server(line) if line.contains("\"extensions\"") || line.ends_with('\t')))
    }
}

pub(crate) fn all() -> Vec<Script> {
    SPECIFICATION.split("\n```transcript ").skip(1).map(|block| parse(block.split("\n```").next().unwrap())).collect()
}

fn parse(block: &str) -> Script {
    let mut lines = block.lines();
    let port = match lines.next().unwrap().trim() {
        "write" => Port::Write,
        "listen" => Port::Listen,
        other => panic!("no such port: {other}"),
    };
    let title = lines.next().unwrap().strip_prefix("# ").expect("a title").to_owned();
    let only = if title.ends_with("(server side)") {
        Some(Side::Server)
    } else if title.ends_with("(client side)") {
        Some(Side::Client)
    } else {
        None
    };
    let steps = lines.map(|line| step(line).unwrap_or_else(|| panic!("{title}: could not parse {line:?}"))).collect();
    Script { title, port, steps, only }
}

fn step(line: &str) -> Option<Step> {
    if let Some(rest) = line.strip_prefix("! ") {
        return directive(rest);
    }
    let wire = |text: &str| text.replace('␁', "\u{1}").replace('␠', " ").replace('␉', "\t");
    Some(match line.split_at_checked(2)? {
        ("C:", rest) => Step::Client(wire(rest.strip_prefix(' ').unwrap_or(rest))),
        ("C~", rest) => Step::ClientPart(wire(rest.strip_prefix(' ').unwrap_or(rest))),
        ("S:", rest) => Step::Server(wire(rest.strip_prefix(' ').unwrap_or(rest))),
        ("C$", "") => Step::ClientEnds,
        ("S$", "") => Step::ServerEnds,
        _ => return None,
    })
}

fn directive(rest: &str) -> Option<Step> {
    let (word, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let words: Vec<&str> = rest.split(' ').collect();
    Some(match (word, words.as_slice()) {
        ("accept", _) => {
            let (nickname, token) = rest.rsplit_once(' ')?;
            Step::Accept { nickname: nickname.into(), token: token.into() }
        }
        ("deny", _) => Step::Deny,
        ("post", _) => Step::Post(text(rest)?),
        ("idpost", _) => {
            let (id, content) = rest.split_once(' ')?;
            Step::IdPost(PostId::new(id).ok()?, text(content)?)
        }
        ("confirm", _) => Step::Confirm,
        ("stored", [id, stream, seq]) => Step::Stored(PostId::new(id).ok()?, position(stream, seq)?),
        ("decline", [id, code, after @ ..]) => {
            let code = match *code {
                "rate" => DeclineCode::Rate,
                "too_long" => DeclineCode::TooLong,
                "revoked" => DeclineCode::Revoked,
                "muted" => DeclineCode::Muted,
                "storage" => DeclineCode::Storage,
                "unavailable" => DeclineCode::Unavailable,
                "draining" => DeclineCode::Draining,
                _ => return None,
            };
            let (after, reason) = match after {
                [] => (None, None),
                [ms, reason @ ..] => {
                    let reason = if reason.is_empty() { None } else { Some(text(&reason.join(" "))?) };
                    (Some(Duration::from_millis(ms.parse().ok()?)), reason)
                }
            };
            Step::Decline { id: PostId::new(id).ok()?, code, after, reason }
        }
        ("resume", ["after", stream, seq]) => Step::Resume(ResumeFrom::After(position(stream, seq)?)),
        ("resume", ["last", count]) => Step::Resume(ResumeFrom::Last(count.parse().ok()?)),
        ("resume", ["after_time", at]) => Step::Resume(ResumeFrom::AfterTime(at.parse().ok()?)),
        ("answer", [stream, from, head, "expired", last]) => {
            let answer = ResumeAnswer::new(StreamId::new(stream).ok()?, from.parse().ok()?, head.parse().ok()?);
            Step::Answer(answer.with_expired(last.parse().ok()))
        }
        ("answer", [stream, from, head, plain @ ..]) => {
            let plain = match plain {
                [first, last] => Some(SeqRange { first: first.parse().ok()?, last: last.parse().ok()? }),
                _ => None,
            };
            let answer = ResumeAnswer::new(StreamId::new(stream).ok()?, from.parse().ok()?, head.parse().ok()?);
            Step::Answer(answer.with_plain(plain))
        }
        ("message", [seq, at, ..]) => {
            let (sender, content) = rest.splitn(3, ' ').nth(2)?.split_once('|')?;
            Step::Message { seq: seq.parse().ok()?, at: at.parse().ok()?, sender: sender.into(), text: text(content)? }
        }
        ("remove", [seq, at, ..]) => {
            let (by, reason) = rest.splitn(3, ' ').nth(2)?.split_once('|')?;
            Step::Remove { seq: seq.parse().ok()?, at: at.parse().ok()?, by: by.into(), reason: text(reason)? }
        }
        ("removed", [seq, place @ ..]) => Step::Removed { seq: seq.parse().ok()?, in_place: *place == ["in", "place"] },
        ("wait", [ms]) => Step::Wait(Duration::from_millis(ms.parse().ok()?)),
        ("got", _) => {
            let (sender, content) = rest.split_once('|')?;
            Step::Got { sender: sender.into(), text: text(content)? }
        }
        ("expire", [last]) => Step::Expire(last.parse().ok()?),
        ("gap", [count, "expired"]) => Step::Expired(count.parse().ok()?),
        ("gap", ["?"]) => Step::Gap(None),
        ("gap", [count]) => Step::Gap(Some(count.parse().ok()?)),
        _ => return None,
    })
}

fn text(raw: &str) -> Option<Text> {
    Text::new(&raw.replace('␊', "\n")).ok()
}

fn position(stream: &str, seq: &str) -> Option<Position> {
    Some(Position { stream: StreamId::new(stream).ok()?, seq: seq.parse().ok()? })
}
