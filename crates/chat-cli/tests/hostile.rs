//! Servers that send an endless line: every command closes at its limit, reports it, and needs no more memory. `siege`
//! in testkit tests every step of the dialogue, many times.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use support::*;
use testkit::process::peak_kib;
use testkit::wire::{GREETING, PROMPT};

/// Opens a port that answers one line with each of these, and then with an endless line.
fn hostile(first: &'static str, answers: &'static [&'static str]) -> SocketAddr {
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap();
    // The thread ends with the process of the test.
    thread::spawn(move || {
        for stream in port.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            thread::spawn(move || {
                stream.get_mut().write_all(first.as_bytes()).unwrap();
                for answer in answers {
                    stream.read_line(&mut String::new()).unwrap();
                    stream.get_mut().write_all(answer.as_bytes()).unwrap();
                }
                let chunk = vec![b'x'; 64 * 1024];
                while stream.get_mut().write_all(&chunk).is_ok() {}
            });
        }
    });
    address
}

#[test]
fn closes_an_endless_line_at_its_limit() {
    for (words, first, answers, limit) in [
        (&["listen"][..], "", &[][..], "16777216"),
        (&["listen"], "Keen Bob: hello\n", &[], "16777216"),
        (&["send", "-u", "Bob", "-m", "x"], "", &[], "65536"),
        (&["send", "-u", "Bob", "-m", "x"], GREETING, &[PROMPT], "65536"),
        (&["register", "-u", "Bob"], "", &[], "65536"),
        (&["register", "-u", "Bob"], GREETING, &[PROMPT], "65536"),
        (&["ping"], "", &[], "16777216"),
    ] {
        let home = Home::new();
        let port = hostile(first, answers).port().to_string();
        let mut command = home.chat(words);
        command.env("CHAT_LISTEN_PORT", &port).env("CHAT_WRITE_PORT", &port);
        let mut program = command.spawn().unwrap();
        let mut peak = 0;
        // Poll until it has ended.
        while program.try_wait().unwrap().is_none() {
            // Fails if the program has ended since the poll.
            peak = peak.max(peak_kib(program.id()).unwrap_or_default());
            thread::yield_now();
        }
        let output = program.wait_with_output().unwrap();
        assert_eq!(code(&output), 4, "{words:?}: {}", err(&output));
        assert!(err(&output).contains(&format!("limit of {limit} bytes")), "{words:?}: {}", err(&output));
        assert!(peak < 64 * 1024, "{words:?}: {peak} KiB");
    }
}

/// A core dump would write the token to a disk.
#[cfg(target_os = "linux")]
#[test]
fn dumps_no_core() {
    let (room, home) = (Room::start(), Home::new());
    let mut listening = Running::start(home.chat_in(&room, ["listen", "--json"]));
    listening.wait_for_talk("online");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", listening.child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    listening.signal("-TERM");
    assert_eq!(listening.code(), 130);
}
