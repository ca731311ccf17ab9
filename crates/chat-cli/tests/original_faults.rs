//! Faults of the original program that must not return. (`send.rs` has the wrong token, the token in the log, the
//! ambiguous account and the text with a blank line.)
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use support::*;

#[test]
fn account_file_is_private() {
    let (room, home) = (Room::start(), Home::new());
    let mut command = home.chat_in(&room, ["register", "-u", "Bob"]);
    // A permissive umask must not matter.
    let line = "umask 000; exec \"$@\"";
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", line, "sh"]).arg(command.get_program()).args(command.get_args());
    shell.env_clear().current_dir(home.dir.path());
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap());
    }
    command = shell;
    assert_eq!(code(&command.output().unwrap()), 0);
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home.data("creds.jsonstream")), 0o600);
    assert_eq!(mode(&home.path("data")), 0o700);
    // A looser mode is tightened and reported.
    std::fs::set_permissions(home.data("creds.jsonstream"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = run(home.chat(["accounts"]));
    assert!(err(&output).contains("warning"), "{}", err(&output));
    assert_eq!(mode(&home.data("creds.jsonstream")), 0o600);
}

#[test]
fn creates_a_missing_history_file() {
    let (room, home) = (Room::start(), Home::new());
    let output = run(home.chat_in(&room, ["listen", "--history-path", "new.txt", "--timeout", "10ms"]));
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(home.path("new.txt").exists());
}

/// The end of the stream is a disconnection: the listener waits before it reconnects, each time longer, instead of
/// spinning on empty reads.
#[test]
fn does_not_spin_at_the_end_of_stream() {
    let home = Home::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port().to_string();
    let mut listening = Running::start(home.chat(["listen", "-p", &port, "--json"]));
    let mut talk = BufReader::new(listening.child.stderr.take().unwrap());
    let (stream, _) = server.accept().unwrap();
    drop(stream);
    let mut line = String::new();
    while !line.contains("\"waiting\"") {
        line.clear();
        assert!(talk.read_line(&mut line).unwrap() > 0);
    }
    schema_holds(&line);
    let again = server.accept().unwrap();
    listening.signal("-INT");
    drop(again);
    let mut rest = String::new();
    talk.read_to_string(&mut rest).unwrap();
    assert_eq!(listening.child.wait().unwrap().code(), Some(130));
    assert_eq!(out_of(&mut listening), "", "an end of stream was printed as a message");
}

fn schema_holds(line: &str) {
    assert_eq!(objects(line).len(), 1);
}

fn out_of(running: &mut Running) -> String {
    let mut rest = String::new();
    running.lines.read_to_string(&mut rest).unwrap();
    rest
}

/// A message that was written and not confirmed is neither lost nor forgotten: on a plain server it is reported as
/// unconfirmed, with its line, and unwritten ones as never sent.
#[test]
fn reports_unconfirmed_messages_by_line() {
    let home = Home::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port().to_string();
    std::fs::write(home.path("token"), "some-token").unwrap();
    let script = std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        stream
            .write_all(b"Hello %username%! Enter your personal hash or leave it empty to create new account.\n")
            .unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "some-token");
        stream.write_all(b"{\"nickname\": \"Keen Bob\", \"account_hash\": \"some-token\"}\n").unwrap();
        stream.write_all(b"Welcome to chat! Post your message below. End it with an empty line.\n").unwrap();
        // Accepts two messages, confirms one, and disconnects for good.
        let mut texts = Vec::new();
        while texts.len() < 2 {
            let line = lines.next().unwrap().unwrap();
            if !line.is_empty() {
                texts.push(line);
            }
        }
        stream.write_all(b"Message send. Write more, end message with an empty line.\n").unwrap();
        texts
    });
    let words = ["send", "--port", &port, "--token-file", "token", "--no-retry", "--json"];
    let output = run_with_input(home.chat(words), b"one\ntwo\n");
    assert_eq!(script.join().unwrap(), ["one", "two"]);
    assert_eq!(code(&output), 5, "{}", err(&output));
    let states: Vec<String> = objects(&out(&output)).iter().map(|o| o["state"].as_str().unwrap().to_owned()).collect();
    assert_eq!(states, ["confirmed", "unconfirmed"]);
    assert!(err(&output).contains("unconfirmed: line 2"), "{}", err(&output));
}
