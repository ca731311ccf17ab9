//! The bytes of a connection that wait to be written.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;

use crate::line::Line;

/// The largest number of slices in one vectored write. A socket accepts no more at once.
const MAX_SLICES: usize = 64;

/// Encoded lines in the order in which they are sent.
#[derive(Debug, Default)]
pub(super) struct OutputBuffer {
    /// Lines of the state machine that are not in `chunks` yet. They are copied into one buffer, so that answers to input
    /// that arrived together leave in one write.
    lines: BytesMut,
    chunks: VecDeque<Bytes>,
    chunk_bytes: usize,
    /// Writing to the peer has failed: output is discarded.
    closed: bool,
}

/// The result of one attempt to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriteProgress {
    /// Bytes were written, and more may be.
    Some,
    /// Nothing is left to write.
    Done,
}

impl OutputBuffer {
    /// Returns the number of bytes that wait.
    pub(super) fn len(&self) -> usize {
        self.chunk_bytes + self.lines.len()
    }

    /// Appends a line and its line feed.
    pub(super) fn push_line(&mut self, line: &Line) {
        if self.closed {
            return;
        }
        self.lines.reserve(line.as_str().len() + 1);
        self.lines.extend_from_slice(line.as_str().as_bytes());
        self.lines.extend_from_slice(b"\n");
    }

    /// Appends encoded lines without copying them.
    pub(super) fn push_encoded(&mut self, encoded: Bytes) {
        self.seal_lines();
        if !encoded.is_empty() && !self.closed {
            self.chunk_bytes += encoded.len();
            self.chunks.push_back(encoded);
        }
    }

    /// Writes once. A write error closes the buffer: the peer receives nothing more, but what it has sent may still be
    /// read, and reading reports the error.
    pub(super) fn poll_write(
        &mut self,
        io: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<WriteProgress> {
        self.seal_lines();
        if self.chunks.is_empty() {
            // A stream that is closed has nothing to flush, and an error of the flush is found by reading, as above.
            return if self.closed { Poll::Ready(WriteProgress::Done) } else { Self::poll_flush(io, cx) };
        }
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let count = self.chunks.len().min(MAX_SLICES);
        for (slice, chunk) in slices.iter_mut().zip(&self.chunks) {
            *slice = IoSlice::new(chunk);
        }
        match ready!(Pin::new(io).poll_write_vectored(cx, &slices[..count])) {
            Ok(written) if written > 0 => {
                self.consume(written);
                Poll::Ready(WriteProgress::Some)
            }
            Ok(_) | Err(_) => {
                self.close();
                Poll::Ready(WriteProgress::Some)
            }
        }
    }

    fn poll_flush(io: &mut (impl AsyncWrite + Unpin), cx: &mut Context<'_>) -> Poll<WriteProgress> {
        Pin::new(io).poll_flush(cx).map(|_: io::Result<()>| WriteProgress::Done)
    }

    fn seal_lines(&mut self) {
        if !self.lines.is_empty() {
            self.chunk_bytes += self.lines.len();
            self.chunks.push_back(self.lines.split().freeze());
        }
    }

    fn consume(&mut self, mut written: usize) {
        self.chunk_bytes -= written;
        while let Some(front) = self.chunks.front_mut() {
            if written < front.len() {
                front.advance(written);
                break;
            }
            written -= front.len();
            self.chunks.pop_front();
        }
    }

    fn close(&mut self) {
        self.closed = true;
        self.chunks.clear();
        self.chunk_bytes = 0;
    }
}
