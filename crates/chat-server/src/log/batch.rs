//! Messages that were stored in one transaction, encoded once in both forms.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use chat_proto::{Seq, encode_numbered, encode_plain, encode_removed};

use crate::entry::{LogEntry, MessageRecord, Tombstone};

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
/// counting line feeds, without an index; the few numbers without a line are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    first: Seq,
    last: Seq,
    plain: Lines,
    numbered: Lines,
}

/// The lines of a batch in one form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Lines {
    bytes: Bytes,
    /// The numbers that have no line, in order: messages that are damaged, and removed ones in the plain form.
    without: Option<Arc<[Seq]>>,
    /// The numbers whose line says that the message was removed.
    removed: Option<Arc<[Seq]>>,
}

impl Batch {
    /// Encodes messages in both forms. Returns `None` for no messages.
    pub(crate) fn encode(messages: &[MessageRecord]) -> Option<Self> {
        let (first, last) = (messages.first()?.seq, messages.last()?.seq);
        let lines = |form| Lines { bytes: encode(messages, form), without: None, removed: None };
        Some(Self { first, last, plain: lines(Form::Plain), numbered: lines(Form::Numbered) })
    }

    /// Encodes a page of the journal in the form of one listener; the other form stays empty. Returns `None` for no
    /// entries.
    pub(crate) fn encode_for(entries: &[LogEntry], form: Form) -> Option<Self> {
        let (first, last) = (entries.first()?.seq(), entries.last()?.seq());
        let lines = encode_entries(entries, form);
        Some(match form {
            Form::Plain => Self { first, last, plain: lines, numbered: Lines::default() },
            Form::Numbered => Self { first, last, plain: Lines::default(), numbered: lines },
        })
    }

    pub(crate) fn first(&self) -> Seq {
        self.first
    }

    pub(crate) fn last(&self) -> Seq {
        self.last
    }

    pub(crate) fn bytes(&self, form: Form) -> &Bytes {
        &self.lines(form).bytes
    }

    /// Returns the index of the line of a message, or of the next one that has a line.
    pub(super) fn line_of(&self, seq: Seq, form: Form) -> usize {
        let without = self.lines(form).without.as_deref().unwrap_or_default();
        let before = without.partition_point(|&missing| missing < seq);
        // Saturates on a 32-bit system: the search for the line then ends at the end of the batch.
        usize::try_from(seq.saturating_sub(self.first)).unwrap_or(usize::MAX).saturating_sub(before)
    }

    /// Returns the sequence number of a line; one after the last for the end of the batch.
    pub(super) fn seq_of(&self, line: usize, form: Form) -> Seq {
        let without = self.lines(form).without.as_deref().unwrap_or_default();
        let mut seq = self.first + line as Seq;
        for &missing in without {
            if missing > seq {
                break;
            }
            seq += 1;
        }
        seq
    }

    /// Returns true if the message has no line.
    pub(super) fn is_without(&self, seq: Seq, form: Form) -> bool {
        self.lines(form).without.as_ref().is_some_and(|without| without.contains(&seq))
    }

    /// Returns true if the line of the message says that it was removed.
    pub(super) fn is_removed(&self, seq: Seq, form: Form) -> bool {
        self.lines(form).removed.as_ref().is_some_and(|removed| removed.contains(&seq))
    }

    fn lines(&self, form: Form) -> &Lines {
        match form {
            Form::Plain => &self.plain,
            Form::Numbered => &self.numbered,
        }
    }

    /// Returns what the batch counts against the limit of the ring.
    pub(super) fn size(&self) -> usize {
        self.plain.bytes.len() + self.numbered.bytes.len() + size_of::<Self>()
    }
}

/// Bytes around the text of one message, without escapes.
const fn overhead(form: Form) -> usize {
    match form {
        Form::Plain => 3,
        Form::Numbered => 88,
    }
}

/// Encodes messages in one form.
pub(super) fn encode(messages: &[MessageRecord], form: Form) -> Bytes {
    let text: usize = messages.iter().map(|m| m.text.as_str().len() + m.nickname.as_str().len()).sum();
    let mut out = BytesMut::with_capacity(text + messages.len() * overhead(form));
    messages.iter().for_each(|message| encode_message(&mut out, message, form));
    out.freeze()
}

fn encode_entries(entries: &[LogEntry], form: Form) -> Lines {
    let text: usize = entries.iter().map(LogEntry::text_bytes).sum();
    let mut out = BytesMut::with_capacity(text + entries.len() * (overhead(form) + 16));
    let (mut without, mut removed) = (Vec::new(), Vec::new());
    let mut next = entries.first().map_or(0, LogEntry::seq);
    for entry in entries {
        without.extend(next..entry.seq());
        next = entry.seq() + 1;
        match (entry, form) {
            (LogEntry::Message(message), _) => encode_message(&mut out, message, form),
            (LogEntry::Removed(tombstone), Form::Numbered) => {
                encode_tombstone(&mut out, tombstone);
                removed.push(tombstone.seq);
            }
            // A plain listener is not told: there is no line that would not look like a message.
            (LogEntry::Removed(tombstone), Form::Plain) => without.push(tombstone.seq),
        }
    }
    let listed = |seqs: Vec<Seq>| (!seqs.is_empty()).then(|| seqs.into());
    Lines { bytes: out.freeze(), without: listed(without), removed: listed(removed) }
}

fn encode_message(out: &mut BytesMut, message: &MessageRecord, form: Form) {
    match form {
        Form::Plain => encode_plain(out, message.nickname.as_str(), &message.text),
        Form::Numbered => encode_numbered(out, message.seq, message.at, message.nickname.as_str(), &message.text),
    }
}

/// Encodes the line that says that a message was removed.
pub(crate) fn encode_tombstone(out: &mut BytesMut, tombstone: &Tombstone) {
    encode_removed(out, tombstone.seq, tombstone.removed_at, Some(&tombstone.by), tombstone.reason.as_ref());
}

#[cfg(test)]
mod tests {
    use chat_proto::{Nickname, Text};

    use super::*;

    fn page(entries: &[(Seq, bool)]) -> Vec<LogEntry> {
        let entry = |&(seq, removed): &(Seq, bool)| {
            let (nickname, text) = (Nickname::new("Keen Bob").unwrap(), Text::new("x").unwrap());
            if removed {
                LogEntry::Removed(Tombstone { seq, at: 0, removed_at: 0, by: nickname, reason: None })
            } else {
                LogEntry::Message(MessageRecord { seq, at: 0, nickname, text })
            }
        };
        entries.iter().map(entry).collect()
    }

    #[test]
    fn numbers_without_a_line_are_counted() {
        // 12 is damaged, 11 and 14 are removed.
        let page = page(&[(10, false), (11, true), (13, false), (14, true), (15, false)]);
        let plain = Batch::encode_for(&page, Form::Plain).unwrap();
        let lines = [10, 13, 15];
        for (line, seq) in lines.into_iter().enumerate() {
            assert_eq!((plain.line_of(seq, Form::Plain), plain.seq_of(line, Form::Plain)), (line, seq));
        }
        assert_eq!(plain.seq_of(3, Form::Plain), 16);
        assert_eq!((plain.line_of(11, Form::Plain), plain.line_of(14, Form::Plain)), (1, 2));
        let numbered = Batch::encode_for(&page, Form::Numbered).unwrap();
        for (line, seq) in [10, 11, 13, 14, 15].into_iter().enumerate() {
            assert_eq!((numbered.line_of(seq, Form::Numbered), numbered.seq_of(line, Form::Numbered)), (line, seq));
        }
    }
}
