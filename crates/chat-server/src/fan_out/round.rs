//! One pass over the lent sockets. Listeners that keep up are at the same few cursors, so a read of the log for one of
//! them serves all.

use std::io::{self, IoSlice};

use bytes::Bytes;
use chat_proto::Seq;

use super::socket::{SharedSocket, Sleeper, SocketState};
use crate::limits::{LISTENER_WRITE_BYTES, LISTENER_WRITE_PIECES};
use crate::log::{Batch, LogCursor, LogRead, SharedLog};
use crate::meters::Meters;

/// One pass, with the last read of the log cached for the next listener.
pub(super) struct Round<'a> {
    log: &'a SharedLog,
    /// The cursor at which `batches` were read, when the log ended at `last`.
    cursor: LogCursor,
    last: Seq,
    batches: Vec<Batch>,
    /// The same as bytes.
    rests: Vec<Bytes>,
    bytes: usize,
    /// Messages and bytes that are written and not yet counted.
    delivered: (u64, usize),
}

impl<'a> Round<'a> {
    pub(super) fn new(log: &'a SharedLog) -> Self {
        Self {
            log,
            cursor: LogCursor::default(),
            last: 0,
            batches: Vec::new(),
            rests: Vec::new(),
            bytes: 0,
            delivered: (0, 0),
        }
    }

    /// Writes to a listener up to the end of the log, or hands its socket back. Returns true if anything was written.
    pub(super) fn visit(&mut self, socket: &SharedSocket) -> bool {
        let Some(mut state) = socket.lock_if_lent() else { return false };
        let before = state.cursor.next();
        let (wrote, sleeper) = self.write_all(&mut state);
        self.delivered.0 += state.cursor.next() - before;
        drop(state);
        socket.rouse(sleeper);
        wrote
    }

    /// Adds what was written since the last call to the meters.
    pub(super) fn count_in(&mut self, meters: &Meters) {
        let (messages, bytes) = std::mem::take(&mut self.delivered);
        meters.delivered.add(messages, bytes);
    }

    /// Returns whether anything was written, and who is to be woken because the socket was handed back.
    fn write_all(&mut self, state: &mut SocketState) -> (bool, Option<Sleeper>) {
        let mut wrote = false;
        loop {
            match self.read(state.cursor) {
                LogRead::UpToDate => return (wrote, None),
                LogRead::Evicted => break,
                LogRead::Chunks(()) => {}
            }
            match self.write(state) {
                Ok(written) if written == self.bytes => {
                    wrote = true;
                    self.delivered.1 += written;
                    if let Some(last) = self.batches.last() {
                        state.cursor = state.cursor.after(last);
                    }
                }
                Ok(written) => {
                    wrote = true;
                    self.delivered.1 += written;
                    state.cursor.advance(&self.batches, written);
                    break;
                }
                // The socket is full or has failed: the session finds out which.
                Err(_) => break,
            }
        }
        (wrote, state.hand_back())
    }

    /// Reads what follows `cursor` into `batches` and `rests`, unless it is already there.
    fn read(&mut self, cursor: LogCursor) -> LogRead<()> {
        let last = self.log.last();
        if cursor.next() > last {
            return LogRead::UpToDate;
        }
        if (self.cursor, self.last) == (cursor, last) {
            return LogRead::Chunks(());
        }
        match self.log.read(cursor.next(), cursor.form(), LISTENER_WRITE_BYTES, LISTENER_WRITE_PIECES) {
            LogRead::UpToDate => LogRead::UpToDate,
            LogRead::Evicted => LogRead::Evicted,
            LogRead::Chunks(batches) => {
                (self.cursor, self.last) = (cursor, last);
                self.rests.clear();
                let mut next = cursor;
                for batch in &batches {
                    self.rests.push(next.rest(batch));
                    next = next.after(batch);
                }
                self.bytes = self.rests.iter().map(Bytes::len).sum();
                self.batches = batches;
                LogRead::Chunks(())
            }
        }
    }

    fn write(&self, state: &SocketState) -> io::Result<usize> {
        let stream = state.stream().ok_or(io::ErrorKind::NotConnected)?;
        if let [only] = &self.rests[..] {
            return stream.try_write(only);
        }
        let mut slices = [IoSlice::new(&[]); LISTENER_WRITE_PIECES];
        for (slice, rest) in slices.iter_mut().zip(&self.rests) {
            *slice = IoSlice::new(rest);
        }
        stream.try_write_vectored(&slices[..self.rests.len().min(LISTENER_WRITE_PIECES)])
    }
}
