//! A room that is open to others says how they join, on the screen and in plain mode.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use std::net::TcpListener;

use chat_frontend::local_room::Announcement;
use support::terminal::Terminal;

const ENTER: &str = "\r";
const LINK: &str = "http://192.0.2.7:8080/";

/// Returns the arguments that share a room at two ports that were free a moment ago, and the command that joins it.
fn sharing() -> (Vec<String>, String) {
    let [listen, write] =
        [0; 2].map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).map(|free| free.local_addr().unwrap().port());
    let arguments = ["--share=127.0.0.1".into(), format!("--listen-port={listen}"), format!("--write-port={write}")];
    (arguments.to_vec(), format!("chat-tui -lp {listen} -wp {write}"))
}

/// Registers, and waits until both connections are up.
fn register(terminal: &mut Terminal, name: &str) {
    terminal.wait_for("Choose a nickname");
    terminal.keys(&format!("{name}{ENTER}"));
    terminal.wait_for("Token: ");
    terminal.keys(ENTER);
    terminal.wait_for("● online");
}

#[test]
fn screen_shows_the_link_and_its_code() {
    let home = tempfile::tempdir().unwrap();
    let (arguments, command) = sharing();
    let mut bob = Terminal::start(home.path(), &arguments, 80, 30);
    register(&mut bob, "Bob");
    // Without a page there is a command, and how to get a page.
    bob.keys(&format!("/share{ENTER}"));
    bob.wait_for("chat-web --share");
    let screen = bob.wait_for("any key returns");
    assert!(screen.contains(&format!("Others join with: {command}")) && !screen.contains('█'), "{screen}");
    bob.keys("x");
    bob.wait_without("any key returns");

    let page = Announcement::of_page(&home.path().join("data"), LINK).unwrap();
    bob.keys(&format!("/share{ENTER}"));
    bob.wait_for(&format!("In a browser: {LINK}"));
    // The lines of the first time are above it.
    bob.wait_until("a code", |screen| screen.contents().lines().filter(|line| line.starts_with('█')).count() > 10);
    bob.wait_for_bytes("\x1b[97;40m█");
    bob.keys("x");
    bob.wait_without("In a browser");

    // On a small terminal there is the link alone.
    bob.resize(30, 24);
    bob.wait_until("the screen in the new size", |screen| {
        screen.contents().lines().last().is_some_and(|line| line.starts_with('>'))
    });
    bob.keys(&format!("/share{ENTER}"));
    let screen = bob.wait_for("too small");
    assert!(screen.contains(LINK), "{screen}");
    drop(page);
}

#[test]
fn joined_program_names_the_room_too() {
    let home = tempfile::tempdir().unwrap();
    let (arguments, command) = sharing();
    let mut bob = Terminal::start(home.path(), &arguments, 80, 30);
    register(&mut bob, "Bob");
    // Another program of this user, which shares nothing itself.
    let mut more = arguments[1..].to_vec();
    more.extend(["--local-room".into(), "--register".into()]);
    let mut ann = Terminal::start(home.path(), &more, 80, 30);
    register(&mut ann, "Ann");
    ann.keys(&format!("/share{ENTER}"));
    ann.wait_for("any key returns");
    ann.wait_for(&format!("Others join with: {command}"));
}

#[test]
fn plain_mode_shows_it_in_lines() {
    let home = tempfile::tempdir().unwrap();
    let (mut arguments, command) = sharing();
    arguments.extend(["--plain".into(), "-u".into(), "Bob".into()]);
    let mut bob = Terminal::start(home.path(), &arguments, 80, 30);
    bob.wait_for(&format!("join with: {command}"));
    bob.wait_for("writing: online");
    let _page = Announcement::of_page(&home.path().join("data"), LINK).unwrap();
    bob.keys(&format!("/share{ENTER}"));
    bob.wait_for(&format!("In a browser: {LINK}"));
    bob.wait_until("a code", |screen| screen.contents().lines().filter(|line| line.starts_with('█')).count() > 10);
    bob.resize(30, 24);
    bob.keys(&format!("/share{ENTER}"));
    bob.wait_for("too small");
}
