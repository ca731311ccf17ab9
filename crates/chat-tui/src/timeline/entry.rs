//! The entries of the conversation: messages, gaps, notices. Building an entry makes the text of peers safe for a
//! terminal.

use std::ops::Range;

use chat_client::{GapCause, Position, display};
use jiff::civil::DateTime;

use crate::address::{self, Address};
use crate::names::SenderNames;

/// The position of a message in the history file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileSpan {
    pub(crate) start: u64,
    /// The first byte after it.
    pub(crate) end: u64,
}

/// One entry of the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimelineEntry {
    pub(crate) kind: EntryKind,
    /// Local time; `None` for an old line without a stamp.
    pub(crate) at: Option<DateTime>,
    /// `None` if it is not in the history file.
    pub(crate) mark: Option<FileSpan>,
    /// The position in the server's log, if this run has received it there.
    pub(crate) position: Option<Position>,
}

/// The kind of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Message(ShownMessage),
    Gap(GapLine),
    Notice { text: String, error: bool },
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShownMessage {
    /// `None` for a plain line without a sender.
    pub(crate) sender: Option<String>,
    /// The other name that the sender looks like.
    pub(crate) looks_like: Option<String>,
    pub(crate) text: String,
    /// Written by the account that is in the chat.
    pub(crate) own: bool,
    /// Own, sent by this program, and known to have reached the server.
    pub(crate) confirmed: bool,
    /// The byte range of `text` that contains the reader's name.
    pub(crate) mention: Option<(usize, usize)>,
    /// The web addresses in `text`.
    pub(crate) addresses: Vec<Address>,
}

impl ShownMessage {
    /// Returns the text split where its look changes: the range, whether it names the reader, whether it is within one
    /// of the `found` ranges, and the target of its link.
    pub(crate) fn segments(
        &self,
        found: &[Range<usize>],
    ) -> impl Iterator<Item = (Range<usize>, bool, bool, Option<&str>)> {
        let mut cuts = vec![0, self.text.len()];
        // The text may differ from the one that was searched.
        let found = found.iter().filter(|range| self.text.get((*range).clone()).is_some());
        let found: Vec<Range<usize>> = found.cloned().collect();
        cuts.extend(found.iter().flat_map(|range| [range.start, range.end]));
        cuts.extend(self.mention.iter().flat_map(|&(from, to)| [from, to]));
        cuts.extend(self.addresses.iter().flat_map(|address| [address.range.start, address.range.end]));
        cuts.sort_unstable();
        cuts.dedup();
        let ranges: Vec<Range<usize>> = cuts.windows(2).map(|pair| pair[0]..pair[1]).collect();
        ranges.into_iter().map(move |range| {
            let is_found = found.iter().any(|hit| hit.start <= range.start && range.end <= hit.end);
            let mentioned = self.mention.is_some_and(|(from, to)| from <= range.start && range.end <= to);
            let within = |address: &&Address| address.range.start <= range.start && range.end <= address.range.end;
            let link = self.addresses.iter().find(within).map(|address| address.target.as_str());
            (range, mentioned, is_found, link)
        })
    }
}

/// A part of the conversation that may have been missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GapLine {
    pub(crate) since: DateTime,
    pub(crate) until: DateTime,
    pub(crate) missed: Option<u64>,
    pub(crate) cause: GapCause,
}

impl TimelineEntry {
    /// Creates a message by `sender`, as received or as read from the history file.
    pub(crate) fn said(
        sender: Option<&str>,
        text: &str,
        at: Option<DateTime>,
        mark: Option<FileSpan>,
        me: &Viewer,
    ) -> Self {
        let own = sender.is_some() && sender == me.nickname.as_deref();
        let text = display::clean_keeping_line_breaks(text).into_owned();
        let mention = if own { None } else { me.mentioned_in(&text) };
        let sender = sender.map(clean_name);
        let addresses = address::find(&text);
        let message = ShownMessage { sender, looks_like: None, text, own, confirmed: false, mention, addresses };
        Self { kind: EntryKind::Message(message), at, mark, position: None }
    }

    /// Adds the position in the server's log.
    pub(crate) fn numbered(self, position: Option<Position>) -> Self {
        Self { position, ..self }
    }

    /// Replaces the text of a message that was removed.
    pub(super) fn remove(&mut self, text: &str) {
        if let EntryKind::Message(said) = &mut self.kind {
            said.text = display::clean_keeping_line_breaks(text).into_owned();
            (said.mention, said.addresses) = (None, Vec::new());
        }
    }

    /// Marks the entry where its sender can be taken for another user who wrote before.
    pub(crate) fn marked(mut self, sender: Option<&str>, names: &mut SenderNames) -> Self {
        if let (EntryKind::Message(said), Some(sender)) = (&mut self.kind, sender) {
            said.looks_like = names.meet(sender).map(|other| clean_name(&other));
        }
        self
    }

