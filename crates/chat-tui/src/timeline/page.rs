//! Pages of history: requests the next one, and joins one that has arrived to the window.

use jiff::civil::DateTime;

use super::entry::{FileSpan, TimelineEntry, Viewer};
use super::message_count::MessageCount;
use super::window::{Anchor, Newer, Older, Timeline, WINDOW, to_index};
use crate::names::SenderNames;

/// A range of the history file, oldest line first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HistoryPage {
    pub(crate) lines: Vec<PageLine>,
    /// Whether there is nothing older.
    pub(crate) at_start: bool,
    /// Whether there was nothing newer when it was read.
    pub(crate) at_end: bool,
    /// The position in the file at which the page ends.
    pub(crate) end: u64,
}

/// A line of the history file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageLine {
    pub(crate) at: Option<DateTime>,
    pub(crate) sender: Option<String>,
    pub(crate) text: String,
    pub(crate) mark: FileSpan,
}

/// A page to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageRequest {
    /// The last lines.
    Tail,
    /// The lines that end at or before this position.
    Before(u64),
    /// The lines that begin at or after it.
    After(u64),
    /// Lines before and after it.
    Around(u64),
}

/// How many messages are shown below the target of a jump.
pub(super) const CONTEXT: usize = 5;

impl Timeline {
    /// Returns the page that is needed now, once: when the reader is near an end of the window that is not an end of
    /// the conversation.
    pub(crate) fn wanted(&mut self) -> Option<PageRequest> {
        /// The next page is requested this many entries before the end of the window.
        const NEAR: i64 = 200;
        if let Anchor::Jump { asked: false, to } = self.anchor {
            self.anchor = Anchor::Jump { asked: true, to };
            return Some(PageRequest::Around(to));
        }
        if self.anchor == Anchor::End {
            if self.newer == Newer::More {
                self.newer = Newer::TailAsked;
                return Some(PageRequest::Tail);
            }
            return None;
        }
        let Anchor::At { index, .. } = self.anchor else { return None };
        if self.older == Older::More
            && index - self.first < NEAR
            && let Some(mark) = self.entries.iter().find_map(|entry| entry.mark)
        {
            self.older = Older::Asked(mark.start);
            return Some(PageRequest::Before(mark.start));
        }
        if self.newer == Newer::More
            && self.end() - index < NEAR
            && let Some(mark) = self.entries.iter().rev().find_map(|entry| entry.mark)
        {
            self.newer = Newer::Asked(mark.end);
            return Some(PageRequest::After(mark.end));
        }
        None
    }

    /// Handles the last page of the history: at the start, and on the way back to the end.
    pub(crate) fn take_tail(&mut self, page: HistoryPage, me: &Viewer) {
        let end = page.end;
        let mut kept: Vec<TimelineEntry> = self.entries.drain(..).collect();
        // The page contains what is in the file; later messages are kept. Entries that are in no file come with the
        // asides.
        let nothing = page.lines.is_empty();
        let lines = self.weave(page.lines, me);
        kept.retain(|entry| entry.mark.is_some_and(|mark| mark.start >= end));
        self.first = 0;
        self.older = if page.at_start { Older::Nothing } else { Older::More };
        self.entries = lines.into();
        let newest = end.max(self.newest);
        for (after, aside) in self.asides.iter_mut().filter(|(after, _)| nothing || *after > end) {
            if newest > 0 {
                *after = newest;
            }
            self.entries.push_back(aside.clone());
        }
        self.entries.extend(kept);
        if matches!(self.anchor, Anchor::At { .. }) {
            self.anchor = Anchor::End;
        }
        self.below = MessageCount::default();
        self.attach(end);
        let own = |entry: &TimelineEntry| entry.as_message().is_some_and(|said| said.own);
        self.new_to_user = page.at_start && self.outgoing.as_slice().is_empty() && !self.entries.iter().any(own);
        self.recount_unread();
        self.recount_arrived();
        self.note_reading();
        self.trim_front();
    }

