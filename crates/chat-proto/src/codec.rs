//! Bytes to lines and back, for `tokio_util::codec`. It bounds the length and knows no meanings.

use bytes::{Buf, Bytes, BytesMut};
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

/// How much of one over-long line is skipped before it counts as no line at all: no message of any chat has a megabyte,
/// and a peer that never sends a line feed is not listened to for ever.
const MAX_SKIPPED: usize = 16 * 1024 * 1024;

/// What the decoder cuts from the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A line that ended in a line feed.
    Line(Line),
    /// What stood after the last line feed when the stream ended. Whether that counts is for the
    /// dialogue to say: a torn token is nothing, a torn message is text.
    Unfinished(Line),
    /// In the place of a line over its limit, where such lines are skipped.
    TooLong,
}

/// Cuts lines at line feeds and never holds more than a stated length. A longer line is an error, or is
/// [skipped](LineCodec::skipping_long_lines).
///
/// A scan that found no line feed goes on where it stopped when more bytes come, so a line that
/// arrives byte by byte costs no more than one that comes whole.
#[derive(Debug, Clone)]
pub struct LineCodec {
    plain_limit: usize,
    extension_limit: usize,
    /// How much of the buffer is known to hold no line feed.
    scanned: usize,
    skips: bool,
    /// How much of the line that is being skipped has gone by.
    skipped: Option<usize>,
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
        Self { plain_limit: plain, extension_limit: extension, scanned: 0, skips: false, skipped: None }
    }

    /// Changes the limits from the next line on, or for one that has begun.
    pub const fn set_limits(&mut self, plain: usize, extension: usize) {
        self.plain_limit = plain;
        self.extension_limit = extension;
    }

    /// Goes on behind a line that is over its limit, and says [`Frame::TooLong`] in its place. Only a line of many
    /// megabytes is an error then.
    #[must_use]
    pub const fn skipping_long_lines(self) -> Self {
        Self { skips: true, ..self }
    }

    /// Cuts off all the whole lines that are here, line feeds included. `None` where there is none, or where one of them
    /// may be over a limit or is being skipped: then they have to be cut one by one.
    pub fn cut_lines(&mut self, src: &mut BytesMut) -> Option<Bytes> {
        if self.skipped.is_some() {
            return None;
        }
        // What is scanned holds no line feed.
        let end = self.scanned + memchr::memrchr(b'\n', &src[self.scanned..])? + 1;
        if end > self.plain_limit.min(self.extension_limit) {
            return None;
        }
        let lines = src.split_to(end).freeze();
        self.scanned = src.len();
        Some(lines)
    }

    /// Drops what is here of the line that is being skipped.
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

    /// Says that a line is too long, of which so much is here.
    fn too_long(&self, length: usize, src: &mut BytesMut) -> Result<Option<Frame>, CodecError> {
        if !self.skips {
            return Err(CodecError::LineTooLong { limit: self.limit_for(src.first()) });
        }
        src.advance(length);
        Ok(Some(Frame::TooLong))
    }

    fn limit_for(&self, first: Option<&u8>) -> usize {
        if first == Some(&(EXTENSION_MARK as u8)) { self.extension_limit } else { self.plain_limit }
    }
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
                // One byte of grace: a carriage return is not part of the line.
                if length > limit + 1 {
                    return self.too_long(length + 1, src);
                }
                let line = src.split_to(length).freeze();
                src.advance(1);
                Ok(Some(Frame::Line(Line::from_bytes(line))))
            }
            None if src.len() > limit + 1 => {
                self.scanned = 0;
                self.skipped = self.skips.then_some(src.len());
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
    fn where_long_lines_are_skipped_the_next_one_is_whole_and_little_is_held() {
        for piece in [1, 7, 11, 12, 64] {
            let stream = [&b"one\n"[..], &[b'x'; 12], b"\ntwo\n\x01", &[b'y'; 500], b"\nthree\n", &[b'z'; 40]].concat();
            let (mut codec, mut buffer) = (LineCodec::with_limits(10, 10).skipping_long_lines(), BytesMut::new());
            let mut found = Vec::new();
            for bytes in stream.chunks(piece) {
                buffer.extend_from_slice(bytes);
                while let Some(frame) = codec.decode(&mut buffer).unwrap() {
                    found.push(frame);
                }
                assert!(buffer.len() <= 11);
            }
            let line = |text: &str| Frame::Line(text.into());
            let expected = [line("one"), Frame::TooLong, line("two"), Frame::TooLong, line("three"), Frame::TooLong];
            assert_eq!(found, expected, "in pieces of {piece}");
            assert_eq!(codec.decode_eof(&mut buffer).unwrap(), None, "a piece of a long line is no line");
        }
    }

    #[test]
    fn a_line_of_many_megabytes_is_refused_even_where_long_ones_are_skipped() {
        let (mut codec, mut buffer) = (LineCodec::with_limits(10, 10).skipping_long_lines(), BytesMut::new());
        let refused = (0..=MAX_SKIPPED / 65_536 + 1).any(|_| {
            buffer.extend_from_slice(&[b'x'; 65_536]);
            matches!(codec.decode(&mut buffer), Err(CodecError::LineTooLong { limit: MAX_SKIPPED }))
        });
        assert!(refused);
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
            for (number, piece) in cuts.windows(2).enumerate() {
                buffer.extend_from_slice(&stream[piece[0]..piece[1]]);
                if number % 2 == 0
                    && let Some(together) = codec.cut_lines(&mut buffer)
                {
                    let together = std::str::from_utf8(&together).unwrap();
                    found.extend(together.split_terminator('\n').map(str::to_owned));
                }
                found.extend(lines(&mut codec, &mut buffer));
            }
            prop_assert_eq!(found, texts);
        }

        #[test]
        fn lines_are_cut_together_only_where_none_can_be_too_long(lengths in prop::collection::vec(0usize..14, 1..5)) {
            let mut buffer = BytesMut::new();
            for length in &lengths {
                buffer.extend_from_slice(&[b'x'; 14][..*length]);
                buffer.extend_from_slice(b"\n");
            }
            if LineCodec::with_limits(10, 99).cut_lines(&mut buffer).is_some() {
                prop_assert!(buffer.is_empty() && lengths.iter().all(|&length| length <= 10));
            }
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
