//! Reports events as lines.

use chat_client::{DeliveryState, PostId, display};

use super::mode::{OutputLine, PlainMode, PlainOutcome, stamp};
use crate::event::{AppEvent, Incoming, SearchHit};
use crate::lang::Phrase;
use crate::link::{LinkError, LinkSide, LinkState, Links};
use crate::timeline::{Held, HistoryPage, PageLine, PageRequest, clean_name};

/// How many lines of history are shown at the start in a terminal.
const WELCOME: usize = 20;

impl PlainMode {
    /// Reports an event before the application handles it. Returns a line to report afterwards.
    pub(super) fn report_event(&mut self, message: &AppEvent) -> Option<String> {
        match message {
            AppEvent::Incoming(heard) => heard.iter().for_each(|one| self.report_incoming(one)),
            AppEvent::Page(PageRequest::Tail, page) if !self.welcomed => {
                self.welcomed = true;
                if self.interactive {
                    self.welcome(page);
                }
            }
            AppEvent::Own { id, state: DeliveryState::Confirmed(_) } => drop(self.in_flight.remove(id)),
            AppEvent::Own { id, state } if state.is_final() => {
                let outcome = match state {
                    DeliveryState::Unconfirmed => PlainOutcome::Unconfirmed,
                    _ => PlainOutcome::Refused,
                };
                return self.undelivered(id, outcome, state, None);
            }
            AppEvent::NotSent { id, why } => {
                return self.undelivered(id, PlainOutcome::Refused, &DeliveryState::Queued, Some(why));
            }
            AppEvent::Replaced { old, new } => {
                if let Some(text) = self.in_flight.remove(old) {
                    self.in_flight.insert(new.clone(), text);
                }
            }
            AppEvent::Restored(restored) => {
                for one in restored {
                    self.report_own(&one.text, &one.state, one.held.as_ref());
                    if one.held.is_none() && !one.state.is_final() {
                        self.in_flight.insert(one.id.clone(), one.text.clone());
                    }
                }
            }
            AppEvent::Registered(Ok(registered)) => {
                let nickname = clean_name(registered.known.account.nickname.as_str());
                let saved = match &registered.saved {
                    Ok(path) => self.app.text(Phrase::SavedIn(path)),
                    Err(error) => self.app.text(Phrase::NotSaved(error)),
                };
                self.report(Phrase::PlainRegistered { nickname: &nickname, saved: &saved });
            }
            AppEvent::Registered(Err(cause)) => {
                self.report(Phrase::Cause(cause));
                if !self.interactive {
                    let refused = matches!(cause, LinkError::NicknameRefused | LinkError::UnknownToken);
                    self.worst =
                        self.worst.max(if refused { PlainOutcome::Refused } else { PlainOutcome::Unreachable });
                    self.failed = true;
                }
            }
            AppEvent::Found { hits, .. } => hits.iter().for_each(|hit| self.report_hit(hit)),
            AppEvent::SearchFailed { reason, .. } => return Some(self.app.text(Phrase::BadExpression(reason))),
            AppEvent::Exported(result) => match result {
                Ok(path) => self.report(Phrase::Exported(path)),
                Err(error) => self.report(Phrase::NotExported(error)),
            },
            AppEvent::Notice { text, .. } => self.report(Phrase::News(text)),
            _ => {}
        }
        None
    }

    /// Returns what is to be reported about a message that was not delivered.
    fn undelivered(
        &mut self,
        id: &PostId,
        outcome: PlainOutcome,
        state: &DeliveryState,
        held: Option<&Held>,
    ) -> Option<String> {
        let pending = self.app.chat.timeline.outgoing.find(id).map(|own| own.text.clone());
        // Its echo may have come first.
        let text = self.in_flight.remove(id).or(pending)?;
        self.worst = self.worst.max(outcome);
        let text = display::clean_for_terminal(text.as_str());
        Some(self.app.text(Phrase::PlainOwn { text: &text, state, held, until: self.app.refused_until(state) }))
    }

    fn report_incoming(&mut self, heard: &Incoming) {
        match heard {
            Incoming::Message { message, at, .. } => {
                let missed = (*at < self.listening_since).then(|| self.app.local(*at));
                let sender = message.sender.as_ref().map(|sender| sender.as_str());
                // What the sign of a mention says on the screen.
                let names_me = self.interactive && sender != self.app.reader.nickname.as_deref();
                let names_me = names_me && self.app.reader.mentioned_in(message.text.as_str()).is_some();
                let mention = if names_me { self.app.text(Phrase::PlainMention) } else { String::new() };
                let line = self.line_of(sender, message.text.as_str());
                self.output.push(OutputLine::Message(format!("{}{mention}{line}", stamp(missed))));
            }
            Incoming::Gap(gap) => {
                let line = self.app.gap_line(gap);
                self.report(Phrase::Gap(&line));
            }
            Incoming::Removed(removed) => {
                let by = removed.by.as_ref().map(|by| by.as_str());
                let reason = removed.reason.as_ref().map(|reason| reason.flattened());
                self.report(Phrase::Removed { by, reason: reason.as_deref() });
            }
        }
    }

    fn welcome(&mut self, page: &HistoryPage) {
        let first = page.lines.len().saturating_sub(WELCOME);
        let read_to = self.app.chat.timeline.read_to();
        let own = self.app.reader.nickname.clone();
        let is_new = |line: &PageLine| read_to.is_some_and(|to| line.mark.start >= to) && line.sender != own;
        let unread = page.lines.iter().position(is_new).filter(|&at| at > 0);
        for (number, line) in page.lines.iter().enumerate().skip(first) {
            if unread.is_some_and(|at| number == at.max(first)) {
                self.report(Phrase::PlainUnread);
            }
            let line = format!("{}{}", stamp(line.at), self.line_of(line.sender.as_deref(), &line.text));
            self.output.push(OutputLine::Message(line));
        }
    }

    fn report_hit(&mut self, hit: &SearchHit) {
        let line = format!("{}{}", stamp(hit.at), self.line_of(hit.sender.as_deref(), &hit.text));
        self.output.push(OutputLine::Message(line));
    }

    /// Reports when the connections break and when both are back, but not every attempt.
    pub(super) fn report_links(&mut self, before: &Links) {
        for side in [LinkSide::Listening, LinkSide::Writing] {
            let state = self.app.links.side(side).clone();
            if &state == before.side(side) {
                continue;
            }
            let ended = matches!(state, LinkState::Closed { .. });
            if let Some(cause) = state.cause().filter(|_| ended || !self.outage) {
                self.outage = true;
                let cause = self.app.text(Phrase::Cause(cause));
                let link =
                    self.app.text(Phrase::Link { side, state: &state, seconds: state.seconds_left(self.app.now) });
                self.report_text(&format!("{link}: {cause}"));
            }
            if let LinkState::Closed { cause: Some(cause) } = &state
                && side == LinkSide::Writing
                && !self.interactive
                && *cause != LinkError::UnknownToken
            {
                self.worst = self.worst.max(PlainOutcome::Unreachable);
                self.failed = true;
            }
        }
        if self.app.links.both_online() && (self.outage || !self.connected) {
            (self.outage, self.connected) = (false, true);
            let link = |side| self.app.text(Phrase::Link { side, state: &LinkState::Online, seconds: None });
            let text = format!("{}; {}", link(LinkSide::Listening), link(LinkSide::Writing));
            self.report_text(&text);
        }
    }
}
