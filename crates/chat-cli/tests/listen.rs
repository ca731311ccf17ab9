//! `chat listen` and `chat history` against a real server, as scripts use them.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::{Read as _, Write as _};
use std::process::Stdio;

use support::*;

/// Posts each text as one message of Bob.
fn post(room: &Room, home: &Home, texts: &[&str]) {
    for text in texts {
        let output = run(home.chat_in(room, ["send", "-u", "Bob", "-m", text]));
        assert_eq!(code(&output), 0, "{}", err(&output));
    }
}

#[test]
fn last_messages_come_first_until_count() {
    let (room, home) = (Room::start(), Home::new());
    post(&room, &home, &["one", "two\nlines", "three"]);
    let output = run(home.chat_in(&room, ["listen", "--last", "2", "--count", "2", "--json"]));
    assert_eq!(code(&output), 0, "{}", err(&output));
    let messages = objects(&out(&output));
    let texts: Vec<&str> = messages.iter().map(|message| message["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["two\nlines", "three"]);
    assert_eq!((&messages[1]["type"], messages[1]["seq"].as_u64()), (&"message".into(), Some(3)));
    let plain = run(home.chat_in(&room, ["listen", "--last", "2", "--count", "2"]));
    assert!(out(&plain).lines().next().unwrap().ends_with(" Bob: two lines"), "{}", out(&plain));
}

#[test]
fn since_starts_at_a_time() {
    let (room, home) = (Room::start(), Home::new());
    post(&room, &home, &["one"]);
    let output = run(home.chat_in(&room, ["listen", "--since", "1h", "--count", "1"]));
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(out(&output).ends_with(" Bob: one\n"));
}

#[test]
fn cursor_resumes_where_it_stopped() {
    let (room, home) = (Room::start(), Home::new());
    // The first run has no position: it starts with the next message, and stores its position.
    let mut first = Running::start(home.chat_in(&room, ["listen", "--cursor", "place", "--count", "1", "--json"]));
    first.wait_for_talk("online");
    post(&room, &home, &["one"]);
    assert!(first.line().contains("\"one\""));
    assert_eq!(first.code(), 0);
    post(&room, &home, &["two", "three"]);
    for wanted in ["two", "three"] {
        let output = run(home.chat_in(&room, ["listen", "--cursor", "place", "--count", "1"]));
        assert_eq!(out(&output).trim_end().rsplit(": ").next().unwrap(), wanted, "{}", err(&output));
    }
}

/// A run without a message stores its position nevertheless.
#[test]
fn misses_nothing_after_a_quiet_run() {
    for keep in [["--cursor", "place"], ["--history-path", "talk.txt"]] {
        let (room, home) = (Room::start(), Home::new());
        let quiet = ["listen", keep[0], keep[1], "--idle-timeout", "300ms"];
        assert_eq!(code(&run(home.chat_in(&room, quiet))), 7);
        post(&room, &home, &["one"]);
        let next = run(home.chat_in(&room, ["listen", keep[0], keep[1], "--count", "1"]));
        assert!(out(&next).ends_with(" Bob: one\n"), "{keep:?}: {}", err(&next));
    }
}

#[test]
fn closed_reader_is_a_silent_success() {
    let (room, home) = (Room::start(), Home::new());
    post(&room, &home, &["one", "two", "three"]);
    let mut listening = Running::start(home.chat_in(&room, ["listen", "--last", "1"]));
    assert!(listening.line().ends_with(" Bob: three"));
    let Running { mut child, lines, .. } = listening;
    // Without waiting for another message to print.
    drop(lines);
    let status = child.wait().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
}

#[test]
fn each_end_has_its_exit_code() {
    let (room, home) = (Room::start(), Home::new());
    for (words, exit) in [
        (vec!["listen", "--timeout", "50ms"], 0),
        (vec!["listen", "--timeout", "50ms", "--count", "1"], 6),
        (vec!["listen", "--idle-timeout", "50ms"], 7),
        (vec!["listen", "--timeout", "9999999999999999999"], 2),
    ] {
        assert_eq!(code(&run(home.chat_in(&room, words.clone()))), exit, "{words:?}");
    }
    for signal in ["-INT", "-TERM"] {
        let mut listening = Running::start(home.chat_in(&room, ["listen", "--json"]));
        listening.wait_for_talk("online");
        listening.signal(signal);
        assert_eq!(listening.code(), 130);
    }
}

#[test]
fn unreachable_server_is_reported() {
    let home = Home::new();
    let (port, _guard) = dead_port();
    let port = port.to_string();
    let output = run(home.chat(["listen", "-p", &port, "--no-retry"]));
    assert_eq!(code(&output), 4);
    assert!(err(&output).contains(&port), "{}", err(&output));
    let output = run(home.chat(["listen", "-p", &port, "--retry-max-time", "10ms", "--json"]));
    assert_eq!(code(&output), 4);
    assert!(objects(&err(&output)).iter().any(|object| object["type"] == "state"));
}

#[test]
fn history_has_each_message_once() {
    let (room, home) = (Room::start(), Home::new());
    let words = ["listen", "--history-path", "talk.txt", "--count", "2", "--json"];
    let mut first = Running::start(home.chat_in(&room, words));
    first.wait_for_talk("online");
    post(&room, &home, &["one", "two"]);
    first.line();
    first.line();
    assert_eq!(first.code(), 0);
    post(&room, &home, &["three\nlines", "four"]);
    assert_eq!(code(&run(home.chat_in(&room, words))), 0);
    let history = read(&home.path("talk.txt"));
    let bodies: Vec<&str> = history.lines().map(|line| line.rsplit(": ").next().unwrap()).collect();
    assert_eq!(bodies, ["one", "two", "three␊lines", "four"]);
    assert!(history.lines().all(|line| line.starts_with('[') && line[15..].starts_with("] ")), "{history}");

    let shown = run(home.chat(["history", "--history-path", "talk.txt", "--last", "2", "--json"]));
    let messages = objects(&out(&shown));
    assert_eq!(messages[0]["text"], "three\nlines");
    let found = run(home.chat(["history", "--history-path", "talk.txt", "--grep", ": t[wh]"]));
    assert_eq!(out(&found).lines().count(), 2, "{}", out(&found));
    let none = run(home.chat(["history", "--history-path", "talk.txt", "--until", "2001-01-01"]));
    assert_eq!((code(&none), out(&none)), (0, String::new()));
}

#[test]
fn follows_a_growing_history() {
    let home = Home::new();
    std::fs::write(home.path("talk.txt"), "[14.01.23 17:07] Vlad: old\n").unwrap();
    let mut following = Running::start(home.chat(["history", "--history-path", "talk.txt", "--follow"]));
    assert_eq!(following.line(), "[14.01.23 17:07] Vlad: old");
    let mut file = std::fs::OpenOptions::new().append(true).open(home.path("talk.txt")).unwrap();
    file.write_all(b"[14.01.23 17:08] Vlad: new\n").unwrap();
    assert_eq!(following.line(), "[14.01.23 17:08] Vlad: new");
    following.signal("-INT");
    assert_eq!(following.code(), 130);
}

#[test]
fn second_listener_names_the_lock_holder() {
    let (room, home) = (Room::start(), Home::new());
    let mut first = Running::start(home.chat_in(&room, ["listen", "--history-path", "talk.txt", "--json"]));
    first.wait_for_talk("online");
    let second = run(home.chat_in(&room, ["listen", "--history-path", "talk.txt"]));
    assert_eq!(code(&second), 1);
    assert!(err(&second).contains(&first.child.id().to_string()), "{}", err(&second));
    first.signal("-INT");
    first.code();
}

#[test]
fn ping_reports_results_and_problems() {
    let (room, home) = (Room::start(), Home::new());
    let fine = run(home.chat_in(&room, ["ping"]));
    assert_eq!(code(&fine), 0, "{}", err(&fine));
    assert!(out(&fine).contains("greets") && out(&fine).contains("numbers its messages"), "{}", out(&fine));
    run(home.chat_in(&room, ["register", "-u", "Bob"]));
    let known = run(home.chat_in(&room, ["ping", "-u", "Bob"]));
    assert!(out(&known).contains("round trip"), "{} {}", out(&known), err(&known));
    // Exchanged ports.
    let (listen, write) = (room.listen.port().to_string(), room.write.port().to_string());
    let exchanged = run(home.chat(["ping", "--listen-port", &write, "--write-port", &listen]));
    assert_eq!(code(&exchanged), 4, "{}", err(&exchanged));
    assert!(
        err(&exchanged).contains("it may be a listen port, a port for TLS, which needs --tls"),
        "{}",
        err(&exchanged)
    );
    let both = run(home.chat_in(&room, ["ping", "-u", "Bob", "--json"]));
    let answers = objects(&out(&both));
    assert_eq!((&answers[0]["numbered"], answers[1]["nick"].is_string()), (&true.into(), true));
    let token = read(&home.data("creds.jsonstream"));
    let token: serde_json::Value = serde_json::from_str(token.lines().next().unwrap()).unwrap();
    let token = token["account_hash"].as_str().unwrap();
    let from_input = run_with_input(home.chat_in(&room, ["ping", "--token-file", "-"]), token.as_bytes());
    assert_eq!(code(&from_input), 0, "{}", err(&from_input));
    let (port, _guard) = dead_port();
    let gone = run(home.chat(["ping", "--port", &port.to_string(), "--listen-port", &listen]));
    assert_eq!(code(&gone), 4);
    assert!(err(&gone).contains(&port.to_string()), "{}", err(&gone));
}

#[test]
fn prints_completions_and_manual() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(home.chat(["completions", shell]));
        assert_eq!(code(&output), 0);
        assert!(out(&output).contains("history-path"), "{shell}");
    }
    assert!(out(&run(home.chat(["man"]))).contains(".TH CHAT 1"));
    assert!(out(&run(home.chat(["man", "send"]))).contains("confirm"));
    assert_eq!(code(&run(home.chat(["man", "nothing"]))), 2);
}

#[test]
fn help_into_a_closed_pipe_succeeds() {
    let home = Home::new();
    let mut command = home.chat(["--help"]);
    let mut child = command.stdin(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