    /// Creates a notice of the program.
    pub(crate) fn notice(text: String, error: bool, at: DateTime) -> Self {
        Self { kind: EntryKind::Notice { text, error }, at: Some(at), mark: None, position: None }
    }

    pub(crate) fn gap(gap: GapLine) -> Self {
        Self { at: Some(gap.until), kind: EntryKind::Gap(gap), mark: None, position: None }
    }

    /// Joins a gap to the one right before it. `false` where it is none, or something was said between.
    pub(super) fn join_gap(&mut self, next: &Self) -> bool {
        let (EntryKind::Gap(gap), EntryKind::Gap(more)) = (&mut self.kind, &next.kind) else { return false };
        gap.until = gap.until.max(more.until);
        gap.missed = gap.missed.zip(more.missed).map(|(one, other)| one + other);
        if gap.cause != more.cause {
            gap.cause = GapCause::Disconnected;
        }
        self.at = next.at;
        true
    }

    /// Returns the message, if it is one.
    pub(crate) fn as_message(&self) -> Option<&ShownMessage> {
        match &self.kind {
            EntryKind::Message(said) => Some(said),
            _ => None,
        }
    }
}

/// Returns a nickname that is safe on a screen: clean, and on one line.
pub(crate) fn clean_name(name: &str) -> String {
    display::clean_for_terminal(name).into_owned()
}

/// The reader, to tell own messages and mentions from others.
#[derive(Debug, Clone, Default)]
pub(crate) struct Viewer {
    pub(crate) nickname: Option<String>,
    /// The forms of a mention in lower case: the nickname, and the requested name.
    names: Vec<String>,
}

impl Viewer {
    /// Creates a viewer. `asked` is the name without the adjective that the server added.
    pub(crate) fn new(nickname: &str, asked: Option<&str>) -> Self {
        let mut names = vec![clean_name(nickname).to_lowercase()];
        let short = match asked {
            Some(asked) => Some(asked),
            None => nickname.split_once(' ').map(|(_, rest)| rest),
        };
        // A single letter would match in every second message.
        names.extend(short.map(|name| clean_name(name).to_lowercase()).filter(|name| name.chars().count() > 1));
        Self { nickname: Some(nickname.to_owned()), names }
    }

    /// Returns where `text` mentions the reader, as whole words.
    pub(crate) fn mentioned_in(&self, text: &str) -> Option<(usize, usize)> {
        self.names.iter().find_map(|name| find_word(text, name))
    }
}

/// Returns whether a character can be a part of a nickname in a sentence: `bob_2` does not name Bob.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '|')
}

/// Returns where `word` (in lower case) stands in `text` as a whole word.
fn find_word(text: &str, word: &str) -> Option<(usize, usize)> {
    let mut before = None;
    for (at, c) in text.char_indices() {
        let begins = !before.is_some_and(is_word);
        before = Some(c);
        if !begins {
            continue;
        }
        if let Some(length) = starts_with_folded(&text[at..], word)
            && !text[at + length..].chars().next().is_some_and(is_word)
        {
            return Some((at, at + length));
        }
    }
    None
}

/// Returns how many bytes at the start of `text` equal `word` in lower case.
fn starts_with_folded(text: &str, word: &str) -> Option<usize> {
    let mut wanted = word.chars().peekable();
    for (at, c) in text.char_indices() {
        if wanted.peek().is_none() {
            return Some(at);
        }
        for lower in c.to_lowercase() {
            if wanted.next() != Some(lower) {
                return None;
            }
        }
    }
    wanted.peek().is_none().then_some(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mention_is_a_whole_word_in_any_case() {
        let me = Viewer::new("Keen Боб", Some("Боб"));
        assert_eq!(me.mentioned_in("привет, БОБ!"), Some((14, 20)));
        assert_eq!(me.mentioned_in("бобр"), None);
        assert_eq!(me.mentioned_in("боб_2 и а-боб"), None);
        assert_eq!(me.mentioned_in("keen боб: hi"), Some((0, 11)));
        assert_eq!(Viewer::new("Keen X", None).mentioned_in("x"), None);
    }

    #[test]
    fn text_of_a_peer_is_safe() {
        let entry = TimelineEntry::said(Some("E\u{1b}[31mve"), "a\u{202e}b\u{7}\nc", None, None, &Viewer::default());
        let said = entry.as_message().unwrap();
        let all = format!("{}{}", said.sender.as_ref().unwrap(), said.text);
        assert!(!all.chars().any(|c| c.is_control() && c != '\n'), "{all:?}");
        assert!(!all.contains('\u{202e}'));
        assert!(said.text.contains('\n'));
    }

    #[test]
    fn own_message_is_no_mention() {
        let me = Viewer::new("Keen Bob", None);
        let entry = TimelineEntry::said(Some("Keen Bob"), "Bob here", None, None, &me);
        assert!(entry.as_message().is_some_and(|said| said.own && said.mention.is_none()));
    }
}
