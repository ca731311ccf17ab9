//! A history file that is moved away or removed while it is written.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use support::*;

fn post(home: &Home, room: &Room, text: &str) {
    let output = run(home.chat_in(room, ["send", "-u", "Bob", "-m", text]));
    assert_eq!(code(&output), 0, "{}", err(&output));
}

fn texts(content: &str) -> Vec<String> {
    content.lines().map(|line| line.rsplit(": ").next().unwrap().to_owned()).collect()
}

/// Renames the file and continues, as `logrotate` does.
#[test]
fn moved_history_is_begun_again() {
    let (room, home) = (Room::start(), Home::new());
    let listen = || Running::start(home.chat_in(&room, ["listen", "--history-path", "h.txt", "--last", "10"]));
    let mut running = listen();
    post(&home, &room, "one");
    assert!(running.line().ends_with(": one"));
    std::fs::rename(home.path("h.txt"), home.path("h.txt.1")).unwrap();
    for text in ["two", "three"] {
        post(&home, &room, text);
        assert!(running.line().ends_with(text));
    }
    running.signal("-TERM");
    running.code();
    assert_eq!(texts(&read(&home.path("h.txt.1"))), ["one"]);
    assert_eq!(texts(&read(&home.path("h.txt"))), ["two", "three"]);

    post(&home, &room, "four");
    let mut running = listen();
    assert!(running.line().ends_with("four"));
    running.signal("-TERM");
    running.code();
    assert_eq!(texts(&read(&home.path("h.txt"))), ["two", "three", "four"]);
}

#[test]
fn removed_history_is_begun_again() {
    let (room, home) = (Room::start(), Home::new());
    let mut running = Running::start(home.chat_in(&room, ["listen", "--history-path", "h.txt"]));
    // The file exists only after the lock was taken.
    post(&home, &room, "zero");
    assert!(running.line().ends_with("zero"));
    std::fs::remove_file(home.path("h.txt")).unwrap();
    post(&home, &room, "one");
    assert!(running.line().ends_with("one"));
    running.signal("-TERM");
    running.code();
    assert_eq!(texts(&read(&home.path("h.txt"))), ["one"]);
}
