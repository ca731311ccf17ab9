//! What comes in: messages, gaps, pages of history, and the states of own messages.

use chat_client::{DeclineCode, DeliveryState, Echo, Gap, Message, PostId, RemovedMessage};
use jiff::Timestamp;
use jiff::civil::DateTime;

use super::{App, Screen};
use crate::effect::Effect;
use crate::event::{Incoming, RestoredMessage};
use crate::lang::Phrase;
use crate::timeline::{EntryKind, FileSpan, GapLine, HistoryPage, PageRequest, PendingMessage, TimelineEntry};

impl App {
    pub(super) fn take_incoming(&mut self, incoming: Vec<Incoming>) -> Vec<Effect> {
        self.note_presence();
        let mut effects = Vec::new();
        for one in incoming {
            match one {
                Incoming::Message { message, at, mark } => effects.extend(self.take_message(&message, at, mark)),
                Incoming::Gap(gap) => self.take_gap(&gap),
                Incoming::Removed(removed) => self.take_removed(&removed),
            }
        }
        if self.opening && self.screen == Screen::Chat {
            // What was missed arrives after the first page.
            self.open_at_unread();
        }
        // Of many mentions at once one rings.
        let last = effects.iter().rposition(|effect| matches!(effect, Effect::Notify(_)));
        let mut at = 0..;
        effects.retain(|effect| at.next() == last || !matches!(effect, Effect::Notify(_)));
        effects
    }

    fn take_message(&mut self, message: &Message, at: Timestamp, mark: Option<FileSpan>) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut confirmed = false;
        for (own, echo) in self.chat.timeline.outgoing.on_message(message, mark) {
            match echo {
                Echo::Seen(_) => {
                    confirmed = true;
                    if message.position.is_none() {
                        effects.push(Effect::ConfirmEcho { id: own.id });
                    }
                }
                // It stands before this message.
                _ => self.chat.timeline.settle(&own, &self.reader),
            }
        }
        let missed = at < self.started && mark.is_some();
        let sender = message.sender.as_ref().map(|sender| sender.as_str());
        let entry = TimelineEntry::said(sender, message.text.as_str(), Some(self.local(at)), mark, &self.reader);
        let mut entry = entry.marked(sender, &mut self.chat.timeline.names).numbered(message.position.clone());
        if let EntryKind::Message(shown) = &mut entry.kind {
            shown.confirmed = confirmed;
            if shown.mention.is_some() {
                let who = shown.sender.as_deref().unwrap_or("");
                let like = shown.looks_like.as_deref().map(|other| self.lang.text(Phrase::LooksLike(other)));
                let (like, first) = (like.unwrap_or_default(), shown.text.lines().next().unwrap_or(""));
                effects.push(Effect::Notify(format!("{who}{like}: {first}")));
            }
        }
        if missed {
            self.chat.timeline.push_missed(entry);
        } else {
            self.chat.timeline.push(entry);
        }
        effects
    }

    /// Shows that a message was removed: in its place, if it is in the window with its number.
    fn take_removed(&mut self, removed: &RemovedMessage) {
        let by = removed.by.as_ref().map(|by| by.as_str());
        let reason = removed.reason.as_ref().map(|reason| reason.flattened());
        let text = self.lang.text(Phrase::Removed { by, reason: reason.as_deref() });
        if !self.chat.timeline.mark_removed(&removed.position, &text) && removed.in_place {
            let at = Timestamp::from_millisecond(removed.at).unwrap_or_else(|_| Timestamp::now());
            let at = self.local(at);
            self.chat.timeline.push(TimelineEntry::notice(text, false, at));
        }
    }

    fn take_gap(&mut self, gap: &Gap) {
        for own in self.chat.timeline.outgoing.on_gap(gap) {
            self.chat.timeline.settle(&own, &self.reader);
        }
        let line = self.gap_line(gap);
        self.chat.timeline.push(TimelineEntry::gap(line));
    }

    /// A gap in local time.
    pub(crate) fn gap_line(&self, gap: &Gap) -> GapLine {
        let local = |time| self.local(Timestamp::try_from(time).unwrap_or_default());
        GapLine { since: local(gap.since), until: local(gap.until), missed: gap.missed, cause: gap.cause }
    }

    pub(super) fn take_own(&mut self, id: &PostId, state: DeliveryState) {
        let until = self.refused_until(&state);
        if let DeliveryState::Refused { code: code @ DeclineCode::Muted, reason, .. } = &state
            && self.screen == Screen::Chat
        {
            self.hint(Phrase::Refusal { code, until, reason: reason.as_ref() }, true);
        }
        match self.chat.timeline.outgoing.set_state(id, state, self.now) {
            Some((_, Echo::Seen(echo))) => self.chat.timeline.confirm(&echo, &self.reader),
            Some((own, _)) => self.chat.timeline.settle(&own, &self.reader),
            None => self.chat.timeline.outgoing.refuse_until(id, until),
        }
    }

    /// Returns the local time at which a refusal ends.
    pub(crate) fn refused_until(&self, state: &DeliveryState) -> Option<DateTime> {
        let DeliveryState::Refused { code: DeclineCode::Muted, retry_after: Some(after), .. } = state else {
            return None;
        };
        // One that is beyond the calendar has no end that a user would note.
        self.now.checked_add(*after).ok().map(|until| self.local(until))
    }

    pub(super) fn take_restored(&mut self, restored: Vec<RestoredMessage>) {
        for one in restored {
            let own = PendingMessage::new(one.id, one.text, self.local(one.typed));
            let own = PendingMessage { state: one.state, held: one.held, earlier: true, ..own };
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
        if self.opening && wanted == PageRequest::Tail {
            self.open_at_unread();
        }
        self.align_unread();
    }
}
