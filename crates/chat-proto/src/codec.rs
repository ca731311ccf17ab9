//! Bytes to lines and back, for `tokio_util::codec`. It bounds the length and knows no meanings.

use bytes::{Buf, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::{EXTENSION_MARK, Line};

/// The longest plain line that a server takes, in bytes without the line feed: four times what fits
/// on a screen, and small enough that 10,000 silent connections cannot fill the memory.
pub const MAX_INPUT_LINE: usize = 8 * 1024;

/// The longest extension line that a server takes: the longest text with every character escaped,
/// and the id around it.
pub const MAX_INPUT_EXTENSION: usize = 40 * 1024;

/// The longest line that a client takes from a server. Public clients die of 64 KiB, so no server
/// sends that much.
pub const MAX_OUTPUT_LINE: usize = 64 * 1024;

/// What the decoder cuts from the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A line that ended in a line feed.
    Line(Line),
    /// What stood after the last line feed when the stream ended. Whether that counts is for the
    /// dialogue to say: a torn token is nothing, a torn message is text.
    Unfinished(Line),
}

/// Cuts lines at line feeds and refuses to hold more than a stated length.
///
/// A scan that found no line feed goes on where it stopped when more bytes come, so a line that
/// arrives byte by byte costs no more than one that comes whole.
#[derive(Debug, Clone)]
pub struct LineCodec {
    plain_limit: usize,
    extension_limit: usize,
    /// How much of the buffer is known to hold no line feed.
    scanned: usize,
}

/// Why the stream cannot be cut into lines any further.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// A line went over its limit; the rest of the stream is not read.
    #[error("a line is longer than the limit of {limit} bytes")]
    LineTooLong {
        /// The limit, in bytes without the line feed.
        limit: usize,
    },
    /// The stream failed. The codec itself never fails so; `Framed` needs the variant.
    #[error("the connection failed")]
    Io(#[from] std::io::Error),
}

impl LineCodec {
    /// The limits of a server: [`MAX_INPUT_LINE`] and [`MAX_INPUT_EXTENSION`].
    #[must_use]
    pub const fn for_server() -> Self {
        Self::with_limits(MAX_INPUT_LINE, MAX_INPUT_EXTENSION)
    }

    /// The limit of a client: [`MAX_OUTPUT_LINE`] for every line.
    #[must_use]
    pub const fn for_client() -> Self {
        Self::with_limits(MAX_OUTPUT_LINE, MAX_OUTPUT_LINE)
    }

    /// Limits in bytes, without the line feed, for plain lines and for extension lines.
    #[must_use]
    pub const fn with_limits(plain: usize, extension: usize) -> Self {
        Self { plain_limit: plain, extension_limit: extension, scanned: 0 }
    }

    fn limit_for(&self, first: Option<&u8>) -> usize {
        if first == Some(&(EXTENSION_MARK as u8)) { self.extension_limit } else { self.plain_limit }
    }
}

impl Decoder for LineCodec {
    type Item = Frame;
    type Error = CodecError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Frame>, CodecError> {
        let limit = self.limit_for(src.first());
        match memchr::memchr(b'\n', &src[self.scanned..]) {
            Some(offset) => {
                let length = self.scanned + offset;
                self.scanned = 0;
                // One byte of grace: a carriage return is not part of the line.
                if length > limit + 1 {
                    return Err(CodecError::LineTooLong { limit });
                }
                let line = src.split_to(length).freeze();
                src.advance(1);
                Ok(Some(Frame::Line(Line::from_bytes(line))))
            }
            None if src.len() > limit + 1 => Err(CodecError::LineTooLong { limit }),
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(codec: &mut LineCodec, buffer: &mut BytesMut) -> Vec<String> {
        let mut found = Vec::new();
        while let Some(frame) = codec.decode(buffer).unwrap() {
            let Frame::Line(line) = frame else { panic!("unfinished before the end") };
            found.push(line.as_str().to_owned());
        }
        found
    }

    #[test]
    fn a_line_over_the_limit_is_refused_with_and_without_its_end() {
        for tail in ["", "\n"] {
            let mut buffer = BytesMut::from(format!("{}{tail}", "x".repeat(12)).as_bytes());
            let error = LineCodec::with_limits(10, 99).decode(&mut buffer).unwrap_err();
            assert!(matches!(error, CodecError::LineTooLong { limit: 10 }));
        }
    }

    #[test]
    fn extension_lines_have_a_limit_of_their_own() {
        let mut buffer = BytesMut::from(format!("\u{1}{}\n", "x".repeat(50)).as_bytes());
        assert!(LineCodec::with_limits(10, 99).decode(&mut buffer).unwrap().is_some());
    }

    #[test]
    fn the_end_hands_out_what_has_no_line_feed() {
        let mut codec = LineCodec::for_server();
        let mut buffer = BytesMut::from(&b"one\ntwo"[..]);
        assert_eq!(codec.decode_eof(&mut buffer).unwrap(), Some(Frame::Line("one".into())));
        assert_eq!(codec.decode_eof(&mut buffer).unwrap(), Some(Frame::Unfinished("two".into())));
        assert_eq!(codec.decode_eof(&mut buffer).unwrap(), None);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_lines(
            texts in prop::collection::vec("[^\n\r]{0,20}", 0..8),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let stream: Vec<u8> = texts.iter().flat_map(|t| format!("{t}\n").into_bytes()).collect();
            let mut cuts: Vec<usize> = cuts.iter().map(|i| i.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let (mut codec, mut buffer, mut found) = (LineCodec::for_server(), BytesMut::new(), Vec::new());
            for piece in cuts.windows(2) {
                buffer.extend_from_slice(&stream[piece[0]..piece[1]]);
                found.extend(lines(&mut codec, &mut buffer));
            }
            prop_assert_eq!(found, texts);
        }

        #[test]
        fn no_bytes_make_it_panic_or_hold_more_than_the_limit(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20),
        ) {
            let (mut codec, mut buffer) = (LineCodec::with_limits(16, 32), BytesMut::new());
            'stream: for piece in pieces {
                buffer.extend_from_slice(&piece);
                loop {
                    match codec.decode(&mut buffer) {
                        Ok(Some(_)) => {}
                        Ok(None) => break,
                        Err(_) => break 'stream,
                    }
                }
                prop_assert!(buffer.len() <= 33);
            }
        }
    }
}
