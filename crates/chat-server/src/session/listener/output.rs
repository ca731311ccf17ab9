//! Writes to a listener from its cursor. Data is fetched for each attempt and released with it, so a peer that does not
//! read pins no memory.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::exit::ListenerExit;
use super::task::{ListenerSession, ListenerStep};
use super::write_ready::WriteReady;
use crate::limits::{LISTENER_WRITE_BYTES, LISTENER_WRITE_PIECES};
use crate::log::{Batch, LogRead};

impl<IO: AsyncRead + AsyncWrite + Unpin> ListenerSession<IO> {
    /// Writes until the peer accepts no more or nothing is left. Pending while waiting for the peer, or if there is
    /// nothing to do.
    pub(super) fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<Result<ListenerStep, ListenerExit>> {
        if let Some(blocked) = &self.blocked {
            ready!(blocked.poll_ready(cx));
            self.blocked = None;
        }
        loop {
            self.handle_actions()?;
            if !self.replies.is_empty() && !self.cursor.is_inside_line() {
                let written = ready!(self.poll_write(cx, &[IoSlice::new(&self.replies.clone())]))?;
                self.replies.advance(written);
                continue;
            }
            if !self.released || self.up_to_date {
                return self.poll_flush(cx);
            }
            let batches = match self.fetch() {
                LogRead::Chunks(batches) => batches,
                LogRead::Evicted => return Poll::Ready(Ok(ListenerStep::Evicted)),
                LogRead::UpToDate => {
                    self.up_to_date = true;
                    return Poll::Ready(Ok(ListenerStep::UpToDate));
                }
            };
            let empty = batches.iter().all(|batch| self.cursor.rest(batch).is_empty());
            // A page of removed messages has no line for a plain listener; writing nothing would look like a closed stream.
            let written = if empty { 0 } else { ready!(self.poll_write_batches(cx, &batches))? };
            let before = self.cursor.next();
            self.cursor.advance(&batches, written);
            self.context.meters.delivered.add(self.cursor.next() - before, written);
            if self.page.as_ref().is_some_and(|page| self.cursor.next() > page.last()) {
                self.page = None;
            }
        }
    }

    /// Flushes what the stream has accepted. A TLS stream buffers up to 64 KiB, so a peer that reads nothing is noticed
    /// here even if the room is quiet; a TCP stream buffers nothing.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<ListenerStep, ListenerExit>> {
        match Pin::new(&mut self.io).poll_flush(cx)? {
            Poll::Ready(()) => self.stall.clear(),
            Poll::Pending => self.stall.blocked(Instant::now(), self.context.limits.load().stall),
        }
        Poll::Pending
    }

    fn poll_write_batches(&mut self, cx: &mut Context<'_>, batches: &[Batch]) -> Poll<Result<usize, ListenerExit>> {
        let mut cursor = self.cursor;
        let mut rests = [const { Bytes::new() }; LISTENER_WRITE_PIECES];
        let mut slices = [IoSlice::new(&[]); LISTENER_WRITE_PIECES];
        for (rest, batch) in rests.iter_mut().zip(batches) {
            *rest = cursor.rest(batch);
            cursor = cursor.after(batch);
        }
        if !self.replies.is_empty()
            && let Some(end) = memchr::memchr(b'\n', &rests[0])
        {
            // A reply waits only for the end of this line.
            rests[0].truncate(end + 1);
            return self.poll_write(cx, &[IoSlice::new(&rests[0])]);
        }
        for (slice, rest) in slices.iter_mut().zip(&rests) {
            *slice = IoSlice::new(rest);
        }
        self.poll_write(cx, &slices[..batches.len().min(LISTENER_WRITE_PIECES)])
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<Result<usize, ListenerExit>> {
        let mut polled = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        if polled.is_pending() {
            // Polled again with a separate waker, which distinguishes a writable stream from other wakes.
            let blocked = Arc::new(WriteReady::new(cx.waker()));
            let waker = Waker::from(Arc::clone(&blocked));
            polled = Pin::new(&mut self.io).poll_write_vectored(&mut Context::from_waker(&waker), slices);
            self.blocked = Some(blocked);
        }
        match polled {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into())),
            Poll::Ready(result) => {
                self.blocked = None;
                let written = result?;
                self.stall.written(written);
                Poll::Ready(Ok(written))
            }
            Poll::Pending => {
                self.stall.blocked(Instant::now(), self.context.limits.load().stall);
                // It is read again when the peer continues; until then it would only occupy memory.
                self.page = None;
                Poll::Pending
            }
        }
    }

    /// Returns what the page or the shared log contains at the cursor.
    pub(super) fn fetch(&self) -> LogRead {
        if let Some(page) = &self.page {
            return LogRead::Chunks(vec![Batch::clone(page)]);
        }
        let (next, form) = (self.cursor.next(), self.cursor.form());
        self.context.log.read(next, form, LISTENER_WRITE_BYTES, LISTENER_WRITE_PIECES)
    }
}
