//! Signals that come twice, and signals to a program that is stuck in a write.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
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

/// A closed terminal and `kill -HUP` end a run like the other signals.
#[test]
fn hangup_writes_receipts() {
    // A program that is started after this has the default action, even when the tests run under `nohup`.
    signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::default()).unwrap();
    let home = Home::new();
    let (port, heard) = silent_room();
    let token = testkit::wire::TOKEN;
    let mut child =
        home.chat(["send", "--json", "-t", token, "-p", &port]).stdin(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"a\nb\n").unwrap();
    while heard.recv_timeout(Duration::from_secs(20)).unwrap().trim() != "b" {}
    kill(&child, "-HUP");
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 130, "{}", err(&output));
    let states: Vec<_> = objects(&out(&output)).iter().map(|object| object["state"].clone()).collect();
    assert_eq!(states, ["unconfirmed", "unconfirmed"], "{}", err(&output));
}

/// As `nohup` starts a program.
#[test]
fn ignored_hangup_stays_ignored() {
    let home = Home::new();
    let (port, heard) = silent_room();
    let chat = home.chat(["send", "--json", "-t", testkit::wire::TOKEN, "-p", &port]);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(chat.get_program()).args(chat.get_args());
    command.env_clear().envs(chat.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    for text in ["a", "b"] {
        input.write_all(format!("{text}\n").as_bytes()).unwrap();
        while !heard.recv_timeout(Duration::from_secs(20)).unwrap().trim().ends_with(text) {}
        kill(&child, "-HUP");
    }
    kill(&child, "-TERM");
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 130, "{}", err(&output));
    assert_eq!(objects(&out(&output)).len(), 2, "{}", err(&output));
}

fn kill(child: &std::process::Child, signal: &str) {
    let status = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// Returns a stream whose buffer is full, and its other end, which keeps it open.
fn full_stream() -> (std::os::fd::OwnedFd, std::os::unix::net::UnixStream) {
    let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    // The last bytes fit only one by one.
    for size in [4096, 64, 1] {
        while ours.write(&vec![b'x'; size]).is_ok() {}
    }
    ours.set_nonblocking(false).unwrap();
    (ours.into(), theirs)
}

/// The signal is noticed, and then the report cannot be written.
#[test]
fn unread_report_does_not_delay_the_end() {
    let home = Home::new();
    for stuck_stderr in [false, true] {
        let (port, heard) = silent_room();
        let (full, _open) = full_stream();
        let mut command = home.chat(["send", "--json", "-t", testkit::wire::TOKEN, "-p", &port]);
        command.stdin(std::process::Stdio::piped());
        if stuck_stderr {
            command.stderr(full)
        } else {
            command.stdout(full)
        };
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"a\nb\n").unwrap();
        // With a full standard error the program may be stuck before it posts.
        if !stuck_stderr {
            while heard.recv_timeout(Duration::from_secs(20)).unwrap().trim() != "b" {}
        } else {
            let _ = heard.recv_timeout(Duration::from_secs(1));
        }
        kill(&child, "-TERM");
        let pid = child.id().to_string();
        let (guard, ended) = std::sync::mpsc::channel::<()>();
        std::thread::spawn(move || {
            if ended
                .recv_timeout(Duration::from_secs(20))
                .is_err_and(|e| e == std::sync::mpsc::RecvTimeoutError::Timeout)
            {
                let _ = std::process::Command::new("kill").args(["-KILL", &pid]).status();
            }
        });
        let status = child.wait().unwrap();
        drop(guard);
        assert_eq!(status.code(), Some(130), "stuck_stderr: {stuck_stderr}");
    }
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
