//! Input that is not UTF-8, and control characters in files.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use support::*;

#[test]
fn line_that_is_not_utf8_is_refused() {
    let (room, home) = (Room::start(), Home::new());
    let mut ear = room.ear();
    let output = run_with_input(home.chat_in(&room, ["send", "-u", "Bob", "--json"]), b"one\ncaf\xe9\nthree\n");
    assert_eq!(code(&output), 3, "{}", err(&output));
    let receipts = objects(&out(&output));
    let refused = receipts.iter().find(|receipt| receipt["line"] == 2).unwrap();
    assert_eq!((refused["state"].as_str(), refused["code"].as_str()), (Some("refused"), Some("not_utf8")));
    assert_eq!([ear.message().1, ear.message().1], ["one", "three"]);

    let output = run_with_input(home.chat_in(&room, ["send", "-u", "Bob", "--lossy"]), b"caf\xe9\n");
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(ear.message().1, "caf\u{fffd}");
}

#[test]
fn utf16_is_recognised_and_named() {
    let (room, home) = (Room::start(), Home::new());
    for input in [&b"\xff\xfeh\0i\0\n\0"[..], b"\xfe\xff\0h\0i\0\n"] {
        let output = run_with_input(home.chat_in(&room, ["send", "-u", "Bob"]), input);
        assert_eq!(code(&output), 3, "{}", err(&output));
        assert!(err(&output).contains("UTF-16"), "{}", err(&output));
    }
}

/// Encodes a text with code units of `width` bytes.
fn wide(text: &str, width: usize, big_endian: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    for unit in text.encode_utf16() {
        let value = u32::from(unit).to_be_bytes();
        let unit = &value[4 - width..];
        if big_endian { bytes.extend(unit) } else { bytes.extend(unit.iter().rev()) }
    }
    bytes
}

#[test]
fn wide_text_without_a_mark_is_refused_whole() {
    let (room, home) = (Room::start(), Home::new());
    let mut ear = room.ear();
    assert_eq!(code(&run(home.chat_in(&room, ["register", "-u", "Bob"]))), 0);
    for text in ["hello\nworld\n", "привет\nмир\n", "привет", "да", "日本\n語\n", "\u{feff}hi\nthere\n", "Γειά\n"]
    {
        for (width, big_endian) in [(2, false), (2, true), (4, false), (4, true)] {
            let input = wide(text, width, big_endian);
            let output = run_with_input(home.chat_in(&room, ["send", "-u", "Bob", "--json"]), &input);
            let case = format!("{text:?}, {width} bytes, {big_endian}: {}{}", out(&output), err(&output));
            assert_eq!(code(&output), 3, "{case}");
            let receipts = objects(&out(&output));
            assert!(receipts.iter().all(|r| r["state"] == "refused" && r["code"] == "not_utf8"), "{case}");
        }
    }
    // Only what follows is in the room.
    assert_eq!(code(&run_with_input(home.chat_in(&room, ["send", "-u", "Bob"]), b"\x1b[31mred\x1b[0m\n")), 0);
    assert_eq!(ear.message().1, "[31mred[0m");
}

#[test]
fn line_with_a_nul_is_refused() {
    let (room, home) = (Room::start(), Home::new());
    let mut ear = room.ear();
    let output = run_with_input(home.chat_in(&room, ["send", "-u", "Bob", "--json"]), b"one\na\0b\nthree\n");
    assert_eq!(code(&output), 3, "{}", err(&output));
    let receipts = objects(&out(&output));
    let refused: Vec<_> = receipts.iter().filter(|receipt| receipt["state"] == "refused").collect();
    assert_eq!((refused.len(), &refused[0]["line"], &refused[0]["code"]), (1, &2.into(), &"not_utf8".into()));
    assert_eq!([ear.message().1, ear.message().1], ["one", "three"]);
    let output = run_with_input(home.chat_in(&room, ["send", "-u", "Bob", "--lossy"]), b"one\na\0b\n");
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!([ear.message().1, ear.message().1], ["one", "a\u{fffd}b"]);
}

#[test]
fn byte_order_mark_is_dropped() {
    let (room, home) = (Room::start(), Home::new());
    let mut ear = room.ear();
    assert_eq!(code(&run(home.chat_in(&room, ["register", "-u", "Bob"]))), 0);
    let kept: serde_json::Value = serde_json::from_str(&read(&home.data("creds.jsonstream"))).unwrap();
    std::fs::write(home.path("token"), format!("\u{feff}{}\n", kept["account_hash"].as_str().unwrap())).unwrap();
    std::fs::create_dir(home.path("config")).unwrap();
    std::fs::write(home.path("config/config.toml"), "\u{feff}[profile.default]\nusername = \"Bob\"\n").unwrap();
    let command = home.chat_in(&room, ["send", "--token-file", "token"]);
    let output = run_with_input(command, "\u{feff}one\n\u{feff}two\n".as_bytes());
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!([ear.message().1, ear.message().1], ["one", "\u{feff}two"]);

    std::fs::write(home.path("h.txt"), "\u{feff}[14.01.23 17:07] Vlad: hello\n").unwrap();
    let output = run(home.chat(["history", "--history-path", "h.txt", "--json"]));
    assert_eq!(objects(&out(&output))[0]["nick"], "Vlad");
}

#[test]
fn history_passes_no_control_character_on() {
    let home = Home::new();
    std::fs::write(home.path("h.txt"), "[14.01.23 17:07] Vl\u{1b}ad: bell\u{7} \u{9b}31m\ttab\n").unwrap();
    for words in [&["history"][..], &["history", "--raw"], &["history", "--json"]] {
        let output = run(home.chat([words, &["--history-path", "h.txt"]].concat()));
        let text = out(&output);
        let shown = text.trim_end_matches('\n').replace("\\t", "\t");
        assert!(!shown.contains(|c: char| c.is_control() && c != '\t'), "{text:?}");
        assert!(text.contains('␛') && text.contains('␇') && text.contains("<U+009B>"), "{text:?}");
        assert!(!text.contains("\\u00"), "{text:?}");
    }
}

#[test]
fn bare_stamp_is_no_message() {
    let home = Home::new();
    std::fs::write(home.path("h.txt"), "[14.01.23 17:07] Vlad: hello\n[14.01.23 17:08] \n[14.01.23 17:09] \n").unwrap();
    let output = run(home.chat(["history", "--history-path", "h.txt", "--json"]));
    let shown = objects(&out(&output));
    assert!(shown.len() == 1 && shown[0]["text"] == "hello", "{shown:?}");
    assert_eq!(out(&run(home.chat(["history", "--history-path", "h.txt"]))).lines().count(), 1);
}

#[test]
fn argument_that_is_not_utf8_is_named() {
    use std::os::unix::ffi::OsStrExt as _;
    let home = Home::new();
    for word in ["-m", "-u", "--profile"] {
        let mut command = home.chat(["send", "--json", word]);
        command.arg(std::ffi::OsStr::from_bytes(b"caf\xe9"));
        let output = run(command);
        assert_eq!(code(&output), 2);
        assert!(err(&output).contains("not UTF-8") && !err(&output).contains("control"), "{}", err(&output));
    }
}
