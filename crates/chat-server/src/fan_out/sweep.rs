//! One way through the seats. Listeners that keep up stand at the same few places, so what one of them needs is
//! looked up once for all.

use std::io::{self, IoSlice};

use bytes::Bytes;
use chat_proto::Seq;

use super::seat::{Lent, State};
use crate::limits::{LISTENER_WRITE_BYTES, LISTENER_WRITE_PIECES};
use crate::meters::Meters;
use crate::room::{Batch, Found, Place, Room};

/// What was looked up last.
pub(super) struct Sweep<'a> {
    room: &'a Room,
    /// What follows this place, when the log ended here.
    place: Place,
    head: Seq,
    batches: Vec<Batch>,
    /// The same as bytes.
    rests: Vec<Bytes>,
    bytes: usize,
    /// Messages and bytes that were written and are not counted yet.
    delivered: (u64, usize),
}

/// What a listener needs.
enum News {
    Here,
    /// There is nothing new.
    Level,
    /// The log in memory no longer has it.
    Behind,
}

impl<'a> Sweep<'a> {
    pub(super) fn new(room: &'a Room) -> Self {
        Self {
            room,
            place: Place::default(),
            head: 0,
            batches: Vec::new(),
            rests: Vec::new(),
            bytes: 0,
            delivered: (0, 0),
        }
    }

    /// Brings a listener up to the end of the log, or sends it home. True when something was written.
    pub(super) fn visit(&mut self, lent: &Lent) -> bool {
        let Some(mut state) = lent.borrow() else { return false };
        let before = state.place.next();
        let wrote = self.bring_up(lent, &mut state);
        self.delivered.0 += state.place.next() - before;
        wrote
    }

    /// Counts what was written since the last time.
    pub(super) fn count_in(&mut self, meters: &Meters) {
        let (messages, bytes) = std::mem::take(&mut self.delivered);
        meters.delivered.add(messages, bytes);
    }

    fn bring_up(&mut self, lent: &Lent, state: &mut State) -> bool {
        let mut wrote = false;
        loop {
            match self.look_up(state.place) {
                News::Level => return wrote,
                News::Behind => break,
                News::Here => {}
            }
            match self.write(lent) {
                Ok(written) if written == self.bytes => {
                    wrote = true;
                    self.delivered.1 += written;
                    if let Some(last) = self.batches.last() {
                        state.place = state.place.after(last);
                    }
                }
                Ok(written) => {
                    wrote = true;
                    self.delivered.1 += written;
                    state.place.advance(&self.batches, written);
                    break;
                }
                // It is full, or it failed: the session finds out which.
                Err(_) => break,
            }
        }
        state.end();
        wrote
    }

    fn look_up(&mut self, place: Place) -> News {
        let head = self.room.head();
        if place.next() > head {
            return News::Level;
        }
        if (self.place, self.head) == (place, head) {
            return News::Here;
        }
        match self.room.from(place.next(), place.form(), LISTENER_WRITE_BYTES, LISTENER_WRITE_PIECES) {
            Found::Level => News::Level,
            Found::Behind => News::Behind,
            Found::Pieces(batches) => {
                (self.place, self.head) = (place, head);
                self.rests.clear();
                let mut next = place;
                for batch in &batches {
                    self.rests.push(next.rest(batch));
                    next = next.after(batch);
                }
                self.bytes = self.rests.iter().map(Bytes::len).sum();
                self.batches = batches;
                News::Here
            }
        }
    }

    fn write(&self, lent: &Lent) -> io::Result<usize> {
        if let [only] = &self.rests[..] {
            return lent.stream.try_write(only);
        }
        let mut slices = [IoSlice::new(&[]); LISTENER_WRITE_PIECES];
        for (slice, rest) in slices.iter_mut().zip(&self.rests) {
            *slice = IoSlice::new(rest);
        }
        lent.stream.try_write_vectored(&slices[..self.rests.len().min(LISTENER_WRITE_PIECES)])
    }
}
