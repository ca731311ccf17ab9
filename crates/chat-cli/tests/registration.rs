//! A registration that another run or the server delays.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use support::*;

/// A server that accepts and says nothing.
#[test]
fn mute_server_delays_only_its_own_room() {
    let (room, home) = (Room::start(), Home::new());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let waiting = Running::start(home.chat(["register", "-u", "Ann", "-p", &port]));
    // It has the lock of its room when it connects.
    let _mute = listener.accept().unwrap();
    let output = run(home.chat_in(&room, ["register", "-u", "Bob", "--no-retry"]));
    assert_eq!(code(&output), 0, "{}", err(&output));
    waiting.signal("-TERM");
    assert_eq!(waiting.code(), 130);
}

/// As our server does over the limit of registrations: the protocol has no word for it.
#[test]
fn cut_registration_names_the_limit() {
    let home = Home::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        for said in [testkit::wire::GREETING, testkit::wire::PROMPT] {
            stream.write_all(said.as_bytes()).unwrap();
            lines.read_line(&mut String::new()).unwrap();
        }
    });
    let output = run(home.chat(["register", "-u", "Bob", "-p", &port]));
    assert_eq!(code(&output), 4, "{}", err(&output));
    assert!(err(&output).contains("limit") && err(&output).contains("later"), "{}", err(&output));
}
