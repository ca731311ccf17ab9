//! Splits bytes into lines, and limits the length of a line.

use bytes::{Buf, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::line::{EXTENSION_MARK, Line};

/// The longest plain line that a server accepts, in bytes without the line feed: four times what fits on a screen, and
/// small enough that 10,000 idle connections cannot fill the memory.
pub const MAX_INPUT_LINE: usize = 8 * 1024;

/// The longest plain line that a server accepts in the chat, in bytes without the line feed: the longest text, and control
/// characters that are removed from it.
pub const MAX_POST_LINE: usize = 20 * 1024;

/// The longest extension line that a server accepts: the longest text with every character escaped, and an id.
pub const MAX_INPUT_EXTENSION: usize = 40 * 1024;

/// The longest line that a client accepts from a server. Lines of 64 KiB end public clients, so no server sends them.
pub const MAX_OUTPUT_LINE: usize = 64 * 1024;

/// How much of one line is skipped before the stream counts as damaged. No chat message has a megabyte, and a peer that
/// never sends a line feed must not be read forever.
const MAX_SKIPPED: usize = 16 * 1024 * 1024;

/// An item that [`LineCodec`] splits off the stream.
///
/// Exhaustive, because a driver must handle every kind of frame: ignoring a new one would be a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A line, which ended with a line feed.
    Line(Line),
    /// The bytes after the last line feed when the stream ended. The state machine decides about them: an unfinished
    /// token is ignored, an unfinished message is text.
    Unfinished(Line),
    /// A line over its limit, from a codec that skips such lines.
    TooLong,
}

/// Splits a stream at line feeds, and buffers at most one line of the permitted length. A longer line is an error, or
/// is [skipped](LineCodec::skipping_long_lines).
///
/// A scan that found no line feed continues where it stopped when more bytes arrive, so a line that arrives byte by byte
/// costs no more than one that arrives whole.
///
/// The traits `Decoder` and `Encoder` are those of `tokio-util` 0.7, although it is not at 1.0, because the runtime of
/// this project uses them. Other drivers can pass lines from anywhere to a [`StateMachine`](crate::StateMachine).
///
/// ```
/// use bytes::BytesMut;
/// use chat_proto::{Frame, LineCodec};
/// use tokio_util::codec::Decoder;
///
/// let mut input = BytesMut::from("one\ntw");
/// let mut codec = LineCodec::for_client();
/// assert_eq!(codec.decode(&mut input)?, Some(Frame::Line("one".into())));
/// assert_eq!(codec.decode(&mut input)?, None);
/// assert_eq!(codec.decode_eof(&mut input)?, Some(Frame::Unfinished("tw".into())));
/// # Ok::<(), chat_proto::CodecError>(())
/// ```
#[derive(Debug, Clone)]
pub struct LineCodec {
    plain_limit: usize,
    extension_limit: usize,
    /// The number of bytes at the start of the buffer that are known to contain no line feed.
    scanned: usize,
    skips: bool,
    skips_plain: bool,
    /// The number of bytes skipped so far of a line over the limit.
    skipped: Option<usize>,
}

/// The reason why the rest of the stream cannot be split into lines.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// A line is over its limit. The rest of the stream is not read.
    #[error("a line is longer than the limit of {limit} bytes")]
    LineTooLong {
        /// The limit, in bytes without the line feed.
        limit: usize,
    },
    /// The stream failed. The codec itself never returns this; `tokio_util::codec::Framed` needs the variant.
    #[error("the connection failed")]
    Io(#[from] std::io::Error),
}

impl LineCodec {
    /// Creates a codec with the limits of a server: [`MAX_INPUT_LINE`] and [`MAX_INPUT_EXTENSION`].
    #[must_use]
    pub const fn for_server() -> Self {
        Self::with_limits(MAX_INPUT_LINE, MAX_INPUT_EXTENSION)
    }

    /// Creates a codec with the limit of a client: [`MAX_OUTPUT_LINE`] for every line.
    #[must_use]
    pub const fn for_client() -> Self {
        Self::with_limits(MAX_OUTPUT_LINE, MAX_OUTPUT_LINE)
    }

    /// Creates a codec with limits in bytes, without the line feed, for plain lines and for extension lines.
    #[must_use]
    pub const fn with_limits(plain: usize, extension: usize) -> Self {
        Self {
            plain_limit: plain,
            extension_limit: extension,
            scanned: 0,
            skips: false,
            skips_plain: false,
            skipped: None,
        }
    }

    /// Changes the limits. They apply to the next line, and to one that has arrived in part.
    pub const fn set_limits(&mut self, plain: usize, extension: usize) {
        self.plain_limit = plain;
        self.extension_limit = extension;
    }

