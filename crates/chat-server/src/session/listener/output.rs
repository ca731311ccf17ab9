//! Writes to a listener from its place in the log on. What is written is fetched for each attempt
//! anew and let go with it, so a peer that does not read pins nothing.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::{Gone, ListenerSession, Turn};
use crate::limits::{LISTENER_WRITE_BYTES, LISTENER_WRITE_PIECES};
use crate::room::{Batch, Found};

/// What is to be written next.
pub(super) enum Fetched {
    Batches(Vec<Batch>),
    Level,
    Behind,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> ListenerSession<IO> {
    /// Writes until the peer takes no more or there is no more. Pending means that the peer is
    /// waited for, or that nothing is to be done.
    pub(super) fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<Result<Turn, Gone>> {
        loop {
            if !self.control.is_empty() && !self.place.is_inside_line() {
                let written = ready!(self.poll_write(cx, &[IoSlice::new(&self.control.clone())]))?;
                self.control.advance(written);
                continue;
            }
            if !self.released || self.level {
                // A secure stream may still hold the end of what it has taken; a plain one never does.
                let _ = Pin::new(&mut self.io).poll_flush(cx)?;
                return Poll::Pending;
            }
            let batches = match self.fetch() {
                Fetched::Batches(batches) => batches,
                Fetched::Behind => return Poll::Ready(Ok(Turn::Behind)),
                Fetched::Level => {
                    self.level = true;
                    return Poll::Ready(Ok(Turn::Level));
                }
            };
            let written = ready!(self.poll_write_batches(cx, &batches))?;
            let before = self.place.next();
            self.place.advance(&batches, written);
            self.shared.meters.delivered.add(self.place.next() - before, written);
            if self.page.as_ref().is_some_and(|page| self.place.next() > page.last()) {
                self.page = None;
            }
        }
    }

    fn poll_write_batches(&mut self, cx: &mut Context<'_>, batches: &[Batch]) -> Poll<Result<usize, Gone>> {
        let mut place = self.place;
        let mut rests = [const { Bytes::new() }; LISTENER_WRITE_PIECES];
        let mut slices = [IoSlice::new(&[]); LISTENER_WRITE_PIECES];
        for (rest, batch) in rests.iter_mut().zip(batches) {
            *rest = place.rest(batch);
            place = place.after(batch);
        }
        if !self.control.is_empty()
            && let Some(end) = memchr::memchr(b'\n', &rests[0])
        {
            // An answer waits for the end of this line, and for no more.
            rests[0].truncate(end + 1);
            return self.poll_write(cx, &[IoSlice::new(&rests[0])]);
        }
        for (slice, rest) in slices.iter_mut().zip(&rests) {
            *slice = IoSlice::new(rest);
        }
        self.poll_write(cx, &slices[..batches.len().min(LISTENER_WRITE_PIECES)])
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<Result<usize, Gone>> {
        match Pin::new(&mut self.io).poll_write_vectored(cx, slices) {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into())),
            Poll::Ready(result) => {
                self.stalled_at = None;
                Poll::Ready(Ok(result?))
            }
            Poll::Pending => {
                let limit = self.shared.config.limits.stall;
                self.stalled_at.get_or_insert_with(|| Instant::now() + limit);
                // It is read again when the peer goes on; meanwhile it would only fill the memory.
                self.page = None;
                Poll::Pending
            }
        }
    }

    pub(super) fn fetch(&self) -> Fetched {
        if let Some(page) = &self.page {
            return Fetched::Batches(vec![Batch::clone(page)]);
        }
        match self.shared.room.from(self.place.next(), self.place.form(), LISTENER_WRITE_BYTES, LISTENER_WRITE_PIECES) {
            Found::Pieces(batches) => Fetched::Batches(batches),
            Found::Level => Fetched::Level,
            Found::Behind => Fetched::Behind,
        }
    }
}
