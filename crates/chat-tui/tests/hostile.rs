//! Hostile arguments and rooms: nothing that controls a terminal, and no secret, passes the program.
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use chat_client::display::is_treacherous;
use support::pipes::Pipes;
use support::room::Room;
use support::terminal::run_raw;
use testkit::hostile::CORPUS;

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[test]
fn arguments_cannot_steer_the_terminal() {
    let home = tempfile::tempdir().unwrap();
    for evil in CORPUS {
        let flag = format!("--bogus{evil}");
        let inside = format!("/proc/{evil}");
        let cases = [
            vec![flag.as_str()],
            vec!["--listen-port", evil],
            vec![evil],
            vec!["--profile", evil],
            vec!["--data-dir", &inside],
            vec!["--log-file", &inside],
            vec!["--token-file", &inside],
            vec!["--tls", "--pin", evil],
        ];
        for case in cases {
            let (code, screen) = run_raw(home.path(), &words(&case));
            assert_ne!(code, 0, "{case:?}");
            let steers = screen.chars().any(|c| is_treacherous(c) && c != '\n');
            assert!(!screen.is_empty() && !steers, "{case:?}: {screen:?}");
        }
    }
    let (_, screen) = run_raw(home.path(), &words(&["--bogus\u{1b}]0;pwn\u{7}"]));
    assert!(screen.contains("--bogus␛]0;pwn␇"), "{screen:?}");
}

#[test]
fn never_repeats_an_invalid_token() {
    let home = tempfile::tempdir().unwrap();
    let (code, screen) = run_raw(home.path(), &words(&["-t", "se\u{7}cret"]));
    assert_eq!(code, 2, "{screen}");
    assert!(!screen.contains("cret") && screen.contains("token"), "{screen}");
}

/// Returns every file and directory below a directory, with its mode.
fn all_files(dir: &Path) -> Vec<(PathBuf, u32)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let metadata = std::fs::symlink_metadata(&path).unwrap();
        if metadata.is_dir() {
            found.extend(all_files(&path));
        }
        found.push((path, metadata.permissions().mode() & 0o777));
    }
    found
}

/// A permissive umask, hostile names, a full log: the files are private, have names of the program only, and contain no
/// token except the account file.
#[test]
fn files_of_a_run_are_private() {
    let mut room = Room::open();
    let everything = tempfile::tempdir().unwrap();
    let homes = ["bob", "eve"].map(|name| everything.path().join(name));
    for home in &homes {
        std::fs::create_dir(home).unwrap();
    }
    let address = room.arguments();
    let start = |home: &Path, name: &str| {
        let words = words(&["--plain", "--log-file", "log", "--nickname", name]);
        Pipes::start_careless(home, &[address.clone(), words].concat())
    };
    let evil = "../../evil/\u{301}$(id)%n";
    let (mut bob, mut eve) = (start(&homes[0], "Bob"), start(&homes[1], evil));
    bob.wait_for_report("listening: online");
    eve.wait_for_report("writing: online");
    eve.line("../../../tmp/evil");
    bob.wait_for_message("../../../tmp/evil");
    bob.line("hello");
    bob.wait_for_message("Bob: hello");
    bob.line("/export out.txt");
    bob.wait_for_report("out.txt");
    for program in [&mut bob, &mut eve] {
        program.line("/quit");
        assert_eq!(program.wait_exit(), 0, "{:?}", program.reports());
    }
    // Without a room there are errors to log.
    room.kill();
    for (home, name) in [(&homes[0], "Bob"), (&homes[1], evil)] {
        let mut program = start(home, name);
        program.wait_for_report("connection refused");
        program.line("/quit");
        program.wait_exit();
    }
    let ours = ["history.txt", "creds.jsonstream", "outbox", "rooms.jsonl"];
    let mut known: Vec<String> =
        ["bob", "eve", "data", "log", "out.txt", "history.txt.cursor", "history.txt.read"].map(str::to_owned).into();
    known.extend(ours.iter().flat_map(|name| [(*name).to_owned(), format!("{name}.lock")]));
    let files = all_files(everything.path());
    for (path, mode) in &files {
        let name = path.file_name().unwrap().to_str().unwrap();
        // One lock for each room, whose name is part of it.
        let is_lock = name.starts_with("creds.jsonstream.register-") && name.ends_with(".lock");
        assert!(is_lock || known.iter().any(|known| known == name), "{path:?}");
        // The test chose the home directories, so their modes do not matter.
        assert!(mode & 0o077 == 0 || homes.contains(path), "{path:?} has mode {mode:o}");
    }
    for wanted in ["bob/log", "bob/out.txt", "bob/data/history.txt", "bob/data/history.txt.read", "eve/data/outbox"] {
        assert!(files.iter().any(|(path, _)| path.ends_with(wanted)), "{wanted} is not in {files:?}");
    }
    for home in &homes {
        let kept = std::fs::read_to_string(home.join("data/creds.jsonstream")).unwrap();
        let token = kept.split("account_hash").nth(1).unwrap().split('"').nth(2).unwrap().to_owned();
        assert_eq!(token.len(), 36);
        for (path, _) in files.iter().filter(|(path, _)| path.is_file() && !path.ends_with("creds.jsonstream")) {
            let content = std::fs::read(path).unwrap();
            assert!(!String::from_utf8_lossy(&content).contains(&token), "{path:?}");
        }
    }
    let log = std::fs::read_to_string(homes[0].join("log")).unwrap();
    assert!(log.contains("waiting before the next attempt"), "{log}");
}

#[test]
fn refuses_links_and_pipes_as_a_log() {
    let home = tempfile::tempdir().unwrap();
    let (precious, log) = (home.path().join("precious"), home.path().join("log"));
    std::fs::write(&precious, "all my work").unwrap();
    let refused = || {
        let (code, screen) = run_raw(home.path(), &words(&["--plain", "--no-local-room", "--log-file", "log"]));
        assert_eq!(code, 1, "{screen}");
        assert!(screen.contains("could not write the log log"), "{screen}");
        std::fs::remove_file(&log).unwrap();
    };
    std::os::unix::fs::symlink(&precious, &log).unwrap();
    refused();
    std::fs::hard_link(&precious, &log).unwrap();
    refused();
    assert!(std::process::Command::new("mkfifo").arg(&log).status().unwrap().success());
    refused();
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "all my work");
}

/// The token goes to the write port: only its host decides, and the warning comes before anything is sent there.
#[test]
fn warns_once_of_an_unencrypted_token() {
    let ends = |arguments: &[&str]| {
        let home = tempfile::tempdir().unwrap();
        let all = [&["--no-local-room", "--plain", "-u", "Bob", "-wp", "1", "-lp", "1"], arguments].concat();
        let mut program = Pipes::start(home.path(), &words(&all));
        program.line("hello");
        program.end_input();
        assert_eq!(program.wait_exit(), 4, "{:?}", program.reports());
        program.reports()
    };
    for exposed in [&["-wh", "chat.invalid"][..], &["-lh", "chat.invalid"]] {
        let talk = ends(exposed);
        let said: Vec<usize> = (0..talk.len()).filter(|&number| talk[number].contains("without encryption")).collect();
        assert_eq!(said, [0], "{exposed:?}: {talk:?}");
        assert!(talk[0].contains("chat.invalid:1"), "{talk:?}");
    }
    for hidden in [&["-wh", "chat.invalid", "--tls"][..], &["-lh", "chat.invalid", "-wh", "127.0.0.1"], &[]] {
        let talk = ends(hidden);
        assert!(!talk.iter().any(|line| line.contains("without encryption")), "{hidden:?}: {talk:?}");
    }
}
