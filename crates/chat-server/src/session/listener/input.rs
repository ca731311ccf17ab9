//! Reads what a listener sends: a request to resume, and pings.

use std::future::poll_fn;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use chat_proto::{Frame, StateMachine as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::codec::Decoder as _;

use super::exit::ListenerExit;
use super::task::{ListenerSession, now};

/// Bytes of one read. Listeners send little: one line at the start, and a ping now and then.
const READ_CHUNK: usize = 512;

/// Bytes of replies that may wait before a listener is no longer read.
const REPLIES_LIMIT: usize = 4 * 1024;

/// Bytes that are kept of a listener that sends while it waits for its turn: some pings. One that sends more is closed,
/// because its end could only be noticed by reading on.
const KEPT_INPUT: usize = 4 * 1024;

impl<IO: AsyncRead + AsyncWrite + Unpin> ListenerSession<IO> {
    /// Ready when the state machine has received a line.
    pub(super) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ListenerExit>> {
        while self.machine.wants_input() && self.replies.len() < REPLIES_LIMIT {
            if let Some(Frame::Line(line)) = self.codec.decode(&mut self.input)? {
                if line.extension().is_some() && !self.context.config.extensions {
                    continue;
                }
                self.machine.handle_input(line, now())?;
                return Poll::Ready(Ok(()));
            }
            if self.input.is_empty() {
                // Frees the buffer, because most listeners are idle.
                self.input = BytesMut::new();
            }
            ready!(self.poll_read(cx))?;
        }
        Poll::Pending
    }

    /// Ready when something was read.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ListenerExit>> {
        let mut chunk = [const { MaybeUninit::uninit() }; READ_CHUNK];
        let mut chunk = ReadBuf::uninit(&mut chunk);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut chunk))?;
        if chunk.filled().is_empty() {
            return Poll::Ready(Err(ListenerExit::Ended));
        }
        self.input.extend_from_slice(chunk.filled());
        Poll::Ready(Ok(()))
    }

    /// Does something that may take long, unless the peer ends the connection meanwhile: those who connect, request and are
    /// gone again would otherwise fill the room with sessions that wait. What the peer sends is kept for later.
    ///
    /// # Errors
    /// Why the connection has ended; `work` was dropped.
    pub(super) async fn unless_ended<T>(&mut self, work: impl Future<Output = T>) -> Result<T, ListenerExit> {
        let mut work = pin!(work);
        poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(Ok(done));
            }
            while self.input.len() < KEPT_INPUT {
                ready!(self.poll_read(cx))?;
            }
            Poll::Ready(Err(ListenerExit::TooMuch))
        })
        .await
    }
}
