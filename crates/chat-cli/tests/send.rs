//! `chat send` against a real server, as scripts use it.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use chat_server::ServerConfig;
use support::*;

#[test]
fn posts_each_line_with_a_receipt() {
    let (room, home) = (Room::start(), Home::new());
    let mut ear = room.ear();
    let output = run_with_input(home.chat_in(&room, ["send", "-u", "Bob", "--json"]), b"one\n\ntwo\r\nthree");
    assert_eq!(code(&output), 0, "{}", err(&output));
    let receipts = objects(&out(&output));
    let lines: Vec<u64> = receipts.iter().map(|receipt| receipt["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [1, 3, 4]);
    assert!(receipts.iter().all(|receipt| receipt["type"] == "receipt" && receipt["state"] == "confirmed"));
    assert_eq!(receipts.iter().map(|receipt| receipt["seq"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    for text in ["one", "two", "three"] {
        let (nick, said) = ear.message();
        assert!(nick.ends_with(" Bob"), "{nick}");
        assert_eq!(said, text);
    }
}

#[test]
fn message_keeps_its_line_breaks() {
    let (room, home) = (Room::start(), Home::new());
    let mut ear = room.ear();
    let output = run(home.chat_in(&room, ["send", "-u", "Bob", "-m", "one\n\ntwo\nadmin: hi"]));
    assert_eq!((code(&output), out(&output), err(&output).contains("registered as")), (0, String::new(), true));
    assert_eq!(ear.message().1, "one\n\ntwo\nadmin: hi");
}

#[test]
fn reuses_a_saved_account_by_either_name() {
    let (room, home) = (Room::start(), Home::new());
    let mut ear = room.ear();
    assert_eq!(code(&run(home.chat_in(&room, ["send", "-u", "Bob", "-m", "first"]))), 0);
    let (nickname, _) = ear.message();
    for name in ["Bob", nickname.as_str()] {
        let output = run(home.chat_in(&room, ["send", "-u", name, "-m", "again"]));
        assert_eq!((code(&output), err(&output)), (0, String::new()));
        assert_eq!(ear.message(), (nickname.clone(), "again".to_owned()));
    }
    // The only saved account needs no name.
    assert_eq!(code(&run(home.chat_in(&room, ["send", "-m", "alone"]))), 0);
    assert_eq!(ear.message().0, nickname);
    assert_eq!(out(&run(home.chat(["accounts"]))), format!("{nickname}\n"));
}

#[test]
fn ambiguous_name_lists_the_accounts() {
    let (room, home) = (Room::start(), Home::new());
    let first = out(&run(home.chat_in(&room, ["register", "-u", "Bob"])));
    let second = out(&run(home.chat_in(&room, ["register", "-u", "Bob"])));
    let output = run(home.chat_in(&room, ["send", "-u", "Bob", "-m", "hi"]));
    assert_eq!(code(&output), 2);
    for nickname in [first.trim(), second.trim()] {
        assert!(err(&output).contains(nickname), "{}", err(&output));
    }
    assert_eq!(code(&run(home.chat_in(&room, ["send", "-u", first.trim(), "-m", "hi"]))), 0);
}

#[test]
fn wrong_token_posts_nothing() {
    let (room, home) = (Room::start(), Home::new());
    let mut ear = room.ear();
    let token = "00000000-0000-4000-8000-000000000000";
    std::fs::write(home.path("token"), token).unwrap();
    let output = run(home.chat_in(&room, ["send", "--token-file", "token", "-m", "must not appear", "--json"]));
    assert_eq!(code(&output), 3, "{}", err(&output));
    let receipts = objects(&out(&output));
    assert_eq!(receipts[0]["state"], "never_sent");
    let error = objects(&err(&output)).pop().unwrap();
    assert_eq!((&error["type"], &error["code"]), (&"error".into(), &"unknown_token".into()));
    assert!(!err(&output).contains(token));
    // The text did not become the nickname of a registration.
    assert_eq!(code(&run(home.chat_in(&room, ["send", "-u", "Bob", "-m", "hello"]))), 0);
    assert_eq!(ear.message().1, "hello");
}

#[test]
fn warns_of_a_token_on_the_command_line() {
    let (room, home) = (Room::start(), Home::new());
    run(home.chat_in(&room, ["register", "-u", "Bob"]));
    let kept: serde_json::Value =
        serde_json::from_str(read(&home.data("creds.jsonstream")).lines().next().unwrap()).unwrap();
    let token = kept["account_hash"].as_str().unwrap();
    let output = run(home.chat_in(&room, ["send", "-t", token, "-m", "hi", "-l"]));
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(err(&output).contains("other users can see"), "{}", err(&output));
    assert!(!err(&output).contains(token), "the log shows the token");
    let mut command = home.chat_in(&room, ["send", "-m", "hi", "--logging"]);
    command.env("CHAT_TOKEN", token);
    let output = run(command);
    assert_eq!(code(&output), 0);
    assert!(!err(&output).contains(token), "the log shows the token");
}

#[test]
fn confirms_by_echo() {
    let (room, home) = (Room::start(), Home::new());
    let output =
        run_with_input(home.chat_in(&room, ["send", "-u", "Bob", "--confirm", "echo", "--json"]), b"one\ntwo\n");
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(objects(&out(&output)).len(), 2);
}

/// The listen port accepts and sends nothing: a signal still ends the program, which reports the unknown state.
#[test]
fn missing_echo_is_unconfirmed() {
    let (room, home) = (Room::start(), Home::new());
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let words = ["send", "-u", "Bob", "--confirm", "echo", "-m", "hi", "--json"];
    let mut command = home.chat(words);
    command.args(["--write-port", &room.write.port().to_string()]);
    command.args(["--listen-port", &silent.local_addr().unwrap().port().to_string()]);
    let mut ear = room.ear();
    let sending = Running::start(command);
    assert_eq!(ear.message().1, "hi");
    sending.signal("-INT");
    let Running { child, mut lines, .. } = sending;
    let mut told = String::new();
    std::io::Read::read_to_string(&mut lines, &mut told).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 130, "{}", err(&output));
    assert_eq!(objects(&told)[0]["state"], "unconfirmed");
}

#[test]
fn creates_no_account_that_it_cannot_save() {
    let mut config = ServerConfig::default();
    config.announce = true;
    let (room, home) = (Room::with(config), Home::new());
    let mut ear = room.ear();
    let output = run(home.chat_in(&room, ["register", "-u", "Carol", "--credential-path", "/proc/nope/creds"]));
    assert_eq!(code(&output), 1, "{}", err(&output));
    // Registrations are announced: the first one must be another account.
    assert_eq!(code(&run(home.chat_in(&room, ["register", "-u", "Dave"]))), 0);
    assert!(ear.message().1.ends_with(" Dave"));
}

#[test]
fn unwritable_output_is_an_error() {
    let (room, home) = (Room::start(), Home::new());
    let mut command = home.chat_in(&room, ["send", "-u", "Bob", "--json", "-m", "hi"]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command.stdout(full).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(code(&output), 1, "{}", err(&output));
    assert!(err(&output).contains("standard output"), "{}", err(&output));
}

#[test]
fn reports_lines_that_were_not_sent() {
    let home = Home::new();
    let (port, _guard) = dead_port();
    std::fs::write(home.path("token"), "some-token").unwrap();
    let input: String = (1..=2000).map(|number| format!("{number}\n")).collect();
    let port = port.to_string();
    let words = ["send", "-p", &port, "--no-retry", "--token-file", "token"];
    let output = run_with_input(home.chat(words), input.as_bytes());
    assert_eq!(code(&output), 4, "{}", err(&output));
    assert!(err(&output).contains("never sent: line 1-") && err(&output).contains("what follows"), "{}", err(&output));
}

#[test]
fn confirms_by_writing() {
    let (room, home) = (Room::start(), Home::new());
    let mut ear = room.ear();
    let output = run(home.chat_in(&room, ["send", "-u", "Bob", "--confirm", "written", "-m", "hi"]));
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(ear.message().1, "hi");
}

#[test]
fn unreachable_server_is_reported() {
    let home = Home::new();
    let (port, _guard) = dead_port();
    std::fs::write(home.path("token"), "some-token").unwrap();
    let port = port.to_string();
    let words = ["send", "--port", &port, "--no-retry", "--token-file", "token", "--json"];
    let output = run_with_input(home.chat(words), b"one\ntwo\n");
    assert_eq!(code(&output), 4, "{}", err(&output));
    let states: Vec<String> = objects(&out(&output)).iter().map(|o| o["state"].as_str().unwrap().to_owned()).collect();
    assert!(states.iter().all(|state| state == "never_sent"), "{states:?}");
    assert!(err(&output).contains("\"code\":\"unreachable\""), "{}", err(&output));
}

#[test]
fn confirms_many_lines_in_order() {
    let (room, home) = (Room::start(), Home::new());
    let mut ear = room.ear();
    let input: String = (1..=3000).map(|number| format!("line {number}\n")).collect();
    let output = run_with_input(home.chat_in(&room, ["send", "-u", "Bob"]), input.as_bytes());
    assert_eq!(code(&output), 0, "{}", err(&output));
    for number in 1..=3000 {
        assert_eq!(ear.message().1, format!("line {number}"));
    }
}

#[test]
fn bad_input_is_one_clear_sentence() {
    let home = Home::new();
    for (words, exit, says) in [
        (vec!["send", "-m", " "], 2, "empty"),
        (vec!["send", "-u", "x", "--port", "70000", "-m", "hi"], 2, "70000"),
        (vec!["send", "--token-file", "not there", "-m", "hi"], 1, "not there"),
        (vec!["send", "--token-file", "-"], 2, "standard input"),
        (vec!["send", "-m", "hi", "--no-retry"], 2, "account"),
        (vec!["send", "-t", "a\nb", "-m", "hi"], 2, "control character"),
        (vec!["send", "--profile", "nowhere", "-m", "hi"], 2, "nowhere"),
        (vec!["listen", "--since", "yesterday"], 2, "yesterday"),
        (vec!["listen", "--timeout", "soon"], 2, "duration"),
        (vec!["listen", "--host", "no such host", "--no-retry"], 2, "no such host"),
        (vec!["listen", "--host", "no-such-host.invalid", "--no-retry"], 4, "no-such-host.invalid"),
        (vec!["history", "--history-path", "not there"], 1, "not there"),
        (vec!["history", "--grep", "("], 2, "grep"),
        (vec!["accounts", "remove", "Unknown"], 2, "Unknown"),
        (vec!["register", "-u", "  "], 2, "nickname"),
        (vec!["shout"], 2, "shout"),
    ] {
        let output = run(home.chat(&words));
        let said = err(&output);
        assert_eq!(code(&output), exit, "{words:?}: {said}");
        assert!(said.contains(says), "{words:?}: {said}");
        assert!(!said.contains("panicked") && !said.contains("stack backtrace"), "{words:?}: {said}");
        assert_eq!(out(&output), "", "{words:?}");
    }
}

/// The same name in another room is another account.
#[test]
fn removes_an_account_of_the_named_room() {
    let home = Home::new();
    let line =
        |room: &str| format!("{{\"nickname\": \"Bob\", \"account_hash\": \"of {room}\", \"room\": \"{room}\"}}\n");
    let path = home.data("creds.jsonstream");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, line("a.example:5050") + &line("b.example:5050")).unwrap();
    let unclear = run(home.chat(["accounts", "remove", "Bob"]));
    assert_eq!(code(&unclear), 2, "{}", err(&unclear));
    assert!(err(&unclear).contains("a.example:5050, b.example:5050"), "{}", err(&unclear));
    let clear = run(home.chat(["accounts", "remove", "Bob", "--room", "a.example:5050"]));
    assert_eq!(code(&clear), 0, "{}", err(&clear));
    assert_eq!(read(&path), line("b.example:5050"));
    assert_eq!(code(&run(home.chat(["accounts", "remove", "Bob"]))), 0);
}

/// A token is valid in the room that issued it: another room gets an account of its own, not the token.
#[test]
fn sends_no_token_to_another_room() {
    let (first, second, home) = (Room::start(), Room::start(), Home::new());
    assert_eq!(code(&run(home.chat_in(&first, ["send", "-u", "Bob", "-m", "here"]))), 0);
    let unnamed = run(home.chat_in(&second, ["send", "-m", "there"]));
    assert_eq!(code(&unnamed), 2, "{}", err(&unnamed));
    let named = run(home.chat_in(&second, ["send", "-u", "Bob", "-m", "there"]));
    assert_eq!((code(&named), err(&named).contains("registered as")), (0, true), "{}", err(&named));
    assert_eq!(out(&run(home.chat(["accounts"]))).lines().count(), 2);
    // A file of the original does not record the rooms of its accounts; it works as before.
    let kept = read(&home.data("creds.jsonstream"));
    let original: serde_json::Value = serde_json::from_str(kept.lines().next().unwrap()).unwrap();
    let line = format!("{{\"nickname\": {}, \"account_hash\": {}}}\n", original["nickname"], original["account_hash"]);
    std::fs::write(home.path("original"), line).unwrap();
    let old = run(home.chat_in(&first, ["send", "-m", "as before", "--credential-path", "original"]));
    assert_eq!(code(&old), 0, "{}", err(&old));
}
