//! Signals that come twice, and signals to a program that is stuck in a write.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use support::*;

/// Logs clients in and never confirms; reports each received line.
fn silent_room() -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        stream.write_all(testkit::wire::GREETING.as_bytes()).unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let account = testkit::wire::account("Keen Bob", None);
        stream.write_all(format!("{account}{}", testkit::wire::WELCOME).as_bytes()).unwrap();
        while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
            let _ = sender.send(std::mem::take(&mut line));
        }
    });
    (port, receiver)
}

/// `timeout` signals its child and then its own process group, so the child gets the same signal twice.
#[test]
fn repeated_signal_still_writes_receipts() {
    let home = Home::new();
    let (port, heard) = silent_room();
    let token = testkit::wire::TOKEN;
    let mut child =
        home.chat(["send", "--json", "-t", token, "-p", &port]).stdin(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"a\nb\n").unwrap();
    while heard.recv_timeout(Duration::from_secs(20)).unwrap().trim() != "b" {}
    let pid = child.id().to_string();
    for _ in 0..2 {
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 130, "{}", err(&output));
    let states: Vec<_> = objects(&out(&output)).iter().map(|object| object["state"].clone()).collect();
    assert_eq!(states, ["unconfirmed", "unconfirmed"], "{}", err(&output));
}

/// More signals later do not wait for confirmations, and the receipts that are known are written nevertheless.
#[test]
fn later_signal_ends_with_the_receipts() {
    let home = Home::new();
    let (port, heard) = silent_room();
    let token = testkit::wire::TOKEN;
    let mut child =
        home.chat(["send", "--json", "-t", token, "-p", &port]).stdin(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"a\nb\n").unwrap();
    while heard.recv_timeout(Duration::from_secs(20)).unwrap().trim() != "b" {}
    let pid = child.id().to_string();
    while child.try_wait().unwrap().is_none() {
        let _ = std::process::Command::new("kill").args(["-TERM", &pid]).stderr(std::process::Stdio::null()).status();
        std::thread::yield_now();
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 130, "{}", err(&output));
    let states: Vec<_> = objects(&out(&output)).iter().map(|object| object["state"].clone()).collect();
    assert_eq!(states, ["unconfirmed", "unconfirmed"], "{}", err(&output));
}

#[test]
fn full_pipe_does_not_delay_the_end() {
    let home = Home::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let (sender, stuck) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        stream.set_write_timeout(Some(Duration::from_secs(3))).unwrap();
        let lines = "Keen Bob: hello\n".repeat(4096);
        // Once nothing more is taken, the client waits for its own reader.
        while stream.write_all(lines.as_bytes()).is_ok() {}
        sender.send(()).unwrap();
        let _ = stream.read(&mut [0; 16]);
    });
    let running = Running::start(home.chat(["listen", "-p", &port]));
    stuck.recv_timeout(Duration::from_secs(50)).unwrap();
    running.signal("-TERM");
    let Running { mut child, lines, .. } = running;
    // Its output is not read: the end must come from the signal alone. The guard of `Running` kills it after a minute.
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    drop(lines);
}
