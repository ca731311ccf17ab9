//! The line codec: any bytes in any pieces give the same lines, and no more than the limit is buffered.
#![no_main]

use bytes::BytesMut;
use chat_proto::{Frame, Line, LineCodec};
use libfuzzer_sys::fuzz_target;
use tokio_util::codec::Decoder as _;

/// Small, so that short inputs reach them often.
const LIMITS: (usize, usize) = (6, 12);

fn decode(data: &[u8], piece: usize) -> (Vec<Line>, bool) {
    let mut codec = LineCodec::with_limits(LIMITS.0, LIMITS.1);
    let (mut buffer, mut lines) = (BytesMut::new(), Vec::new());
    for bytes in data.chunks(piece) {
        buffer.extend_from_slice(bytes);
        loop {
            match codec.decode(&mut buffer) {
                Ok(Some(Frame::Line(line))) => lines.push(line),
                Ok(Some(Frame::Unfinished(_) | Frame::TooLong)) => panic!("unfinished before the end, or skipped"),
                Ok(None) => break,
                Err(_) => return (lines, false),
            }
        }
        assert!(buffer.len() <= LIMITS.1 + 1);
    }
    if let Ok(Some(Frame::Unfinished(line))) = codec.decode_eof(&mut buffer) {
        lines.push(line);
    }
    (lines, true)
}

fuzz_target!(|data: &[u8]| {
    let Some((&piece, data)) = data.split_first() else { return };
    assert_eq!(decode(data, usize::from(piece).max(1)), decode(data, 1));
});
