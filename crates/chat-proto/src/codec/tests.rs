use bytes::BytesMut;
use proptest::prelude::*;
use tokio_util::codec::Decoder as _;

use super::{CodecError, Frame, LineCodec, MAX_SKIPPED};

fn lines(codec: &mut LineCodec, buffer: &mut BytesMut) -> Vec<String> {
    let mut found = Vec::new();
    while let Some(frame) = codec.decode(buffer).unwrap() {
        let Frame::Line(line) = frame else { panic!("unfinished before the end") };
        found.push(line.as_str().to_owned());
    }
    found
}

#[test]
fn refuses_a_line_over_the_limit() {
    for tail in ["", "\n"] {
        let mut buffer = BytesMut::from(format!("{}{tail}", "x".repeat(12)).as_bytes());
        let error = LineCodec::with_limits(10, 99).decode(&mut buffer).unwrap_err();
        assert!(matches!(error, CodecError::LineTooLong { limit: 10 }));
    }
}

#[test]
fn skips_a_long_line_and_continues() {
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
        assert_eq!(codec.decode_eof(&mut buffer).unwrap(), None, "a part of a long line is not a line");
    }
}

#[test]
fn skips_plain_lines_only_when_told() {
    let mut codec = LineCodec::with_limits(10, 20);
    codec.skip_long_plain_lines();
    let mut buffer = BytesMut::from(&b"xxxxxxxxxxxxxxx\nok\n"[..]);
    assert_eq!(codec.decode(&mut buffer).unwrap(), Some(Frame::TooLong));
    assert_eq!(codec.decode(&mut buffer).unwrap(), Some(Frame::Line("ok".into())));
    buffer.extend_from_slice(&[&b"\x01"[..], &[b'x'; 30]].concat());
    assert!(matches!(codec.decode(&mut buffer), Err(CodecError::LineTooLong { limit: 20 })));
}

#[test]
fn refuses_a_line_of_many_megabytes() {
    let (mut codec, mut buffer) = (LineCodec::with_limits(10, 10).skipping_long_lines(), BytesMut::new());
    let refused = (0..=MAX_SKIPPED / 65_536 + 1).any(|_| {
        buffer.extend_from_slice(&[b'x'; 65_536]);
        matches!(codec.decode(&mut buffer), Err(CodecError::LineTooLong { limit: MAX_SKIPPED }))
    });
    assert!(refused);
}

#[test]
fn extension_lines_have_their_own_limit() {
    let mut buffer = BytesMut::from(format!("\u{1}{}\n", "x".repeat(50)).as_bytes());
    assert!(LineCodec::with_limits(10, 99).decode(&mut buffer).unwrap().is_some());
}

#[test]
fn the_end_returns_an_unfinished_line() {
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
    fn cuts_no_batch_with_a_long_line(lengths in prop::collection::vec(0usize..14, 1..5)) {
        let mut buffer = BytesMut::new();
        for length in &lengths {
            buffer.extend_from_slice(&[b'x'; 14][..*length]);
            buffer.extend_from_slice(b"\n");
        }
        // All together may be longer than one line may be.
        let together = LineCodec::with_limits(10, 99).cut_lines(&mut buffer);
        prop_assert_eq!(together.is_some(), lengths.iter().all(|&length| length <= 10));
        prop_assert_eq!(together.is_some(), buffer.is_empty());
    }

    #[test]
    fn holds_no_more_than_the_limit(
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
