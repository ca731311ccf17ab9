//! A room on several nodes: addresses on the command line and in a profile, `chat ping` for each, and a log that is away.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

use support::*;

/// Returns the address of a node as an element of `--host`.
fn node(listen: SocketAddr, write: SocketAddr) -> String {
    format!("127.0.0.1:{}:{}", listen.port(), write.port())
}

/// Returns a node on two ports at which nothing listens.
fn dead_node() -> String {
    let one = TcpListener::bind("127.0.0.1:0").unwrap();
    let two = TcpListener::bind("127.0.0.1:0").unwrap();
    node(one.local_addr().unwrap(), two.local_addr().unwrap())
}

#[test]
fn sends_over_the_node_that_is_there() {
    let (room, home) = (Room::start(), Home::new());
    let mut ear = room.ear();
    let (alive, dead) = (node(room.listen, room.write), dead_node());
    let list = format!("{dead},{alive}");
    // A random one is tried first, so several runs.
    for number in 0..6 {
        let text = number.to_string();
        let output = run(home.chat(["send", "--host", &list, "-u", "Bob", "-m", &text, "--no-retry"]));
        assert_eq!(code(&output), 0, "{}", err(&output));
        assert_eq!(ear.message().1, text);
    }
    let output = run(home.chat(["send", "--host", &dead, "--host", &alive, "-u", "Bob", "-m", "repeated"]));
    assert_eq!(code(&output), 0, "{}", err(&output));
    std::fs::create_dir(home.path("config")).unwrap();
    let profile = format!("[profile.default]\nhosts = [\"{dead}\", \"{alive}\"]\n");
    std::fs::write(home.path("config/config.toml"), profile).unwrap();
    let output = run(home.chat(["send", "-u", "Bob", "-m", "from a profile"]));
    assert_eq!(code(&output), 0, "{}", err(&output));
    let mut command = home.chat(["listen", "--last", "8", "--count", "8", "--timeout", "60s"]);
    command.env("CHAT_HOST", &list);
    let output = run(command);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(out(&output).lines().count(), 8, "{}", out(&output));
}

#[test]
fn ping_shows_each_node() {
    let (room, other, home) = (Room::start(), Room::start(), Home::new());
    let nodes = [node(room.listen, room.write), node(other.listen, other.write)];
    let output = run(home.chat(["ping", "--host", &nodes.join(",")]));
    assert_eq!(code(&output), 0, "{}", err(&output));
    let lines: Vec<String> = out(&output).lines().map(str::to_owned).collect();
    let begins: Vec<String> = [&room, &other]
        .into_iter()
        .flat_map(|room| [format!("listen port {}: open", room.listen), format!("write port {}: open", room.write)])
        .collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines.iter().zip(&begins).all(|(line, begin)| line.starts_with(begin)), "{lines:?}");

    let with_dead = [nodes[0].clone(), dead_node(), nodes[1].clone()].join(",");
    let output = run(home.chat(["ping", "--json", "--host", &with_dead]));
    assert_eq!(code(&output), 4, "one node is missing: {}", err(&output));
    let found = objects(&out(&output));
    let addresses: Vec<&str> = found.iter().map(|object| object["address"].as_str().unwrap()).collect();
    let expected = [room.listen, room.write, other.listen, other.write].map(|address| address.to_string());
    assert_eq!(addresses, expected, "the others are shown");
    assert_eq!(objects(&err(&output)).len(), 2, "both ports that do not answer: {}", err(&output));
}

#[test]
fn a_wrong_address_is_one_sentence() {
    let home = Home::new();
    for (hosts, sentence) in [
        ("a,b c", "\"b c\" is not a host name or address: it contains ' '"),
        ("a,", "\"\" is not a host name or address: it is empty"),
        ("a,b:5000", "\"b:5000\" is not a host name or address: it contains a port; give the port with"),
    ] {
        for words in [&["listen"][..], &["ping"], &["send", "-t", "9a08", "-m", "hi"]] {
            let output = run(home.chat(words.iter().copied().chain(["--host", hosts])));
            assert_eq!(code(&output), 2, "{hosts}: {}", err(&output));
            let errors: Vec<String> =
                err(&output).lines().filter(|line| !line.contains("warning")).map(str::to_owned).collect();
            assert!(errors.len() == 1 && errors[0].contains(sentence), "{hosts}: {errors:?}");
        }
    }
}

