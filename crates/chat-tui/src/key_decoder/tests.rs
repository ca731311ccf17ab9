//! Tests with the bytes of terminals, whole and split at every place.

use crossterm::event::KeyEvent;
use proptest::prelude::*;

use super::*;

fn decode(bytes: &str) -> Vec<Input> {
    let mut decoder = KeyDecoder::default();
    let mut inputs = decoder.feed(bytes.as_bytes());
    inputs.extend(decoder.expire());
    inputs
}

/// Decodes the same bytes one at a time.
fn decode_slowly(bytes: &str) -> Vec<Input> {
    let mut decoder = KeyDecoder::default();
    let mut inputs: Vec<Input> = bytes.as_bytes().iter().flat_map(|byte| decoder.feed(&[*byte])).collect();
    inputs.extend(decoder.expire());
    inputs
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const ALT: KeyModifiers = KeyModifiers::ALT;
const CONTROL: KeyModifiers = KeyModifiers::CONTROL;
const SHIFT: KeyModifiers = KeyModifiers::SHIFT;

#[test]
fn knows_the_keys_of_terminals() {
    for (bytes, code, modifiers) in [
        ("a", KeyCode::Char('a'), NONE),
        ("Я", KeyCode::Char('Я'), NONE),
        ("\r", KeyCode::Enter, NONE),
        ("\t", KeyCode::Tab, NONE),
        ("\x7f", KeyCode::Backspace, NONE),
        ("\x01", KeyCode::Char('a'), CONTROL),
        ("\x1f", KeyCode::Char('7'), CONTROL),
        ("\x1b", KeyCode::Esc, NONE),
        ("\x1b\r", KeyCode::Enter, ALT),
        ("\x1bb", KeyCode::Char('b'), ALT),
        ("\x1b\x7f", KeyCode::Backspace, ALT),
        ("\x1b[A", KeyCode::Up, NONE),
        ("\x1bOA", KeyCode::Up, NONE),
        ("\x1b[1;5A", KeyCode::Up, CONTROL),
        ("\x1b[1;3D", KeyCode::Left, ALT),
        ("\x1b\x1b[A", KeyCode::Up, ALT),
        ("\x1b\x1bOC", KeyCode::Right, ALT),
        ("\x1bOa", KeyCode::Up, CONTROL),
        ("\x1b[a", KeyCode::Up, SHIFT),
        ("\x1b[7^", KeyCode::Home, CONTROL),
        ("\x1b[5$", KeyCode::PageUp, SHIFT),
        ("\x1b[Z", KeyCode::BackTab, NONE),
        ("\x1bOP", KeyCode::F(1), NONE),
        ("\x1b[11~", KeyCode::F(1), NONE),
        ("\x1b[[A", KeyCode::F(1), NONE),
        ("\x1b[15~", KeyCode::F(5), NONE),
        ("\x1b[24~", KeyCode::F(12), NONE),
        ("\x1b[3;5~", KeyCode::Delete, CONTROL),
        ("\x1b[107;9u", KeyCode::Char('k'), KeyModifiers::SUPER),
        ("\x1b[13;2u", KeyCode::Enter, SHIFT),
        ("\x1b[27;5;106~", KeyCode::Char('j'), CONTROL),
    ] {
        let wanted = vec![key(code, modifiers)];
        assert_eq!(decode(bytes), wanted, "{bytes:?}");
        assert_eq!(decode_slowly(bytes), wanted, "{bytes:?} cut");
    }
}

#[test]
fn drops_unknown_sequences_completely() {
    for bytes in [
        "\x1b]11;rgb:\x1b\\",
        "\x1b]10;rgb:0000/0000/0000\x07",
        "\x1bP1+r544e=787465726d\x1b\\",
        "\x1b_Gi=1;OK\x1b\\",
        "\x1b[24;80R",
        "\x1b[?1007;1$y",
        "\x1b[<0;10;5M",
        "\x1b[<64;10;5m",
        "\x1b[M ab",
        "\x1b[8;24;80t",
        "\x1b[107;1:3u",
        "\x1b[201~",
        "\x1b[57441;5u",
        "\x1bOz",
        "\u{85}",
        "\u{90}1+r544e=78\x1b\\",
        "\x1b[1\x07m",
    ] {
        assert_eq!(decode(bytes), [], "{bytes:?}");
        assert_eq!(decode_slowly(bytes), [], "{bytes:?} cut");
        let followed = decode(&format!("{bytes}x"));
        assert_eq!(followed, [key(KeyCode::Char('x'), NONE)], "{bytes:?} and a letter");
    }
}

#[test]
fn answers_are_reports() {
    let dark = Report::Background(Background::Dark);
    for (bytes, report) in [
        ("\x1b]11;rgb:0000/0000/0000\x1b\\", dark),
        ("\x1b]11;rgb:0000/0000/0000\x07", dark),
        ("\x1b]11;rgb:ffff/ffff/dddd\x07", Report::Background(Background::Light)),
        ("\x1b[?62;22c", Report::Attributes),
        ("\u{9b}?62;22c", Report::Attributes),
        ("\u{9d}11;rgb:0/0/0\u{9c}", dark),
        ("\x1b[2;3R", Report::Column(3)),
    ] {
        assert_eq!(decode(bytes), [Input::Report(report)], "{bytes:?}");
        assert_eq!(decode_slowly(bytes), [Input::Report(report)], "{bytes:?} cut");
    }
}

#[test]
fn lone_escape_waits_for_its_rest() {
    let mut decoder = KeyDecoder::default();
    assert_eq!(decoder.timeout(), None);
    assert_eq!(decoder.feed(b"\x1b"), []);
    let wait = decoder.timeout().unwrap();
    assert!((25..=50).contains(&wait.as_millis()), "{wait:?}");
    assert_eq!(decoder.feed(b"\r"), [key(KeyCode::Enter, ALT)]);
    assert_eq!(decoder.timeout(), None);
    decoder.feed(b"\x1b");
    assert_eq!(decoder.expire(), [key(KeyCode::Esc, NONE)]);
}

#[test]
fn paste_is_one_input() {
    let paste = |text: &str| vec![Input::Paste(text.to_owned())];
    assert_eq!(decode("\x1b[200~one\ntwo\x03\x1b[A\x1b[201~"), paste("one\ntwo\x03\x1b[A"));
    assert_eq!(decode_slowly("\x1b[200~Ж\x1b[20\x1b[201~"), paste("Ж\x1b[20"));
    let mut decoder = KeyDecoder::default();
    assert_eq!(decoder.feed(b"\x1b[200~lost end"), []);
    assert!(decoder.timeout().is_some());
    assert_eq!(decoder.expire(), paste("lost end"));
    assert_eq!(decoder.feed(b"\x03"), [key(KeyCode::Char('c'), CONTROL)], "keys are keys again");
}

#[test]
fn controls_of_one_byte_begin_sequences() {
    for (bytes, wanted) in [
        (&b"\x9bA"[..], vec![key(KeyCode::Up, NONE)]),
        (b"\xc2\x9b1;5A", vec![key(KeyCode::Up, CONTROL)]),
        (b"\x8fP", vec![key(KeyCode::F(1), NONE)]),
        (b"\x9b200~two\r\x1b[201~", vec![Input::Paste("two\r".into())]),
        (b"\x9d0;title\x9cx", vec![key(KeyCode::Char('x'), NONE)]),
        // The second byte of this letter is the one that ends the string above.
        (b"\x1b]l\xd0\x9c\x1b\\x", vec![key(KeyCode::Char('x'), NONE)]),
        (b"\x84x", vec![key(KeyCode::Char('x'), NONE)]),
    ] {
        assert_eq!(KeyDecoder::default().feed(bytes), wanted, "{bytes:?}");
        let mut decoder = KeyDecoder::default();
        let slowly: Vec<Input> = bytes.iter().flat_map(|byte| decoder.feed(&[*byte])).collect();
        assert_eq!(slowly, wanted, "{bytes:?} cut");
    }
    let mut decoder = KeyDecoder::default();
    assert_eq!(decoder.feed(b"\x9b1"), []);
    assert!(decoder.timeout().is_some(), "its rest is not waited for without end");
    assert_eq!(decoder.expire(), []);
    assert_eq!(decoder.feed(b"a"), [key(KeyCode::Char('a'), NONE)]);
}

#[test]
fn a_character_waits_for_its_rest() {
    for (first, rest, modifiers) in [(&b"\xd0"[..], &b"\xb6"[..], NONE), (b"\x1b\xd0", b"\xb6", ALT)] {
        let mut decoder = KeyDecoder::default();
        assert_eq!(decoder.feed(first), []);
        assert_eq!(decoder.timeout(), None, "no time ends it");
        assert_eq!(decoder.feed(rest), [key(KeyCode::Char('ж'), modifiers)]);
    }
    let mut decoder = KeyDecoder::default();
    assert_eq!(decoder.feed(b"\xf0\x9f"), []);
    assert_eq!(decoder.feed(b"\x03"), [key(KeyCode::Char('c'), CONTROL)], "it was none");
}

#[test]
fn a_paste_may_pause() {
    let paste = |text: &str| vec![Input::Paste(text.to_owned())];
    let mut decoder = KeyDecoder::default();
    assert_eq!(decoder.feed("\x1b[200~one\rж".as_bytes()).len() + decoder.feed(b"\xd0").len(), 0);
    assert_eq!(decoder.expire(), paste("one\rж"));
    assert_eq!(decoder.timeout(), None, "half a character is nothing to pass on");
    assert_eq!(decoder.feed(b"\xb6two\r"), []);
    assert_eq!(decoder.expire(), paste("жtwo\r"), "no Enter");
    assert_eq!(
        decoder.feed(b"three\x03\r\x1b[20"),
        [Input::Paste("three".into()), key(KeyCode::Char('c'), CONTROL), key(KeyCode::Enter, NONE)]
    );

    let mut decoder = KeyDecoder::default();
    decoder.feed(b"\x1b[200~one");
    decoder.expire();
    assert_eq!(decoder.feed(b"\rtwo\r\x1b[201~x"), [Input::Paste("\rtwo\r".into()), key(KeyCode::Char('x'), NONE)]);
}

#[test]
fn endless_answer_times_out() {
    let mut decoder = KeyDecoder::default();
    assert_eq!(decoder.feed(b"\x1b]11;rgb:"), []);
    assert!(decoder.timeout().unwrap() > ESCAPE_TIMEOUT);
    assert_eq!(decoder.expire(), []);
    assert_eq!(decoder.feed(b"a"), [key(KeyCode::Char('a'), NONE)]);
    assert_eq!(decode("\x1b[12\x1b[A"), [key(KeyCode::Up, NONE)], "a cut sequence and a key");
}

#[test]
fn reports_the_focus() {
    assert_eq!(decode("\x1b[I\x1b[O"), [Input::Focus(true), Input::Focus(false)]);
}

proptest! {
    /// Any bytes: no panic, no control character as text, and the same result however they are split.
    #[test]
    fn splits_change_nothing(bytes in proptest::collection::vec(prop_oneof![Just(0x1bu8), Just(b'['), Just(b'O'), Just(b']'), Just(b'~'), Just(b';'), any::<u8>()], 0..40), at in 0usize..40) {
        let whole = KeyDecoder::default().feed(&bytes);
        let mut decoder = KeyDecoder::default();
        let at = at.min(bytes.len());
        let mut cut = decoder.feed(&bytes[..at]);
        cut.extend(decoder.feed(&bytes[at..]));
        prop_assert_eq!(&whole, &cut);
        for input in whole {
            if let Input::Key(KeyEvent { code: KeyCode::Char(c), .. }) = input {
                prop_assert!(!c.is_control());
            }
        }
    }
}

#[test]
fn wheel_of_a_reported_mouse_scrolls() {
    for (bytes, down) in [
        ("\x1b[<64;10;5M", false),
        ("\x1b[<65;10;5M", true),
        ("\x1b[<69;1;1M", true),
        ("\x1b[M`!!", false),
        ("\x1b[Ma!!", true),
    ] {
        assert_eq!(decode(bytes), [Input::Wheel { down }], "{bytes:?}");
        assert_eq!(decode_slowly(bytes), [Input::Wheel { down }], "{bytes:?} cut");
    }
}
