//! Incoming events: messages, gaps, pages of history, and states of own messages.

use super::App;
use crate::effect::Effect;
use crate::event::{Incoming, RestoredMessage};
use crate::lang::Phrase;
use crate::timeline::{
    EarlyEcho, EntryKind, GapLine, GapReason, HistoryPage, OwnState, PageRequest, PendingMessage, TimelineEntry,
};

impl App {
    pub(super) fn take_incoming(&mut self, heard: Vec<Incoming>) -> Vec<Effect> {
        self.note_presence();
        let mut effects = Vec::new();
        for one in heard {
            match one {
                Incoming::Message { sender, text, at, position, mark } => {
                    let own = sender.is_some() && sender == self.reader.nickname;
                    let queued_too = self.links.writing.is_online();
                    let passed = position.as_ref().map(|position| self.chat.timeline.outgoing.note_position(position));
                    for own in passed.unwrap_or_default() {
                        self.chat.timeline.settle(&own, &self.reader);
                    }
                    let outgoing = &mut self.chat.timeline.outgoing;
                    let echo = if own { outgoing.take_echo(&text, position.as_ref(), queued_too) } else { None };
                    if let Some(position) = position.filter(|_| own && echo.is_none()) {
                        outgoing.note_early(EarlyEcho { position, text: text.clone(), mark });
                    }
                    let missed = at < self.started && mark.is_some();
                    let at = self.local(at);
                    let sender = sender.as_deref();
                    let entry = TimelineEntry::said(sender, &text, Some(at), mark, &self.reader);
                    let mut entry = entry.marked(sender, &mut self.chat.timeline.names);
                    if let EntryKind::Message(said) = &mut entry.kind {
                        said.confirmed = echo.is_some();
                        if said.mention.is_some() {
                            let who = said.sender.as_deref().unwrap_or("");
                            let like = said.looks_like.as_deref().map(|other| self.lang.text(Phrase::LooksLike(other)));
                            let (like, first) = (like.unwrap_or_default(), said.text.lines().next().unwrap_or(""));
                            effects = vec![Effect::Notify(format!("{who}{like}: {first}"))];
                        }
                    }
                    if missed {
                        self.chat.timeline.push_missed(entry);
                    } else {
                        self.chat.timeline.push(entry);
                    }
                }
                Incoming::Gap { since, until, missed, cause } => {
                    // After a gap an echo arrives only for numbered messages; those are still received, or already
                    // passed.
                    // A new stream assigns new numbers, so the old ones have no echo either.
                    let renumbered = cause == GapReason::OtherStream;
                    for own in self.chat.timeline.outgoing.take_confirmed(renumbered) {
                        self.chat.timeline.settle(&own, &self.reader);
                    }
                    let gap = GapLine { since: self.local(since), until: self.local(until), missed, cause };
                    self.chat.timeline.push(TimelineEntry::gap(gap));
                }
            }
        }
        effects
    }

    pub(super) fn take_own(&mut self, id: &str, state: OwnState, position: Option<(String, u64)>) {
        self.chat.timeline.outgoing.set_state(id, state);
        if let Some(position) = position {
            self.chat.timeline.outgoing.set_position(id, position);
        }
        match self.chat.timeline.outgoing.take_arrived(id) {
            Some((_, Some(echo))) => self.chat.timeline.confirm(&echo, &self.reader),
            Some((own, None)) => self.chat.timeline.settle(&own, &self.reader),
            None => {}
        }
    }

    pub(super) fn take_restored(&mut self, restored: Vec<RestoredMessage>) {
        for one in restored {
            let at = self.local(one.typed);
            let own = PendingMessage { earlier: true, ..PendingMessage::new(one.id, one.text, at, one.state) };
            self.chat.timeline.outgoing.add(own);
        }
    }

    pub(super) fn take_page(&mut self, wanted: PageRequest, page: HistoryPage) {
        let (timeline, me) = (&mut self.chat.timeline, &self.reader);
        match wanted {
            PageRequest::Tail => timeline.take_tail(page, me),
            PageRequest::Before(_) => timeline.take_older(page, me),
            PageRequest::After(_) => timeline.take_newer(page, me),
            PageRequest::Around(place) => timeline.take_around(page, place, me),
        }
    }
}
