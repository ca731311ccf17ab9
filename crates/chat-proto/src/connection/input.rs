//! The bytes that have arrived and are not handled yet.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::io::poll_read_buf;

/// The size of one read. The buffer is on the stack while polling, so an idle connection has none.
const READ_CHUNK: usize = 16 * 1024;

/// Input, and how it is read.
#[derive(Default)]
pub(super) struct InputBuffer {
    pub(super) bytes: BytesMut,
    /// The size of a read when more is waiting than fits the buffer on the stack.
    pub(super) bulk_read: Option<usize>,
    /// The last read was full, so more is probably waiting.
    more_waits: bool,
}

impl InputBuffer {
    /// Reads once, and returns the number of bytes; 0 is the end of the stream.
    pub(super) fn poll_read<IO>(&mut self, io: &mut IO, cx: &mut Context<'_>) -> Poll<io::Result<usize>>
    where
        IO: AsyncRead + Unpin,
    {
        if let Some(size) = self.bulk_read.filter(|_| self.more_waits) {
            self.bytes.reserve(size);
            let read = poll_read_buf(Pin::new(io), cx, &mut self.bytes);
            self.more_waits = matches!(read, Poll::Ready(Ok(READ_CHUNK..)));
            if read.is_pending() && self.bytes.is_empty() {
                self.bytes = BytesMut::new();
            }
            return read;
        }
        let mut chunk = [const { MaybeUninit::uninit() }; READ_CHUNK];
        let mut chunk = ReadBuf::uninit(&mut chunk);
        ready!(Pin::new(io).poll_read(cx, &mut chunk))?;
        self.bytes.extend_from_slice(chunk.filled());
        self.more_waits = chunk.remaining() == 0;
        Poll::Ready(Ok(chunk.filled().len()))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncWriteExt as _;

    use super::*;

    #[tokio::test]
    async fn reads_more_at_once_while_more_waits() {
        const MUCH: usize = 10 * READ_CHUNK;
        let (mut ours, mut peer) = tokio::io::duplex(MUCH);
        let mut input = InputBuffer { bulk_read: Some(4 * READ_CHUNK), ..InputBuffer::default() };
        peer.write_all(&[b'x'; MUCH]).await.unwrap();
        let mut reads = Vec::new();
        while input.bytes.len() < MUCH {
            reads.push(poll_fn(|cx| input.poll_read(&mut ours, cx)).await.unwrap());
        }
        assert_eq!(reads[0], READ_CHUNK);
        assert!(reads[1] >= 4 * READ_CHUNK, "{reads:?}");
        // What has been handled needs no memory while nothing comes.
        input.bytes.clear();
        let nothing = poll_fn(|cx| Poll::Ready(input.poll_read(&mut ours, cx))).await;
        assert!(nothing.is_pending());
        assert_eq!(input.bytes.capacity(), 0);
        peer.write_all(b"again").await.unwrap();
        assert_eq!(poll_fn(|cx| input.poll_read(&mut ours, cx)).await.unwrap(), 5);
        assert_eq!(&input.bytes[..], b"again");
    }
}
