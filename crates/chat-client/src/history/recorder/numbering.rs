//! The position of the newest accepted message, and the cursor records that are needed where numbers do not continue by
//! one.

use chat_proto::{Message, Position};

use super::Recorder;
use crate::listener::gap::{Gap, GapCause};

impl Recorder {
    pub(super) fn take(&mut self, message: &Message, now: i64) {
        if self.step_to(message.position.as_ref()) {
            self.stamp.append(self.out.buffer(), message, now);
        }
    }

    /// Returns whether the message after `position` is the next one, so that the cursor counts it and those after it.
    pub(super) fn continues_at(&self, position: &Position) -> bool {
        !self.renumbered && self.newest.as_ref() == Some(position)
    }

    pub(super) fn step_over(&mut self, gap: &Gap) {
        // A server whose log has lost its end assigns the same numbers again, to other messages.
        self.renumbered |= gap.cause == GapCause::OtherStream;
    }

    pub(super) fn begin_at(&mut self, joined: &Position) {
        if self.newest.is_none() {
            self.out.checkpoint(Some(joined.clone()));
            self.newest = Some(joined.clone());
        }
    }

    /// Makes `position` the newest; returns false if it was already recorded.
    pub(super) fn step_to(&mut self, position: Option<&Position>) -> bool {
        let renumbered = std::mem::take(&mut self.renumbered);
        match (&mut self.newest, position) {
            (Some(newest), Some(next)) if newest.stream == next.stream && !renumbered => {
                if next.seq <= newest.seq {
                    return false;
                }
                if next.seq != newest.seq + 1 {
                    self.out.checkpoint(Some(before(next)));
                }
                newest.seq = next.seq;
            }
            (None, None) => {}
            (_, Some(next)) => {
                self.out.checkpoint(Some(before(next)));
                self.newest = Some(next.clone());
            }
            (Some(_), None) => {
                // Lines without numbers must not be counted as numbered ones.
                self.out.checkpoint(None);
                self.newest = None;
            }
        }
        true
    }
}

fn before(next: &Position) -> Position {
    Position { stream: next.stream.clone(), seq: next.seq.saturating_sub(1) }
}