/// A node that declines a post as long as its log is away.
fn node_without_log(declines: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut out = stream.try_clone().unwrap();
        let mut lines = BufReader::new(stream).lines();
        out.write_all(b"Hello %username%! Enter your personal hash or leave it empty to create new account.\n")
            .unwrap();
        lines.next().unwrap().unwrap();
        let entered = "{\"nickname\": \"Keen Bob\", \"account_hash\": \"9a08\"}\n\
                       Welcome to chat! Post your message below. End it with an empty line. \t\n";
        out.write_all(entered.as_bytes()).unwrap();
        let mut left = declines;
        while let Some(Ok(line)) = lines.next() {
            let Some(json) = line.strip_prefix('\u{1}') else { continue };
            let json: serde_json::Value = serde_json::from_str(json).unwrap();
            let Some(id) = json["id"].as_str() else { continue };
            let answer = if left == 0 {
                format!("\u{1}{{\"ok\": \"{id}\", \"stream\": \"k3f9\", \"seq\": 1}}\n")
            } else {
                left -= 1;
                format!("\u{1}{{\"no\": \"{id}\", \"code\": \"unavailable\", \"retry_after_ms\": 1}}\n")
            };
            out.write_all(answer.as_bytes()).unwrap();
        }
    });
    port
}

#[test]
fn a_log_that_is_away_is_reported_once() {
    let home = Home::new();
    let send = ["send", "-t", "9a08", "-m", "hi", "--write-port"];
    // More than the twenty attempts after which another fault counts as a refusal.
    let port = node_without_log(40).to_string();
    let output = run(home.chat(send.into_iter().chain([port.as_str()])));
    assert_eq!(code(&output), 0, "{}", err(&output));
    let away = "write port: the log of the room is away: not confirmed yet; will be sent when it is back";
    assert_eq!(err(&output).matches(away).count(), 1, "{}", err(&output));

    let port = node_without_log(3).to_string();
    let output = run(home.chat(send.into_iter().chain([port.as_str(), "--json"])));
    assert_eq!(code(&output), 0, "{}", err(&output));
    let lines: String =
        err(&output).lines().filter(|line| line.starts_with('{')).map(|line| format!("{line}\n")).collect();
    let held: Vec<_> = objects(&lines).into_iter().filter(|object| object["hold"] == "unavailable").collect();
    assert_eq!(held.len(), 1, "{}", err(&output));
    assert_eq!(held[0]["state"], "online");
}

/// Returns the port of another address of the same server.
fn forward_to(target: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(target).unwrap());
            let copy = |from: &TcpStream, to: &TcpStream| {
                let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                std::thread::spawn(move || {
                    // An end of one side ends the other.
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
            };
            copy(&client, &server);
            copy(&server, &client);
        }
    });
    address
}

#[test]
fn an_account_is_known_over_every_node() {
    let (room, home) = (Room::start(), Home::new());
    let here = node(room.listen, room.write);
    let there = node(forward_to(room.listen), forward_to(room.write));
    let send = |hosts: &str, more: &[&str]| {
        let words = ["send", "--host", hosts, "-u", "Bob", "-m", "hi"];
        let output = run(home.chat(words.iter().chain(more)));
        (code(&output), err(&output))
    };
    assert_eq!(send(&here, &[]).0, 0);
    let (refused, says) = send(&there, &["--no-register"]);
    assert_eq!(refused, 2, "the token goes to no server that the user has not named as this room: {says}");
    let both = format!("{there},{here}");
    let (sent, says) = send(&both, &["--no-register"]);
    assert_eq!(sent, 0, "{says}");
    let (sent, says) = send(&there, &["--no-register"]);
    assert_eq!(sent, 0, "they are one room now: {says}");
    assert_eq!(read(&home.data("rooms.jsonl")).lines().count(), 1);
    assert_eq!(read(&home.data("creds.jsonstream")).lines().count(), 1);

    // Without the file the addresses name the room, as before.
    std::fs::remove_file(home.data("rooms.jsonl")).unwrap();
    std::fs::create_dir(home.data("rooms.jsonl")).unwrap();
    let (sent, says) = send(&here, &["--no-register"]);
    assert_eq!(sent, 0, "{says}");
    assert_eq!(send(&there, &["--no-register"]).0, 2);
}
