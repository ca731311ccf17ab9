//! Two programs with one home directory.
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::path::Path;
use std::time::Instant;

use support::GUARD;
use support::room::Room;
use support::terminal::Terminal;

const ENTER: &str = "\r";
const CTRL_Q: &str = "\x11";

fn wait_online(terminal: &Terminal) {
    terminal.wait_until("both connections", |screen| {
        let text = screen.contents();
        text.contains("● online") || text.contains("● ") && !text.contains("│ ● ")
    });
}

/// Waits until the history contains a message.
fn wait_for_line(home: &Path, text: &str) {
    let (path, begun) = (home.join("data/history.txt"), Instant::now());
    while !std::fs::read_to_string(&path).unwrap().contains(text) {
        assert!(begun.elapsed() < GUARD, "no {text:?} in {}", path.display());
        std::thread::yield_now();
    }
}

/// The same account in two windows: both chat, and the one that stays writes the history and remembers what was read.
#[test]
fn second_program_takes_over_the_files() {
    let (room, home) = (Room::open(), tempfile::tempdir().unwrap());
    let mut first = Terminal::start(home.path(), &room.arguments(), 80, 24);
    first.wait_for("Choose a nickname");
    first.keys(&format!("Bob{ENTER}"));
    first.wait_for("Token: ");
    first.keys(ENTER);
    wait_online(&first);
    let mut second = Terminal::start(home.path(), &room.arguments(), 80, 24);
    let screen = second.wait_for("in use by process");
    assert!(screen.contains("~/data/history.txt"), "{screen}");
    wait_online(&second);
    second.keys(&format!("from the second{ENTER}"));
    second.wait_for("✓ from the second");
    first.wait_for("Bob │ from the second");
    first.keys(&format!("from the first{ENTER}"));
    first.wait_for("✓ from the first");
    second.wait_for("│ from the first");
    first.keys(CTRL_Q);
    assert_eq!(first.wait_exit().exit_code(), 0);
    second.keys(&format!("alone now{ENTER}"));
    second.wait_for("✓ alone now");
    wait_for_line(home.path(), "alone now");
    second.keys(&format!("still here{ENTER}"));
    second.wait_for("✓ still here");
    second.keys(CTRL_Q);
    assert_eq!(second.wait_exit().exit_code(), 0);
    let history = std::fs::read_to_string(home.path().join("data/history.txt")).unwrap();
    let read = std::fs::read_to_string(home.path().join("data/history.txt.read")).unwrap();
    assert_eq!(read.trim(), history.len().to_string(), "the end of the history");
    for text in ["from the second", "from the first", "alone now", "still here"] {
        assert_eq!(history.matches(text).count(), 1, "{history}");
    }
}

#[test]
fn second_run_joins_the_local_room() {
    // Two ports that were free a moment ago.
    let ports = [0; 2].map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port());
    let arguments =
        vec!["--local-room".into(), format!("--listen-port={}", ports[0]), format!("--write-port={}", ports[1])];
    let home = tempfile::tempdir().unwrap();
    let mut bob = Terminal::start(home.path(), &arguments, 100, 30);
    bob.wait_for("local room was started");
    bob.keys(&format!("Bob{ENTER}"));
    bob.wait_for("Token: ");
    bob.keys(ENTER);
    wait_online(&bob);

    let mut arguments = arguments;
    arguments.push("--register".into());
    let mut ann = Terminal::start(home.path(), &arguments, 100, 30);
    ann.wait_for("Choose a nickname");
    ann.keys(&format!("Ann{ENTER}"));
    ann.wait_for("Token: ");
    ann.keys(ENTER);
    wait_online(&ann);
    ann.keys(&format!("hi Bob{ENTER}"));
    bob.wait_for("» hi Bob");

    // The program that serves quits, twice where it asks; the other one serves on.
    bob.keys("\x11\x11");
    bob.wait_exit();
    ann.wait_for("local room was started");
    wait_online(&ann);
    ann.keys(&format!("alone now{ENTER}"));
    ann.wait_for("✓ alone now");
}
