//! Unusual files: of another program, under another name, or a pipe that never ends.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::path::Path;
use std::process::Command;

use support::*;

fn all_names(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        found.push(entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            found.extend(all_names(&entry.path()));
        }
    }
    found
}

#[test]
fn file_names_contain_no_text_of_peers() {
    let (room, home) = (Room::start(), Home::new());
    let names = ["../../evil", "/tmp/evil", "evil\u{1b}[31m\\..\\x", ".evil", "$(evil)", "evil%s%n", "con/aux"];
    let messages = names.map(|name| (name.to_owned(), name.to_owned()));
    let port = hostile::server(messages.into());
    for kept in [["--history-path", "h.txt"], ["--cursor", "c"]] {
        let output = run(home.chat(["listen", "-p", &port, "--count", "7"].into_iter().chain(kept)));
        assert_eq!(code(&output), 0, "{}", err(&output));
    }
    for name in names {
        let output = run(home.chat_in(&room, ["send", "-u", name, "-m", name]));
        assert_eq!(code(&output), 0, "{}", err(&output));
    }
    // The name of a registration lock has a checksum of the room, whose port differs between runs.
    let without_room = |name: String| match name.split_once(".register-") {
        Some((file, room)) if room.len() == 13 => format!("{file}.register-ROOM.lock"),
        _ => name,
    };
    let mut found: Vec<String> = all_names(home.dir.path()).into_iter().map(without_room).collect();
    found.sort();
    let known = [
        "c",
        "c.lock",
        "creds.jsonstream",
        "creds.jsonstream.lock",
        "creds.jsonstream.register-ROOM.lock",
        "data",
        "h.txt",
        "h.txt.cursor",
        "h.txt.lock",
        "rooms.jsonl",
        "rooms.jsonl.lock",
    ];
    assert_eq!(found, known);
}

/// At every level, with every command that uses a token.
#[test]
fn no_log_contains_a_token() {
    let (room, home) = (Room::start(), Home::new());
    assert_eq!(code(&run(home.chat_in(&room, ["register", "-u", "Bob"]))), 0);
    let kept: serde_json::Value = serde_json::from_str(&read(&home.data("creds.jsonstream"))).unwrap();
    let token = kept["account_hash"].as_str().unwrap();
    std::fs::write(home.path("token"), token).unwrap();
    let mut logged = String::new();
    for words in [
        &["register", "-u", "Ann"][..],
        &["send", "-u", "Bob", "-m", "hi", "--confirm", "echo"],
        &["send", "-m", "hi", "-t", token],
        &["send", "-m", "hi", "--token-file", "token", "--json"],
        &["send", "-m", "hi", "-t", "no-such-token"],
        &["ping", "-u", "Bob"],
        &["ping", "-t", token],
        &["listen", "--last", "1", "--count", "1"],
        &["accounts"],
        &["accounts", "remove", "Unknown"],
        &["--bogus", "-t", token],
    ] {
        let mut command = home.chat_in(&room, words.iter().copied());
        command.arg("--logging").env("RUST_LOG", "trace").env("CHAT_TOKEN", "");
        if words[0] == "accounts" {
            command = home.chat(words.iter().copied().chain(["--logging"]));
        }
        let output = run(command);
        logged += &out(&output);
        logged += &err(&output);
    }
    let mut command = home.chat_in(&room, ["send", "-m", "hi", "--logging"]);
    command.env("CHAT_TOKEN", token).env("RUST_LOG", "trace");
    logged += &err(&run(command));
    assert!(logged.contains("INFO chat_cli::connection"), "{logged}");
    let all = read(&home.data("creds.jsonstream"));
    let tokens: Vec<&str> = all.split('"').filter(|word| word.len() == 36 && word.contains('-')).collect();
    assert_eq!(tokens.len(), 2, "{all}");
    for token in tokens.into_iter().chain(["no-such-token"]) {
        assert!(!logged.contains(token), "{logged}");
    }
}

fn make_pipe(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn refuses_a_pipe_without_waiting() {
    let home = Home::new();
    make_pipe(&home.path("pipe"));
    for words in [&["history", "--history-path", "pipe"][..], &["listen", "--cursor", "pipe"]] {
        let mut running = Running::start(home.chat(words));
        running.wait_for_talk("not a regular file");
        assert_eq!(running.code(), 1, "{words:?}");
    }
    make_pipe(&home.path("config/config.toml"));
    let mut running = Running::start(home.chat(["accounts"]));
    running.wait_for_talk("not a regular file");
    assert_eq!(running.code(), 1);
}

/// A token from `<(pass show chat)` is a pipe, which is allowed.
#[test]
fn reads_a_token_from_a_pipe() {
    let (room, home) = (Room::start(), Home::new());
    make_pipe(&home.path("pipe"));
    assert_eq!(code(&run(home.chat_in(&room, ["register", "-u", "Bob"]))), 0);
    let kept: serde_json::Value = serde_json::from_str(&read(&home.data("creds.jsonstream"))).unwrap();
    let (pipe, token) = (home.path("pipe"), kept["account_hash"].as_str().unwrap().to_owned());
    let pass = std::thread::spawn(move || std::fs::write(pipe, token).unwrap());
    let output = run(home.chat_in(&room, ["send", "--token-file", "pipe", "-m", "hi"]));
    assert_eq!(code(&output), 0, "{}", err(&output));
    pass.join().unwrap();
}

#[test]
fn never_writes_through_a_link() {
    let (room, home) = (Room::start(), Home::new());
    std::fs::create_dir(home.path("data")).unwrap();
    let precious = home.path("precious");
    let listen = ["listen", "--history-path", "h.txt", "--timeout", "10ms"];
    let register = ["register", "-u", "Bob"];
    let cases = [
        (home.path("h.txt"), &listen[..]),
        (home.path("h.txt.lock"), &listen),
        (home.path("h.txt.cursor"), &listen),
        (home.data("creds.jsonstream"), &register),
        (home.data("creds.jsonstream.lock"), &register),
    ];
    for (planted, words) in cases {
        for link in ["hard", "symbolic"] {
            std::fs::write(&precious, "all my work\n").unwrap();
            // An earlier run may have created it.
            let _ = std::fs::remove_file(&planted);
            match link {
                "hard" => std::fs::hard_link(&precious, &planted).unwrap(),
                _ => std::os::unix::fs::symlink(&precious, &planted).unwrap(),
            }
            let output = run(home.chat_in(&room, words.iter().copied()));
            assert_eq!(code(&output), 1, "{planted:?} {link} {}", err(&output));
            assert!(err(&output).contains(planted.to_str().unwrap().rsplit('/').next().unwrap()), "{}", err(&output));
            assert!(err(&output).contains("link"), "{}", err(&output));
            assert_eq!(read(&precious), "all my work\n", "{planted:?} {link}");
            std::fs::remove_file(&planted).unwrap();
        }
    }
}