    /// Skips a line that is over its limit, and returns [`Frame::TooLong`] in its place. Only a line of more than 16 MiB
    /// is an error then.
    #[must_use]
    pub const fn skipping_long_lines(self) -> Self {
        Self { skips: true, ..self }
    }

    /// Skips plain lines that are over their limit from now on, and returns [`Frame::TooLong`] in their place. An extension
    /// line over its limit stays an error.
    pub const fn skip_long_plain_lines(&mut self) {
        self.skips_plain = true;
    }

    /// Splits off all whole lines as one block, line feeds included. Returns `None` if there is none, or if one of them
    /// may be over a limit or is being skipped: then they must be split one by one. The block itself has no limit.
    pub fn cut_lines(&mut self, src: &mut BytesMut) -> Option<Bytes> {
        if self.skipped.is_some() {
            return None;
        }
        // The scanned part has no line feed.
        let end = self.scanned + memchr::memrchr(b'\n', &src[self.scanned..])? + 1;
        if !each_line_fits(&src[..end], self.plain_limit.min(self.extension_limit)) {
            return None;
        }
        let lines = src.split_to(end).freeze();
        // `memrchr` found the last line feed, so the rest has none.
        self.scanned = src.len();
        Some(lines)
    }

    /// Drops the bytes of the line that is being skipped.
    fn skip(&mut self, src: &mut BytesMut) -> Result<(), CodecError> {
        let Some(skipped) = self.skipped else { return Ok(()) };
        let end = memchr::memchr(b'\n', src);
        let skipped = skipped + end.unwrap_or(src.len());
        match end {
            Some(feed) => src.advance(feed + 1),
            None => src.clear(),
        }
        self.skipped = end.is_none().then_some(skipped);
        if skipped > MAX_SKIPPED { Err(CodecError::LineTooLong { limit: MAX_SKIPPED }) } else { Ok(()) }
    }

    /// Handles a line that is over its limit, of which `length` bytes are in the buffer.
    fn too_long(&self, length: usize, src: &mut BytesMut) -> Result<Option<Frame>, CodecError> {
        if !self.may_skip(src.first()) {
            return Err(CodecError::LineTooLong { limit: self.limit_for(src.first()) });
        }
        src.advance(length);
        Ok(Some(Frame::TooLong))
    }

    fn may_skip(&self, first: Option<&u8>) -> bool {
        self.skips || self.skips_plain && first != Some(&(EXTENSION_MARK as u8))
    }

    fn limit_for(&self, first: Option<&u8>) -> usize {
        if first == Some(&(EXTENSION_MARK as u8)) { self.extension_limit } else { self.plain_limit }
    }
}

/// Returns whether no line of a block is longer than the limit, in bytes without the line feed. Looks only at the last line
/// feed within each stretch that is as long as a line may be: what is between two of them is no longer.
fn each_line_fits(mut lines: &[u8], limit: usize) -> bool {
    while lines.len() > limit {
        let Some(feed) = memchr::memrchr(b'\n', &lines[..=limit]) else { return false };
        lines = &lines[feed + 1..];
    }
    true
}

impl Decoder for LineCodec {
    type Item = Frame;
    type Error = CodecError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Frame>, CodecError> {
        self.skip(src)?;
        let limit = self.limit_for(src.first());
        match memchr::memchr(b'\n', &src[self.scanned..]) {
            Some(offset) => {
                let length = self.scanned + offset;
                self.scanned = 0;
                // One byte more than the limit: a carriage return is not part of the line.
                if length > limit + 1 {
                    return self.too_long(length + 1, src);
                }
                let line = src.split_to(length).freeze();
                src.advance(1);
                Ok(Some(Frame::Line(Line::from_bytes(line))))
            }
            None if src.len() > limit + 1 => {
                self.scanned = 0;
                self.skipped = self.may_skip(src.first()).then_some(src.len());
                self.too_long(src.len(), src)
            }
            None => {
                self.scanned = src.len();
                Ok(None)
            }
        }
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<Frame>, CodecError> {
        if let Some(frame) = self.decode(src)? {
            return Ok(Some(frame));
        }
        self.scanned = 0;
        if src.is_empty() {
            return Ok(None);
        }
        Ok(Some(Frame::Unfinished(Line::from_bytes(src.split().freeze()))))
    }
}

impl Encoder<Line> for LineCodec {
    type Error = CodecError;

    fn encode(&mut self, line: Line, dst: &mut BytesMut) -> Result<(), CodecError> {
        dst.reserve(line.as_str().len() + 1);
        dst.extend_from_slice(line.as_str().as_bytes());
        dst.extend_from_slice(b"\n");
        Ok(())
    }
}

#[cfg(test)]
mod tests;
