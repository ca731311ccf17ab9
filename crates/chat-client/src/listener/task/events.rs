//! What a listener makes of the events of a connection: messages, gaps and positions, in their order.

use std::time::{Duration, SystemTime};

use chat_proto::{ConnectionError, Extensions, ListenerClientEvent, Position};

use super::ListenerTask;
use crate::listener::event::{EventBatch, ListenerEvent};
use crate::listener::gap::{Gap, GapCause};
use crate::listener::link::ListenerLink;
use crate::net::counters::ServiceCount;
use crate::net::error::ConnectError;
use crate::net::supervisor::Supervisor;

/// The fewest messages of a numbered log that are passed on as one block.
const BLOCK_MESSAGES: usize = 64;

impl ListenerTask {
    pub(super) fn handle_event(
        &mut self,
        event: ListenerClientEvent,
        link: &mut ListenerLink,
        supervisor: &mut Supervisor,
    ) {
        if let Some(held) = &mut link.doubted {
            match event {
                // One by one, because lines are sent after the batch, and there may be several blocks of them.
                ListenerClientEvent::Lines(lines) => held.extend(lines.messages().map(ListenerClientEvent::Message)),
                ListenerClientEvent::NumberedLines(lines) => {
                    held.extend(lines.messages().map(ListenerClientEvent::Message));
                }
                event => held.push(event),
            }
            return;
        }
        match event {
            ListenerClientEvent::Plain if link.continues => link.doubted = Some(Vec::new()),
            ListenerClientEvent::Plain => self.forget_log(link),
            ListenerClientEvent::Numbered { stream, from, head } => {
                let known = self.position.as_ref();
                link.other_log = known.is_some_and(|known| known.stream != stream || from <= known.seq);
                let new_place = known.is_none() || link.other_log;
                link.answered = true;
                tracing::info!(%stream, from, head, continues = link.continues, "resumed");
                link.gap_reported |= link.continues;
                // If the connection is lost before the first message, the next one resumes at the same position.
                let joined = Position { stream, seq: from.saturating_sub(1) };
                self.position = Some(joined.clone());
                (self.proven, self.unanswered, self.silent, self.silent_since) = (true, 0, 0, None);
                link.unreported_kind = Some(true);
                self.report_server_kind(link, supervisor);
                // A gap may follow, and it must precede this event.
                link.joined = new_place.then_some(joined);
                link.head = Some(head);
            }
            ListenerClientEvent::Gap { missed } => {
                let cause = match (link.answered, link.other_log) {
                    (true, true) => GapCause::OtherStream,
                    (true, false) => GapCause::ServerForgot,
                    (false, _) => GapCause::HoleInNumbers,
                };
                self.push_hole(link, missed, cause);
            }
            ListenerClientEvent::Expired { missed } => {
                let live = !link.answered;
                self.push_hole(link, Some(missed), GapCause::Expired);
                if live && let Some(position) = &mut self.position {
                    // No message may follow that would say so.
                    position.seq = position.seq.saturating_add(missed);
                    self.push_caught_up(link);
                }
            }
            ListenerClientEvent::TooLong => {
                self.report_server_kind(link, supervisor);
                let since = self.last_heard.unwrap_or(self.started);
                self.push_gap(Gap::new(since, SystemTime::now(), Some(1), GapCause::LineTooLong));
            }
            ListenerClientEvent::Lines(lines) => {
                link.answered = false;
                self.report_server_kind(link, supervisor);
                self.block = Some(EventBatch::Lines(lines));
            }
            ListenerClientEvent::NumberedLines(lines) => {
                link.answered = false;
                self.report_server_kind(link, supervisor);
                self.push_joined(link);
                let last = lines.last();
                // The end of the replay is reported between two messages, and small blocks leave in one batch with what is
                // between them.
                if lines.count() < BLOCK_MESSAGES || link.head.is_some_and(|head| last.seq >= head) {
                    for message in lines.messages() {
                        self.handle_event(ListenerClientEvent::Message(message), link, supervisor);
                    }
                    return;
                }
                self.position = Some(last);
                self.block = Some(EventBatch::Numbered(lines));
            }
            ListenerClientEvent::Message(message) => {
                link.answered = false;
                self.report_server_kind(link, supervisor);
                self.push_joined(link);
                if let Some(position) = &message.position {
                    match &mut self.position {
                        Some(known) if known.stream == position.stream => known.seq = position.seq,
                        known => *known = Some(position.clone()),
                    }
                }
                self.batch_bytes += message.text.as_str().len();
                self.batch.push(ListenerEvent::Message(message));
                self.push_caught_up(link);
            }
            ListenerClientEvent::Removed(removed) => {
                link.answered = false;
                self.report_server_kind(link, supervisor);
                self.push_joined(link);
                if let Some(known) = &mut self.position
                    && known.stream == removed.position.stream
                {
                    // A tombstone takes the place of its message; an earlier number changes nothing.
                    known.seq = known.seq.max(removed.position.seq);
                }
                self.batch.push(ListenerEvent::Removed(removed));
                self.push_caught_up(link);
            }
            // Events of a later protocol version contain nothing that this version can use.
            _ => {}
        }
    }

