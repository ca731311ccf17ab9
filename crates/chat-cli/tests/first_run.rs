//! Accounts that a run creates, finds or cannot find.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use support::*;

fn accounts(home: &Home) -> Vec<serde_json::Value> {
    read(&home.data("creds.jsonstream")).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Sixteen processes that all find no account must create one.
#[test]
fn parallel_first_runs_share_one_account() {
    // Several rounds: whether two processes meet is a matter of luck.
    (0..3).for_each(|_| parallel_round());
}

fn parallel_round() {
    let (room, home) = (Room::start(), Home::new());
    let mut ear = room.ear();
    let texts: Vec<String> = (0..16).map(|number| format!("message {number}")).collect();
    let runs: Vec<_> = texts
        .iter()
        .map(|text| home.chat_in(&room, ["send", "-u", "R1", "-m", text.as_str()]).spawn().unwrap())
        .collect();
    for run in runs {
        let output = run.wait_with_output().unwrap();
        assert_eq!(code(&output), 0, "{}", err(&output));
    }
    assert_eq!(accounts(&home).len(), 1, "{}", read(&home.data("creds.jsonstream")));
    let mut heard: Vec<(String, String)> = (0..16).map(|_| ear.message()).collect();
    heard.sort();
    let mut expected = texts;
    expected.sort();
    let nick = heard[0].0.clone();
    assert_eq!(heard, expected.into_iter().map(|text| (nick.clone(), text)).collect::<Vec<_>>());
}

#[test]
fn no_register_refuses_an_unknown_name() {
    let (room, home) = (Room::start(), Home::new());
    let output = run(home.chat_in(&room, ["send", "--no-register", "-u", "Bob", "-m", "hi"]));
    assert_eq!(code(&output), 2, "{}", err(&output));
    assert!(err(&output).contains("Bob") && err(&output).contains("--no-register"), "{}", err(&output));
    assert!(!home.data("creds.jsonstream").exists());
}

#[test]
fn moves_an_account_of_another_room() {
    let (room, other, home) = (Room::start(), Room::start(), Home::new());
    assert_eq!(code(&run(home.chat_in(&room, ["register", "-u", "Bob"]))), 0);
    let output = run(home.chat_in(&other, ["send", "-u", "Bob", "-m", "hi"]));
    assert_eq!(code(&output), 0, "{}", err(&output));
    let from = format!("127.0.0.1:{}", room.write.port());
    assert!(err(&output).contains(&from), "the other room is named: {}", err(&output));

    let output = run(home.chat(["accounts", "--json"]));
    let listed = objects(&out(&output));
    assert_eq!(listed[0]["room"], from.as_str());

    let nick = listed[0]["nick"].as_str().unwrap();
    let output = run(home.chat(["accounts", "move", nick, "--room", &from, "--to", "chat.example:5050"]));
    assert_eq!(code(&output), 0, "{}", err(&output));
    let listed = objects(&out(&run(home.chat(["accounts", "--json"]))));
    let moved = listed.iter().find(|account| account["nick"] == nick).unwrap();
    assert_eq!(moved["room"], "chat.example:5050");
}

/// Accepts and closes without a greeting, as a full server does.
#[test]
fn retries_a_close_before_the_greeting() {
    let home = Home::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let server = std::thread::spawn(move || {
        drop(listener.accept().unwrap());
        let mut stream = listener.accept().unwrap().0;
        stream.write_all(testkit::wire::GREETING.as_bytes()).unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        stream.write_all(testkit::wire::PROMPT.as_bytes()).unwrap();
        lines.read_line(&mut line).unwrap();
        stream.write_all(testkit::wire::account("Keen Bob", None).as_bytes()).unwrap();
        stream.write_all(testkit::wire::WELCOME.as_bytes()).unwrap();
        let _ = lines.read_line(&mut line);
    });
    let output = run(home.chat(["register", "-u", "Bob", "-p", &port]));
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(out(&output), "Keen Bob\n");
    server.join().unwrap();
}

#[test]
fn brackets_around_an_address_are_taken_off() {
    let home = Home::new();
    let Ok(listener) = TcpListener::bind("[::1]:0") else {
        // Without IPv6 the address must at least be understood: the connection fails, the name does not.
        let output = run(home.chat(["ping", "--host", "[::1]", "--no-retry"]));
        assert!(err(&output).contains("could not connect"), "{}", err(&output));
        return;
    };
    let port = listener.local_addr().unwrap().port().to_string();
    let server = std::thread::spawn(move || {
        listener.accept().unwrap().0.write_all(b"Keen Bob: hello\n").unwrap();
    });
    let words = ["listen", "--host", "[::1]", "-p", &port, "--count", "1", "--retry-max-time", "5s"];
    let output = run(home.chat(words));
    assert_eq!((code(&output), out(&output).as_str()), (0, "Keen Bob: hello\n"), "{}", err(&output));
    server.join().unwrap();
}

#[test]
fn host_that_cannot_be_one_is_a_usage_error() {
    let home = Home::new();
    let (long_name, long_label) = (["a"; 130].join("."), "a".repeat(64));
    for (host, says) in [
        ("host:5000", "--port"),
        ("[::1]:5000", "--port"),
        ("", "empty"),
        ("a b", "host"),
        ("[::1", "bracket"),
        ("::1]", "bracket"),
        (".", "dots"),
        ("a..b", "dots"),
        (".a", "dots"),
        ("*", "'*'"),
        ("127.0.0.1;127.0.0.2", "';'"),
        ("127.0.0.1,127.0.0.2:1", "HOST:LISTEN:WRITE"),
        ("127.0.0.1,", "empty"),
        ("localhost\n", "\\n"),
        (&long_name, "too long"),
        (&long_label, "too long"),
    ] {
        let output = run(home.chat(["listen", "--host", host, "--retry-max-time", "3s"]));
        assert_eq!(code(&output), 2, "{host:?}: {}", err(&output));
        assert!(err(&output).contains(says), "{host:?}: {}", err(&output));
        // Before anything else: no warning about the token, no lock, no account.
        for words in [&["send", "-t", "token", "-m", "hi"][..], &["register", "-u", "Bob"], &["ping"]] {
            let output = run(home.chat(words.iter().copied().chain(["--host", host])));
            assert_eq!((code(&output), err(&output).lines().filter(|line| line.contains("host name")).count()), (2, 1));
            assert!(!err(&output).contains("unencrypted"), "{words:?} {host:?}: {}", err(&output));
        }
    }
    assert!(!home.data("").exists());
}

#[cfg(unix)]
#[test]
fn linked_read_only_credentials_are_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let (room, home) = (Room::start(), Home::new());
    assert_eq!(code(&run(home.chat_in(&room, ["register", "-u", "Bob"]))), 0);
    // As a Kubernetes secret is mounted: a link into a directory that nothing can be written to.
    let secret = home.path("secret");
    std::fs::create_dir(&secret).unwrap();
    std::fs::rename(home.data("creds.jsonstream"), secret.join("creds")).unwrap();
    std::os::unix::fs::symlink(secret.join("creds"), home.path("creds")).unwrap();
    std::fs::set_permissions(secret.join("creds"), std::fs::Permissions::from_mode(0o400)).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o500)).unwrap();
    let output = run(home.chat_in(&room, ["send", "-u", "Bob", "-m", "hi", "--credential-path", "creds"]));
    assert_eq!(code(&output), 0, "{}", err(&output));
}
