//! All extension lines as one type.

use crate::extension::fields::ExtensionFields;
use crate::extension::json::JsonObjectWriter;
use crate::extension::numbered::NumberedMessage;
use crate::extension::post::{DeclinedPost, RepeatablePost, StoredPost};
use crate::extension::removed::RemovedLine;
use crate::extension::resume::{ResumeReply, ResumeRequest};
use crate::ident::Seq;
use crate::line::Line;

/// Any extension line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Extension {
    Post(RepeatablePost),
    Stored(StoredPost),
    Declined(DeclinedPost),
    Request(ResumeRequest),
    Reply(ResumeReply),
    Numbered(NumberedMessage),
    Removed(RemovedLine),
    /// All messages up to this number have expired.
    Expired(Seq),
    Ping(u64),
    Pong(u64),
}

impl Extension {
    /// Parses the JSON of an extension line. Returns `None` for an object that is unknown or damaged: both are skipped,
    /// which is how the protocol grows.
    pub(crate) fn parse(json: &str) -> Option<Self> {
        ExtensionFields::read(json, Self::from_fields)
    }

    /// Decides by the fields which line it is. Answers are checked first, because their fields occur in no request.
    fn from_fields(fields: &ExtensionFields<'_>) -> Option<Self> {
        if fields.ok.is_some() {
            StoredPost::from_fields(fields).map(Self::Stored)
        } else if fields.no.is_some() {
            DeclinedPost::from_fields(fields).map(Self::Declined)
        } else if fields.resume.is_some() {
            ResumeRequest::from_fields(fields).map(Self::Request)
        } else if fields.from.is_some() && fields.head.is_some() {
            ResumeReply::from_fields(fields).map(Self::Reply)
        } else if fields.seq.is_some() && fields.nick.is_some() {
            NumberedMessage::from_fields(fields).map(Self::Numbered)
        } else if fields.removed.is_some() {
            RemovedLine::from_fields(fields).map(Self::Removed)
        } else if fields.expired.is_some() {
            fields.expired.map(Self::Expired)
        } else if fields.id.is_some() && fields.text.is_some() {
            RepeatablePost::from_fields(fields).map(Self::Post)
        } else {
            fields.ping.map(Self::Ping).or(fields.pong.map(Self::Pong))
        }
    }

    /// Formats the line.
    pub(crate) fn to_line(&self) -> Line {
        let mut out = JsonObjectWriter::line();
        match self {
            Self::Post(post) => post.write(&mut out),
            Self::Stored(stored) => stored.write(&mut out),
            Self::Declined(declined) => declined.write(&mut out),
            Self::Request(request) => request.write(&mut out),
            Self::Reply(reply) => reply.write(&mut out),
            Self::Numbered(message) => message.write(&mut out),
            Self::Removed(removed) => removed.write(&mut out),
            Self::Expired(last) => out.value("expired", last),
            Self::Ping(number) => out.value("ping", number),
            Self::Pong(number) => out.value("pong", number),
        }
        Line::from_bytes(out.finish().freeze())
    }
}
