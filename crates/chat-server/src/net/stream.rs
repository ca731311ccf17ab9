//! A TCP stream with several owners: its session, the fan-out to which it is lent, and the guard that bounds what the
//! kernel keeps after its end.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::live_limits::LiveLimits;

/// The session's side: the only one that waits for the stream.
#[derive(Debug)]
pub(crate) struct SharedStream(Arc<TcpStream>);

impl SharedStream {
    pub(crate) fn new(stream: Arc<TcpStream>) -> Self {
        Self(stream)
    }

    fn poll_try_write(
        &self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            match write(&self.0) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }
}

impl AsyncRead for SharedStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(cx))?;
            match self.0.try_read(buf.initialize_unfilled()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read.map(|count| buf.advance(count))),
            }
        }
    }
}

impl AsyncWrite for SharedStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_try_write(cx, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_try_write(cx, |stream| stream.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(SockRef::from(&*self.0).shutdown(Shutdown::Write))
    }
}

/// Bounds what the kernel keeps after the last owner has closed the stream: unread data would otherwise stay in memory
/// for as long as the peer reports a full window, without a descriptor that any limit counts.
#[derive(Debug)]
pub(crate) struct LingerGuard {
    stream: Arc<TcpStream>,
    limits: Arc<LiveLimits>,
}

impl LingerGuard {
    /// Creates a guard that gives the peer as long to read the rest as it may stall.
    pub(crate) fn new(stream: &Arc<TcpStream>, limits: &Arc<LiveLimits>) -> Self {
        Self { stream: Arc::clone(stream), limits: Arc::clone(limits) }
    }

    /// Returns the stream.
    pub(crate) fn stream(&self) -> &Arc<TcpStream> {
        &self.stream
    }

    /// Discards the rest, and resets the connection.
    pub(crate) fn reset(&self) {
        // If this fails, the limit set below applies.
        let _ = SockRef::from(&*self.stream).set_linger(Some(Duration::ZERO));
    }
}

impl Drop for LingerGuard {
    fn drop(&mut self) {
        // Not earlier, because a writer may post without end and never read an answer. An error means that the peer has
        // disconnected.
        #[cfg(target_os = "linux")]
        let _ = SockRef::from(&*self.stream).set_tcp_user_timeout(Some(self.limits.load().stall));
        #[cfg(not(target_os = "linux"))]
        let _ = &self.limits;
    }
}
