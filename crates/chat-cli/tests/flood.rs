//! Many lines that arrive faster than they are written.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use support::*;

/// Several MiB, more than a plain server's lines are held back at first.
const LINES: usize = 60_000;

fn text(number: usize) -> String {
    match number % 5_000 {
        // Interrupts a block.
        4_000 => format!("Ann: line {number} 🙂"),
        _ => format!("Jolly Ann: line {number}, and some more words to make it an ordinary one"),
    }
}

/// Sends all lines to one connection, and waits until it is closed.
fn plain_server() -> (u16, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let all: String = (0..LINES).map(|number| text(number) + "\n").collect();
        // An error means that the client has seen enough. A close with its request unread would take lines from it.
        let _ = stream.write_all(all.as_bytes()).and_then(|()| stream.read_to_end(&mut Vec::new()));
    });
    (port, server)
}

#[test]
fn is_recorded_and_printed_whole() {
    // The last one ends in the middle of a block.
    for count in [LINES, LINES - 7] {
        let ((port, server), home) = (plain_server(), Home::new());
        let (port, wanted) = (port.to_string(), count.to_string());
        let words = ["listen", "--listen-port", &port, "--history-path", "h.txt", "--no-retry", "--count", &wanted];
        let output = run(home.chat(words));
        assert_eq!(code(&output), 0, "{}", err(&output));
        server.join().unwrap();
        let history = read(&home.path("h.txt"));
        let recorded: Vec<&str> = history.lines().map(|line| &line["[14.01.26 17:07] ".len()..]).collect();
        let printed = out(&output);
        let printed: Vec<&str> = printed.lines().collect();
        assert_eq!((printed.len(), recorded.len()), (count, count));
        for number in 0..count {
            assert_eq!((printed[number], recorded[number]), (&*text(number), &*text(number)));
        }
    }
}