    /// Reports messages that are missing at this point: before what a request to resume has led to, or between two others.
    fn push_hole(&mut self, link: &mut ListenerLink, missed: Option<u64>, cause: GapCause) {
        if std::mem::take(&mut link.answered) {
            let since = link.blind_since.unwrap_or(self.started);
            let before = self.position.as_ref().map(following);
            let gap = Gap::new(since, link.until, missed, cause);
            self.push_gap(Gap { after: link.position_before.clone(), before, ..gap });
        } else {
            let since = self.last_heard.unwrap_or(self.started);
            let after = self.position.clone();
            let before = after.as_ref().map(|after| Position {
                seq: after.seq.saturating_add(missed.unwrap_or(0)).saturating_add(1),
                ..after.clone()
            });
            let gap = Gap::new(since, SystemTime::now(), missed, cause);
            self.push_gap(Gap { after, before, ..gap });
        }
    }

    /// Reports a new position once no gap can precede it.
    pub(super) fn push_joined(&mut self, link: &mut ListenerLink) {
        if let Some(joined) = link.joined.take() {
            self.batch.push(ListenerEvent::Joined(joined));
        }
        self.push_caught_up(link);
    }

    /// Reports the end of the replay.
    fn push_caught_up(&mut self, link: &mut ListenerLink) {
        if link.joined.is_none()
            && let (Some(head), Some(position)) = (link.head, &self.position)
            && position.seq >= head
        {
            link.head = None;
            self.batch.push(ListenerEvent::CaughtUp(position.clone()));
        }
    }

    /// Reports whether the server numbers its messages. From here on the room is received. What was sent since it was
    /// last received is a gap, unless the server continues at the old position.
    pub(super) fn report_server_kind(&mut self, link: &mut ListenerLink, supervisor: &mut Supervisor) {
        let Some(numbered) = link.unreported_kind.take() else { return };
        link.heard = true;
        self.connected = true;
        if !std::mem::replace(&mut link.gap_reported, true)
            && let Some(since) = self.last_heard
        {
            let gap = Gap::new(since, link.until, None, GapCause::Disconnected);
            self.push_gap(Gap { after: link.position_before.clone(), ..gap });
        }
        self.last_heard = Some(SystemTime::now());
        self.numbered.send_if_modified(|known| known.replace(numbered) != Some(numbered));
        supervisor.online(Extensions::NONE.with_resume(numbered));
    }

    /// Records until when the room was received, after the connection was lost.
    pub(super) fn lost(&mut self, error: ConnectionError, link: &ListenerLink) -> ConnectError {
        if let Some(last) = self.last_heard.as_mut().filter(|_| link.heard) {
            let now = SystemTime::now();
            // A clean end follows everything that was sent. In other cases the link may have been dead for as long as
            // its keepalive takes to notice.
            let blind = match error {
                ConnectionError::Ended => Duration::ZERO,
                _ => self.config.keepalive.idle + self.config.keepalive.answer_timeout,
            };
            *last = now.checked_sub(blind).unwrap_or(now).max(*last);
        }
        error.into()
    }

    fn push_gap(&mut self, gap: Gap) {
        tracing::info!(cause = gap.cause.as_str(), missed = gap.missed, "gap");
        self.counters.add(ServiceCount::Gap, 1);
        self.batch.push(ListenerEvent::Gap(gap));
    }
}

fn following(position: &Position) -> Position {
    Position { seq: position.seq.saturating_add(1), ..position.clone() }
}
