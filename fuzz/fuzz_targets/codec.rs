//! Any bytes in any pieces: the same lines, and never more held than the limit.
#![no_main]

use bytes::BytesMut;
use chat_proto::{Frame, LineCodec};
use libfuzzer_sys::fuzz_target;
use tokio_util::codec::Decoder as _;

fn cut(data: &[u8], piece: usize) -> (Vec<String>, bool) {
    let mut codec = LineCodec::with_limits(64, 128);
    let (mut buffer, mut lines) = (BytesMut::new(), Vec::new());
    for bytes in data.chunks(piece) {
        buffer.extend_from_slice(bytes);
        loop {
            match codec.decode(&mut buffer) {
                Ok(Some(Frame::Line(line))) => lines.push(line.as_str().to_owned()),
                Ok(Some(Frame::Unfinished(_))) => panic!("unfinished before the end"),
                Ok(None) => break,
                Err(_) => return (lines, false),
            }
        }
        assert!(buffer.len() <= 129);
    }
    if let Ok(Some(Frame::Unfinished(line))) = codec.decode_eof(&mut buffer) {
        lines.push(line.as_str().to_owned());
    }
    (lines, true)
}

fuzz_target!(|data: &[u8]| {
    let Some((&piece, data)) = data.split_first() else { return };
    assert_eq!(cut(data, usize::from(piece).max(1)), cut(data, 1));
});