    /// Handles the page before the window.
    pub(crate) fn take_older(&mut self, page: HistoryPage, me: &Viewer) {
        let Older::Asked(place) = self.older else { return };
        if self.entries.iter().find_map(|entry| entry.mark).is_none_or(|first| first.start != place) {
            // The window has moved since the request.
            self.older = Older::More;
            return;
        }
        self.older = if page.at_start || page.lines.is_empty() { Older::Nothing } else { Older::More };
        for entry in self.weave(page.lines, me).into_iter().rev() {
            self.entries.push_front(entry);
            self.first -= 1;
        }
        while self.entries.len() > 2 * WINDOW {
            self.entries.pop_back();
            self.newer = Newer::More;
        }
        self.recount_unread();
        self.clamp_anchor();
    }

    /// Handles the page after the window.
    pub(crate) fn take_newer(&mut self, page: HistoryPage, me: &Viewer) {
        let Newer::Asked(place) = self.newer else { return };
        if self.entries.iter().rev().find_map(|entry| entry.mark).is_none_or(|last| last.end != place) {
            self.newer = Newer::More;
            return;
        }
        let end = page.end;
        let entries = self.weave(page.lines, me);
        self.entries.extend(entries);
        while self.entries.len() > 2 * WINDOW {
            self.entries.pop_front();
            self.first += 1;
            self.older = Older::More;
        }
        if page.at_end {
            self.attach(end);
        } else {
            self.newer = Newer::More;
        }
        self.recount_unread();
        self.clamp_anchor();
    }

    /// Handles a page in the middle, around the target of a jump.
    pub(crate) fn take_around(&mut self, page: HistoryPage, place: u64, me: &Viewer) {
        if !matches!(self.anchor, Anchor::Jump { to, .. } if to == place) {
            return;
        }
        self.first = 0;
        self.older = if page.at_start { Older::Nothing } else { Older::More };
        let end = page.end;
        self.entries = self.weave(page.lines, me).into();
        let at = self.entries.iter().position(|entry| entry.mark.is_some_and(|mark| mark.end > place));
        self.anchor = match at {
            // Show some of the following messages too.
            Some(at) => Anchor::At { index: to_index((at + CONTEXT).min(self.entries.len() - 1)), hidden: 0 },
            None => Anchor::End,
        };
        self.newer = Newer::More;
        if page.at_end {
            self.attach(end);
        }
        self.recount_unread();
        self.clamp_anchor();
    }

    /// Returns the lines as entries, with the gaps and notices after each.
    fn weave(&mut self, lines: Vec<PageLine>, me: &Viewer) -> Vec<TimelineEntry> {
        let lines: Vec<TimelineEntry> = lines.into_iter().map(|line| line.into_entry(me, &mut self.names)).collect();
        // Another program may have written what this one could not.
        self.asides.retain(|(_, aside)| aside.as_message().is_none() || !lines.iter().any(|line| is_same(line, aside)));
        let mut entries = Vec::with_capacity(lines.len());
        for line in lines {
            let mark = line.mark;
            entries.push(line);
            let Some(mark) = mark else { continue };
            let behind = self.asides.iter().filter(|(after, _)| *after > mark.start && *after <= mark.end);
            entries.extend(behind.map(|(_, aside)| aside.clone()));
        }
        entries
    }

    /// Connects the window to position `end` of the file: live again, unless more has arrived since.
    fn attach(&mut self, end: u64) {
        let held = self.entries.iter().rev().find_map(|entry| entry.mark).map_or(end, |mark| mark.end.max(end));
        if held >= self.newest {
            self.newest = held;
            self.newer = Newer::Live;
        } else {
            self.newer = Newer::More;
        }
    }
}

/// Returns whether a line of the file is the message that was heard: a stamp there has no seconds, and may
/// come from another clock.
fn is_same(line: &TimelineEntry, heard: &TimelineEntry) -> bool {
    const NEAR_SECONDS: i64 = 120;
    let (Some(written), Some(said)) = (line.as_message(), heard.as_message()) else { return false };
    let near = match (line.at, heard.at) {
        (Some(written), Some(said)) => said.duration_since(written).as_secs().abs() <= NEAR_SECONDS,
        _ => true,
    };
    near && written.sender == said.sender && written.text == said.text
}

impl PageLine {
    fn into_entry(self, me: &Viewer, names: &mut SenderNames) -> TimelineEntry {
        let sender = self.sender.as_deref();
        TimelineEntry::said(sender, &self.text, self.at, Some(self.mark), me).marked(sender, names)
    }
}
