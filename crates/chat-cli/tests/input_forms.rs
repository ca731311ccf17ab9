//! The forms of input of `chat send`, and what it checks without sending.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use support::*;

#[test]
fn a_text_needs_no_option() {
    let (room, home) = (Room::start(), Home::new());
    let mut ear = room.ear();
    assert_eq!(code(&run(home.chat_in(&room, ["send", "-u", "Bob", "hello there"]))), 0);
    assert_eq!(ear.message().1, "hello there");
    let words = run(home.chat_in(&room, ["send", "-u", "Bob", "hello", "there"]));
    assert_eq!(code(&words), 2);
    assert!(err(&words).contains("quote"), "{}", err(&words));
    assert_eq!(code(&run(home.chat_in(&room, ["send", "hi", "-m", "hi"]))), 2);
}

#[test]
fn whole_input_is_one_message() {
    let (room, home) = (Room::start(), Home::new());
    let mut ear = room.ear();
    let output = run_with_input(home.chat_in(&room, ["send", "-u", "Bob", "--whole", "--json"]), b"one\n\n  two\n");
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(objects(&out(&output)).len(), 1);
    assert_eq!(ear.message().1, "one\n\n  two");
    for (input, reason) in [(&b"\n"[..], "blank"), (&[b'x'; 20_000], "too_long"), (b"caf\xe9", "not_utf8")] {
        let output = run_with_input(home.chat_in(&room, ["send", "-u", "Bob", "--whole", "--json"]), input);
        assert_eq!((code(&output), &objects(&out(&output))[0]["code"]), (3, &reason.into()), "{}", err(&output));
    }
}

#[test]
fn nul_ends_a_message() {
    let (room, home) = (Room::start(), Home::new());
    let mut ear = room.ear();
    let output = run_with_input(home.chat_in(&room, ["send", "-u", "Bob", "-0", "--json"]), b"one\nmore\0\0two\0");
    assert_eq!(code(&output), 0, "{}", err(&output));
    let lines: Vec<u64> = objects(&out(&output)).iter().map(|object| object["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [1, 3]);
    assert_eq!([ear.message().1, ear.message().1], ["one\nmore", "two"]);
}

/// A script repeats its input after a failure: what the server has is confirmed again, and is not there twice.
#[test]
fn objects_with_ids_can_be_repeated() {
    let (room, home) = (Room::start(), Home::new());
    let input = "{\"text\":\"two\\nlines\",\"id\":\"job-1\"}\nnonsense\n{\"text\":\"b\"}\n";
    let words = ["send", "-u", "Bob", "--json-input", "--json"];
    for _ in 0..2 {
        let output = run_with_input(home.chat_in(&room, words), input.as_bytes());
        assert_eq!(code(&output), 3, "{}", err(&output));
        let receipts = objects(&out(&output));
        let of = |line: u64| receipts.iter().find(|receipt| receipt["line"] == line).unwrap();
        assert_eq!((&of(1)["id"], of(1)["seq"].as_u64()), (&"job-1".into(), Some(1)));
        assert_eq!((&of(2)["state"], &of(2)["code"]), (&"refused".into(), &"malformed".into()));
    }
    let output = run(home.chat_in(&room, ["listen", "--last", "9", "--count", "3", "--json"]));
    let texts: Vec<String> = objects(&out(&output)).iter().map(|o| o["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(texts, ["two\nlines", "b", "b"]);
}

#[test]
fn dry_run_sends_nothing() {
    let (room, home) = (Room::start(), Home::new());
    let words = ["send", "-u", "Bob", "--dry-run", "--json"];
    let output = run_with_input(home.chat_in(&room, words), b"one\ntwo\n");
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(objects(&out(&output)).iter().all(|o| o["state"] == "never_sent" && o["code"] == "dry_run"));
    assert!(err(&output).contains("2 messages would be sent to") && err(&output).contains("new account \"Bob\""));
    assert!(!home.data("creds.jsonstream").exists());
    let output = run_with_input(home.chat_in(&room, words), b"caf\xe9\n");
    assert_eq!(code(&output), 3, "{}", err(&output));
    let output = run(home.chat_in(&room, ["send", "-u", "Bob", "--dry-run", "--no-register", "hi"]));
    assert_eq!(code(&output), 2, "{}", err(&output));
    assert_eq!(code(&run(home.chat_in(&room, ["send", "--dry-run", "hi"]))), 2);
}

#[test]
fn forms_exclude_each_other_and_a_text() {
    let (room, home) = (Room::start(), Home::new());
    for words in [["-0", "--whole", "-u"], ["--json-input", "-0", "-u"], ["--whole", "hi", "-u"]] {
        let output = run(home.chat_in(&room, ["send"].into_iter().chain(words).chain(["Bob"])));
        assert_eq!(code(&output), 2, "{words:?}: {}", err(&output));
    }
}

#[test]
fn whoami_asks_the_server() {
    let (room, home) = (Room::start(), Home::new());
    assert_eq!(code(&run(home.chat_in(&room, ["whoami"]))), 2, "there is no account");
    let nickname = out(&run(home.chat_in(&room, ["register", "-u", "Bob"])));
    let output = run(home.chat_in(&room, ["whoami"]));
    assert_eq!((code(&output), out(&output), err(&output)), (0, nickname.clone(), String::new()));
    let output = run(home.chat_in(&room, ["whoami", "-u", "Bob", "--json"]));
    let account = &objects(&out(&output))[0];
    assert_eq!((&account["type"], account["nick"].as_str()), (&"account".into(), Some(nickname.trim_end())));
    assert_eq!(code(&run(home.chat_in(&room, ["whoami", "-u", "Ann"]))), 2);
    let mut command = home.chat_in(&room, ["whoami"]);
    command.env("CHAT_TOKEN", "00000000-0000-4000-8000-000000000000");
    assert_eq!(code(&run(command)), 3);
}

/// The operator has given the account a new token.
#[test]
fn a_new_token_replaces_the_old_one() {
    let (room, home) = (Room::start(), Home::new());
    assert_eq!(code(&run(home.chat_in(&room, ["register", "-u", "Bob"]))), 0);
    let file = home.data("creds.jsonstream");
    let saved = std::fs::read_to_string(&file).unwrap();
    let record: serde_json::Value = serde_json::from_str(saved.trim()).unwrap();
    let (nickname, token) = (record["nickname"].as_str().unwrap(), record["account_hash"].as_str().unwrap());
    let old = "9a08f44c-c541-41eb-8c47-0242ac110002";
    // What is saved is of no use; the name that was asked for is kept.
    std::fs::write(&file, saved.replace(token, old)).unwrap();
    assert_eq!(code(&run(home.chat_in(&room, ["whoami"]))), 3);
    let add = || home.chat_in(&room, ["accounts", "add", "--token-file", "-"]);
    let output = run_with_input(add(), token.as_bytes());
    assert_eq!((code(&output), out(&output)), (0, format!("{nickname}\n")), "{}", err(&output));
    let now = std::fs::read_to_string(&file).unwrap();
    assert!(now.contains(token) && !now.contains(old) && now.lines().count() == 1, "{now}");
    assert_eq!(code(&run(home.chat_in(&room, ["send", "-u", "Bob", "--no-register", "-m", "x"]))), 0);
    // One that the server does not know changes nothing.
    assert_eq!(code(&run_with_input(add(), old.as_bytes())), 3);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), now);
    for words in [&["accounts", "add"][..], &["accounts", "add", "--token-file", "/missing"]] {
        assert!(matches!(code(&run(home.chat_in(&room, words.iter().copied()))), 1 | 2), "{words:?}");
    }
}
