//! Messages that were stored in one transaction, encoded once in both forms.

use bytes::{Bytes, BytesMut};
use chat_proto::{Seq, encode_numbered, encode_plain};

use crate::entry::MessageRecord;

/// How a listener receives its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Form {
    /// `Keen Bob: hello`.
    #[default]
    Plain,
    /// A JSON object with sequence number, time, sender and text.
    Numbered,
}

/// Consecutive messages as bytes. Each message is one line in each form, so a position inside the batch is found by
/// counting line feeds, without an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    first: Seq,
    last: Seq,
    plain: Bytes,
    numbered: Bytes,
}

impl Batch {
    /// Encodes messages in both forms. Returns `None` for no messages.
    pub(crate) fn encode(messages: &[MessageRecord]) -> Option<Self> {
        let (first, last) = (messages.first()?.seq, messages.last()?.seq);
        let plain = encode(messages, Form::Plain);
        let numbered = encode(messages, Form::Numbered);
        Some(Self { first, last, plain, numbered })
    }

    /// Encodes messages in the form of one listener; the other form stays empty.
    pub(crate) fn encode_for(messages: &[MessageRecord], form: Form) -> Option<Self> {
        let (first, last) = (messages.first()?.seq, messages.last()?.seq);
        let bytes = encode(messages, form);
        Some(match form {
            Form::Plain => Self { first, last, plain: bytes, numbered: Bytes::new() },
            Form::Numbered => Self { first, last, plain: Bytes::new(), numbered: bytes },
        })
    }

    pub(crate) fn first(&self) -> Seq {
        self.first
    }

    pub(crate) fn last(&self) -> Seq {
        self.last
    }

    pub(crate) fn bytes(&self, form: Form) -> &Bytes {
        match form {
            Form::Plain => &self.plain,
            Form::Numbered => &self.numbered,
        }
    }

    /// Returns what the batch counts against the limit of the ring.
    pub(super) fn size(&self) -> usize {
        self.plain.len() + self.numbered.len() + size_of::<Self>()
    }
}

/// Encodes messages in one form.
pub(super) fn encode(messages: &[MessageRecord], form: Form) -> Bytes {
    let text: usize = messages.iter().map(|m| m.text.as_str().len() + m.nickname.as_str().len()).sum();
    // Bytes around the text of one message, without escapes.
    let overhead = match form {
        Form::Plain => 3,
        Form::Numbered => 88,
    };
    let mut out = BytesMut::with_capacity(text + messages.len() * overhead);
    for message in messages {
        match form {
            Form::Plain => encode_plain(&mut out, message.nickname.as_str(), &message.text),
            Form::Numbered => {
                encode_numbered(&mut out, message.seq, message.at, message.nickname.as_str(), &message.text);
            }
        }
    }
    out.freeze()
}
