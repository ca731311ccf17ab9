//! A home directory that is no directory or belongs to another user, as `docker run --user` leaves it.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output};

use support::*;

/// Commands that need no file of the user, and their exit codes.
const CASES: [(&[&str], i32); 4] = [
    (&["ping"], 0),
    (&["listen", "--last", "1", "--timeout", "100ms"], 0),
    (&["send", "-m", "hi", "-t", "unknown"], 3),
    (&["send", "--no-register", "-u", "Bob", "-m", "hi", "--credential-path", "creds"], 2),
];

fn in_home(mut command: Command, home: &std::path::Path) -> Command {
    command.env("HOME", home).env_remove("CHAT_DATA_DIR").env_remove("CHAT_CONFIG_DIR");
    command
}

#[test]
fn home_that_is_no_directory_has_no_files() {
    let (room, home) = (Room::start(), Home::new());
    for (words, expected) in CASES {
        let output = run(in_home(home.chat_in(&room, words.iter().copied()), "/dev/null".as_ref()));
        assert_eq!(code(&output), expected, "{words:?}: {}", err(&output));
        assert!(!err(&output).contains("/dev/null"), "{words:?}: {}", err(&output));
    }
    for words in [&["accounts"][..], &["history"]] {
        let output = run(in_home(home.chat(words), "/dev/null".as_ref()));
        assert_eq!((code(&output), out(&output).as_str()), (0, ""), "{words:?}: {}", err(&output));
    }
    let output = run(in_home(home.chat(["listen", "--profile", "work"]), "/dev/null".as_ref()));
    assert_eq!(code(&output), 2, "{}", err(&output));
}

/// Runs a command as a user who may not enter `closed`. Root may enter every directory, so a child of root becomes
/// another user; its copy of the program is outside of directories that only root may enter.
fn as_stranger(home: &Home, closed: &std::path::Path, command: &Command) -> Output {
    let mut stranger = Command::new(home.path("chat"));
    stranger.args(command.get_args()).env_clear().current_dir(home.dir.path());
    if rustix::process::geteuid().is_root() {
        stranger.uid(54321).gid(54321);
    }
    run(in_home(stranger, closed))
}

#[test]
fn home_of_another_user_is_a_warning() {
    let (room, home) = (Room::start(), Home::new());
    let closed = home.path("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_chat"), home.path("chat")).unwrap();
    std::fs::write(home.path("h.txt"), "[14.01.26 17:07] Bob: hello\n").unwrap();
    std::fs::set_permissions(home.path("h.txt"), std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::set_permissions(home.dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).unwrap();
    for (words, expected) in CASES {
        let output = as_stranger(&home, &closed, &home.chat_in(&room, words.iter().copied()));
        assert_eq!(code(&output), expected, "{words:?}: {}", err(&output));
        let warnings: Vec<String> =
            err(&output).lines().filter(|l| l.contains("config.toml")).map(Into::into).collect();
        assert!(matches!(&warnings[..], [one] if one.contains("warning")), "{words:?}: {}", err(&output));
    }
    let output = as_stranger(&home, &closed, &home.chat(["history", "--history-path", "h.txt"]));
    assert_eq!((code(&output), out(&output).contains("hello")), (0, true), "{}", err(&output));
    // What the user asked for is an error.
    let output = as_stranger(&home, &closed, &home.chat(["ping", "--profile", "work"]));
    assert_eq!(code(&output), 1, "{}", err(&output));
    let mut named = Command::new(home.path("chat"));
    named.arg("accounts");
    let output = as_stranger(&home, &closed, &named);
    assert_eq!(code(&output), 1, "the accounts cannot be read: {}", err(&output));
}
