//! `chat listen --from`, `--grep`, `--format` and `--exec` against a real server.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use support::*;

/// Posts as two users; returns their nicknames.
fn talk(room: &Room, home: &Home) -> [String; 2] {
    for (name, text) in [("Bob", "deploy 1"), ("Ann", "deploy 2"), ("Bob", "lunch?\nnow"), ("Bob", "deploy 3")] {
        let output = run(home.chat_in(room, ["send", "-u", name, "-m", text]));
        assert_eq!(code(&output), 0, "{}", err(&output));
    }
    let accounts = out(&run(home.chat(["accounts"])));
    let of = |name: &str| accounts.lines().find(|line| line.ends_with(name)).unwrap().to_owned();
    [of("Bob"), of("Ann")]
}

#[test]
fn selects_by_sender_and_text() {
    let (room, home) = (Room::start(), Home::new());
    let [bob, ann] = talk(&room, &home);
    let words = ["listen", "--last", "9", "--count", "2", "--from", &bob, "--grep", "^deploy"];
    let output = run(home.chat_in(&room, words));
    assert_eq!((code(&output), out(&output)), (0, format!("{bob}: deploy 1\n{bob}: deploy 3\n")), "{}", err(&output));
    let words = ["listen", "--last", "9", "--count", "1", "--from", &ann, "--history-path", "h.txt"];
    assert_eq!(out(&run(home.chat_in(&room, words))), format!("{ann}: deploy 2\n"));
    // The history has what was received up to there.
    let history: Vec<String> = read(&home.path("h.txt")).lines().map(|line| line[17..].to_owned()).collect();
    assert_eq!(history, [format!("{bob}: deploy 1"), format!("{ann}: deploy 2")]);
    assert_eq!(code(&run(home.chat_in(&room, ["listen", "--grep", "("]))), 2);
}

/// Messages that do not match are passed for the cursor too: a later run does not get them again.
#[test]
fn unmatched_messages_move_the_cursor() {
    let (room, home) = (Room::start(), Home::new());
    let first = run(home.chat_in(&room, ["listen", "--cursor", "c", "--idle-timeout", "300ms"]));
    assert_eq!(code(&first), 7);
    talk(&room, &home);
    let words = ["listen", "--cursor", "c", "--grep", "nothing like it", "--idle-timeout", "1s"];
    assert_eq!(code(&run(home.chat_in(&room, words))), 7);
    let output = run(home.chat_in(&room, ["listen", "--cursor", "c", "--idle-timeout", "300ms"]));
    assert_eq!(out(&output), "");
}

#[test]
fn format_is_a_line_for_each() {
    let (room, home) = (Room::start(), Home::new());
    let [bob, _] = talk(&room, &home);
    let words = ["listen", "--last", "2", "--count", "2", "--format", "{seq}\\t{nick}\\t{text}"];
    let output = run(home.chat_in(&room, words));
    assert_eq!(out(&output), format!("3\t{bob}\tlunch? now\n4\t{bob}\tdeploy 3\n"), "{}", err(&output));
    for words in [vec!["listen", "--format", "{token}"], vec!["listen", "--format", "{nick}", "--json"]] {
        assert_eq!(code(&run(home.chat_in(&room, words))), 2);
    }
}

/// The values are in the environment of the program. No shell sees them, and no secret is among them.
#[test]
fn exec_starts_a_program_for_each() {
    let (room, home) = (Room::start(), Home::new());
    let [bob, _] = talk(&room, &home);
    let evil = run(home.chat_in(&room, ["send", "-u", "Bob", "-m", "$(touch pwned); `touch pwned`"]));
    assert_eq!(code(&evil), 0);
    let script = "printf '%s|%s|%s\\n' \"$CHAT_MESSAGE_SEQ\" \"$CHAT_MESSAGE_NICK\" \"$CHAT_MESSAGE_TEXT\"; env >> env";
    let words = ["listen", "--last", "3", "--count", "3", "--exec", "sh", "-c", script, ";"];
    let mut command = home.chat_in(&room, words);
    command.env("CHAT_TOKEN", "9a08f44c-c541-41eb-8c47-0242ac110002");
    let output = run(command);
    assert_eq!(code(&output), 0, "{}", err(&output));
    let expected = format!("3|{bob}|lunch?\nnow\n4|{bob}|deploy 3\n5|{bob}|$(touch pwned); `touch pwned`\n");
    assert_eq!(out(&output), expected);
    assert!(!home.path("pwned").exists());
    let environment = read(&home.path("env"));
    assert!(environment.contains("CHAT_MESSAGE_AT=20") && !environment.contains("9a08f44c"), "{environment}");
}

#[test]
fn exec_failures_are_reported() {
    let (room, home) = (Room::start(), Home::new());
    talk(&room, &home);
    let words = ["listen", "--last", "2", "--count", "2", "--exec", "false", ";"];
    let output = run(home.chat_in(&room, words));
    assert_eq!((code(&output), err(&output).matches("false exited with 1").count()), (0, 2), "{}", err(&output));
    let words = ["listen", "--last", "1", "--count", "1", "--exec-timeout", "50ms", "--exec", "sleep", "60", ";"];
    let output = run(home.chat_in(&room, words));
    assert!(err(&output).contains("longer than 50 ms and was killed"), "{}", err(&output));
    let words = ["listen", "--last", "1", "--count", "1", "--exec", "./no such program", ";"];
    let output = run(home.chat_in(&room, words));
    assert_eq!(code(&output), 1, "{}", err(&output));
    assert!(err(&output).contains("no such program"), "{}", err(&output));
}

#[test]
fn a_signal_ends_listener_and_program() {
    let (room, home) = (Room::start(), Home::new());
    talk(&room, &home);
    let script = "echo started; exec sleep 600";
    let words = ["listen", "--last", "1", "--exec", "sh", "-c", script, ";"];
    let mut listening = Running::start(home.chat_in(&room, words));
    assert_eq!(listening.line(), "started");
    listening.signal("-TERM");
    assert_eq!(listening.code(), 130);
}
