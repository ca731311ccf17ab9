//! What stands in the conversation: messages, gaps, notices. Everything that a peer wrote has been
//! made safe for a terminal when an entry is built, and nowhere later.

use std::ops::Range;

use chat_client::{NamesSeen, display};
use jiff::civil::DateTime;

use crate::address::{self, Address};

/// Where a message stands in the history file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileSpan {
    pub(crate) start: u64,
    /// The first byte after it.
    pub(crate) end: u64,
}

/// One thing in the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimelineEntry {
    pub(crate) kind: EntryKind,
    /// Local time; `None` for an old line without a stamp.
    pub(crate) at: Option<DateTime>,
    /// `None` for what is not in the history file.
    pub(crate) mark: Option<FileSpan>,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Message(ShownMessage),
    Gap(GapLine),
    Notice { text: String, error: bool },
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShownMessage {
    /// `None` where a plain line has no sender.
    pub(crate) sender: Option<String>,
    /// The other name that the sender can be taken for.
    pub(crate) looks_like: Option<String>,
    pub(crate) text: String,
    /// Written by the account that is in the chat.
    pub(crate) own: bool,
    /// Own, sent by this program, and known to have reached the server.
    pub(crate) confirmed: bool,
    /// The bytes of `text` in which the reader's name stands.
    pub(crate) mention: Option<(usize, usize)>,
    /// The web addresses in `text`.
    pub(crate) addresses: Vec<Address>,
}

impl ShownMessage {
    /// Returns the text cut where its look changes: the bytes, whether they name the reader, and where they lead.
    pub(crate) fn segments(&self) -> impl Iterator<Item = (Range<usize>, bool, Option<&str>)> {
        let mut cuts = vec![0, self.text.len()];
        cuts.extend(self.mention.iter().flat_map(|&(from, to)| [from, to]));
        cuts.extend(self.addresses.iter().flat_map(|address| [address.range.start, address.range.end]));
        cuts.sort_unstable();
        cuts.dedup();
        let ranges: Vec<Range<usize>> = cuts.windows(2).map(|pair| pair[0]..pair[1]).collect();
        ranges.into_iter().map(|range| {
            let mentioned = self.mention.is_some_and(|(from, to)| from <= range.start && range.end <= to);
            let within = |address: &&Address| address.range.start <= range.start && range.end <= address.range.end;
            let link = self.addresses.iter().find(within).map(|address| address.target.as_str());
            (range, mentioned, link)
        })
    }
}

/// A stretch of the conversation that may have been missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GapLine {
    pub(crate) since: DateTime,
    pub(crate) until: DateTime,
    pub(crate) missed: Option<u64>,
    pub(crate) cause: GapReason,
}

/// Why there is a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GapReason {
    Disconnected,
    ServerForgot,
    OtherStream,
    HoleInNumbers,
}

impl TimelineEntry {
    /// A message by `sender`, as it came from the wire or from the history file.
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
        Self { kind: EntryKind::Message(message), at, mark }
    }

    /// The same, marked where the sender can be taken for somebody else of those who have spoken.
    pub(crate) fn marked(mut self, sender: Option<&str>, names: &mut NamesSeen) -> Self {
        if let (EntryKind::Message(said), Some(sender)) = (&mut self.kind, sender) {
            said.looks_like = names.meet(sender).map(|other| clean_name(&other));
        }
        self
    }

    /// A line of the program's own.
    pub(crate) fn notice(text: String, error: bool, at: DateTime) -> Self {
        Self { kind: EntryKind::Notice { text, error }, at: Some(at), mark: None }
    }

    pub(crate) fn gap(gap: GapLine) -> Self {
        Self { at: Some(gap.until), kind: EntryKind::Gap(gap), mark: None }
    }

    /// The message, where it is one.
    pub(crate) fn as_message(&self) -> Option<&ShownMessage> {
        match &self.kind {
            EntryKind::Message(said) => Some(said),
            _ => None,
        }
    }
}

/// A nickname as it may stand on a screen: clean, and on one line.
pub(crate) fn clean_name(name: &str) -> String {
    display::clean_for_terminal(name).into_owned()
}

/// Who reads, to tell own messages and mentions from others.
#[derive(Debug, Clone, Default)]
pub(crate) struct Viewer {
    pub(crate) nickname: Option<String>,
    /// What a mention may look like, in lower case: the nickname, and the name that was asked for.
    names: Vec<String>,
}

impl Viewer {
    /// `asked` is the name without the adjective that the server put before it.
    pub(crate) fn new(nickname: &str, asked: Option<&str>) -> Self {
        let mut names = vec![clean_name(nickname).to_lowercase()];
        let short = match asked {
            Some(asked) => Some(asked),
            None => nickname.split_once(' ').map(|(_, rest)| rest),
        };
        // One letter would be found in every second message.
        names.extend(short.map(|name| clean_name(name).to_lowercase()).filter(|name| name.chars().count() > 1));
        Self { nickname: Some(nickname.to_owned()), names }
    }

    /// Where the reader is named in `text`, as whole words.
    pub(crate) fn mentioned_in(&self, text: &str) -> Option<(usize, usize)> {
        self.names.iter().find_map(|name| find_word(text, name))
    }
}

/// Where `word` (in lower case) stands in `text` with no letter or digit at either side.
fn find_word(text: &str, word: &str) -> Option<(usize, usize)> {
    let mut before = None;
    for (at, c) in text.char_indices() {
        let begins = !before.is_some_and(char::is_alphanumeric);
        before = Some(c);
        if !begins {
            continue;
        }
        if let Some(length) = starts_with_folded(&text[at..], word)
            && !text[at + length..].chars().next().is_some_and(char::is_alphanumeric)
        {
            return Some((at, at + length));
        }
    }
    None
}

/// The bytes of the start of `text` that, in lower case, are `word`.
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
    fn a_mention_is_a_whole_word_in_any_case() {
        let me = Viewer::new("Keen Боб", Some("Боб"));
        assert_eq!(me.mentioned_in("привет, БОБ!"), Some((14, 20)));
        assert_eq!(me.mentioned_in("бобр"), None);
        assert_eq!(me.mentioned_in("keen боб: hi"), Some((0, 11)));
        assert_eq!(Viewer::new("Keen X", None).mentioned_in("x"), None);
    }

    #[test]
    fn what_a_peer_wrote_is_safe() {
        let entry = TimelineEntry::said(Some("E\u{1b}[31mve"), "a\u{202e}b\u{7}\nc", None, None, &Viewer::default());
        let said = entry.as_message().unwrap();
        let all = format!("{}{}", said.sender.as_ref().unwrap(), said.text);
        assert!(!all.chars().any(|c| c.is_control() && c != '\n'), "{all:?}");
        assert!(!all.contains('\u{202e}'));
        assert!(said.text.contains('\n'));
    }

    #[test]
    fn my_own_name_in_my_own_message_is_no_mention() {
        let me = Viewer::new("Keen Bob", None);
        let entry = TimelineEntry::said(Some("Keen Bob"), "Bob here", None, None, &me);
        assert!(entry.as_message().is_some_and(|said| said.own && said.mention.is_none()));
    }
}
