//! The messages of `chat` when a command fails: the reason, once, and what to do.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::{BufRead as _, BufReader, Write as _};

use support::*;

/// Answers every registration with a refusal.
fn refusing_server() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            for answer in [testkit::wire::GREETING, testkit::wire::PROMPT, testkit::wire::UNKNOWN_TOKEN] {
                stream.write_all(answer.as_bytes()).unwrap();
                let _ = lines.read_line(&mut line);
            }
        }
    });
    port
}

#[test]
fn refused_nickname_names_the_likely_reason() {
    let home = Home::new();
    let port = refusing_server();
    let long = "x".repeat(60);
    for (name, says) in [(long.as_str(), "40"), ("Server", "reserved"), ("Bob", "registrations")] {
        let output = run(home.chat(["register", "-u", name, "-p", &port]));
        assert_eq!(code(&output), 3, "{}", err(&output));
        assert!(err(&output).contains(says), "{name}: {}", err(&output));
    }
}

#[test]
fn a_text_without_a_command_has_advice() {
    let home = Home::new();
    let tip = "`chat send \"TEXT\"` posts a message";
    for words in [["hello"].as_slice(), &["helo", "world"], &["Good morning"], &["--profile", "x", "hello"]] {
        let output = run(home.chat(words));
        let said = err(&output);
        assert_eq!(code(&output), 2, "{said}");
        assert!(said.contains(tip) && !said.contains("'help'"), "{words:?}: {said}");
    }
    // What is close to a command, or belongs to one, is not a text.
    for words in [["lisen", "--json"], ["accounts", "hello"]] {
        let said = err(&run(home.chat(words)));
        assert!(!said.contains("chat send"), "{words:?}: {said}");
    }
    assert!(err(&run(home.chat(["lisen"]))).contains("'listen'"));
    let object = &objects(&err(&run(home.chat(["hello", "--json"]))))[0];
    assert!(object["message"].as_str().unwrap().contains("`chat send"), "{object}");
}

#[test]
fn missing_local_server_has_advice() {
    let home = Home::new();
    let output = run(home.chat(["ping", "--listen-port", "1", "--write-port", "1"]));
    assert_eq!(code(&output), 4, "{}", err(&output));
    assert!(err(&output).contains("chat-server"), "{}", err(&output));
}

#[test]
fn missing_local_server_has_advice_once_while_retrying() {
    let home = Home::new();
    for command in [["listen"].as_slice(), &["send", "-u", "Bob", "hello"]] {
        let ports = ["--listen-port", "1", "--write-port", "1", "--retry-max-time", "3s"];
        let output = run(home.chat(command.iter().copied().chain(ports)));
        let text = err(&output);
        assert_eq!(code(&output), 4, "{text}");
        let (first, last) = (text.lines().next().unwrap(), text.lines().last().unwrap());
        for line in [first, last] {
            assert!(line.contains("`chat-server` starts one"), "{text}");
        }
        assert_eq!(text.matches("`chat-server` starts one").count(), 2, "{text}");
    }
}

#[test]
fn unknown_token_has_advice() {
    let (room, home) = (Room::start(), Home::new());
    let mut command = home.chat_in(&room, ["send", "-m", "hi"]);
    command.env("CHAT_TOKEN", "00000000-0000-4000-8000-000000000000");
    let output = run(command);
    assert_eq!(code(&output), 3, "{}", err(&output));
    assert!(err(&output).contains("chat register"), "{}", err(&output));
}

#[test]
fn wrong_profile_is_reported_once() {
    let home = Home::new();
    std::fs::create_dir(home.path("config")).unwrap();
    std::fs::write(home.path("config").join("config.toml"), "[profile.default]\nhots = \"x\"\n").unwrap();
    let output = run(home.chat(["send", "-m", "hi"]));
    assert_eq!(code(&output), 2, "{}", err(&output));
    assert_eq!(err(&output).matches("unknown field").count(), 1, "{}", err(&output));
    assert!(err(&output).contains("config.toml:2: "), "{}", err(&output));
}

#[test]
fn ambiguous_account_has_advice() {
    let (room, home) = (Room::start(), Home::new());
    for _ in 0..2 {
        assert_eq!(code(&run(home.chat_in(&room, ["register", "-u", "Bob"]))), 0);
    }
    let output = run(home.chat_in(&room, ["send", "-u", "Bob", "-m", "hi"]));
    assert_eq!(code(&output), 2, "{}", err(&output));
    let said = err(&output);
    assert!(said.contains("complete nickname") && said.contains("chat accounts remove"), "{said}");
}

#[test]
fn refuses_port_zero() {
    let home = Home::new();
    for words in [["listen", "-p", "0"], ["listen", "--listen-port", "0"], ["ping", "--write-port", "0"]] {
        let mut command = home.chat(words);
        command.arg("--no-retry");
        let output = run(command);
        assert_eq!(code(&output), 2, "{words:?}: {}", err(&output));
    }
}

#[test]
fn reports_a_missing_history() {
    let home = Home::new();
    let output = run(home.chat(["history"]));
    assert_eq!((code(&output), out(&output)), (0, String::new()));
    assert!(err(&output).contains("history.txt"), "{}", err(&output));
}

#[cfg(unix)]
#[test]
fn warns_of_a_shared_data_directory() {
    use std::os::unix::fs::PermissionsExt as _;
    let (room, home) = (Room::start(), Home::new());
    std::fs::create_dir(home.path("data")).unwrap();
    std::fs::set_permissions(home.path("data"), std::fs::Permissions::from_mode(0o777)).unwrap();
    let output = run(home.chat_in(&room, ["send", "-u", "Bob", "-m", "hi"]));
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(err(&output).contains("other users can replace files in it (mode 777)"), "{}", err(&output));
    assert_eq!(std::fs::metadata(home.path("data")).unwrap().permissions().mode() & 0o777, 0o777);
    std::fs::set_permissions(home.path("data"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = run(home.chat_in(&room, ["send", "-u", "Bob", "-m", "hi"]));
    assert_eq!((code(&output), err(&output)), (0, String::new()));
}
