//! The report of `chat send` about unconfirmed messages: a receipt for each line, the reason, and the exit code.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Output;

use chat_server::{Rate, ServerConfig};
use support::*;
use testkit::wire::{GREETING, OFFERING_WELCOME, TOKEN, account};

/// Returns the lines that have a receipt, each once, with its state.
fn receipts(output: &Output) -> Vec<(u64, String)> {
    let told = objects(&out(output));
    let mut lines: Vec<_> =
        told.iter().map(|o| (o["line"].as_u64().unwrap(), o["state"].as_str().unwrap().to_owned())).collect();
    lines.sort();
    lines
}

fn error(output: &Output) -> serde_json::Value {
    objects(err(output).lines().last().unwrap()).pop().unwrap()
}

/// Returns `chat send` to a port that refuses connections.
fn to_dead_port(home: &Home, words: &[&str]) -> (std::process::Command, std::net::TcpListener) {
    let (port, guard) = dead_port();
    let mut command = home.chat(["send", "--json", "--port", &port.to_string()]);
    command.args(words);
    (command, guard)
}

#[test]
fn every_line_read_has_one_receipt() {
    let home = Home::new();
    std::fs::write(home.path("token"), "some-token").unwrap();
    for count in [2, 600, 3000] {
        let input: String = (1..=count).map(|number| format!("{number}\n")).collect();
        let (command, _guard) = to_dead_port(&home, &["--no-retry", "--token-file", "token"]);
        let output = run_with_input(command, input.as_bytes());
        assert_eq!(code(&output), 4, "{}", err(&output));
        let told = receipts(&output);
        let lines: Vec<u64> = told.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, (1..=lines.len() as u64).collect::<Vec<_>>());
        assert!(told.iter().all(|(_, state)| state == "never_sent"), "{told:?}");
        let report = error(&output)["message"].as_str().unwrap().to_owned();
        assert!(report.contains(&format!("never sent: line 1-{}", lines.len())), "{report}");
        assert_eq!(report.contains("what follows"), lines.len() < count, "{report}");
    }
}

#[test]
fn unreachable_server_gives_receipts_too() {
    let home = Home::new();
    let (command, _guard) = to_dead_port(&home, &["--no-retry", "-u", "Bob"]);
    let output = run_with_input(command, b"one\ntwo");
    assert_eq!(code(&output), 4, "{}", err(&output));
    assert_eq!(receipts(&output), [(1, "never_sent".into()), (2, "never_sent".into())]);
}

/// A timeout without a connection is "unreachable", with or without a saved account.
#[test]
fn timeout_offline_has_both_causes() {
    let home = Home::new();
    std::fs::write(home.path("token"), "some-token").unwrap();
    for account in [["-u", "Bob"], ["--token-file", "token"]] {
        let (command, _guard) = to_dead_port(&home, &["--timeout", "300ms", account[0], account[1]]);
        let output = run_with_input(command, b"one\ntwo\n");
        assert_eq!(code(&output), 4, "{}", err(&output));
        assert_eq!(receipts(&output), [(1, "never_sent".into()), (2, "never_sent".into())]);
        let error = error(&output);
        let message = error["message"].as_str().unwrap();
        assert_eq!(error["code"], "unreachable");
        assert!(message.contains("time ran out") && message.contains("refused"), "{account:?}: {message}");
    }
}

#[test]
fn timeout_under_a_rate_limit_names_it() {
    let mut config = ServerConfig::default();
    config.limits.posts = Some(Rate::new(0.001, 2));
    let (room, home) = (Room::with(config), Home::new());
    let output =
        run_with_input(home.chat_in(&room, ["send", "-u", "Bob", "--timeout", "2s", "--json"]), b"1\n2\n3\n4\n");
    assert_eq!(code(&output), 6, "{}", err(&output));
    let states: Vec<String> = receipts(&output).into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, ["confirmed", "confirmed", "never_sent", "never_sent"]);
    assert!(objects(&out(&output)).iter().any(|receipt| receipt["code"] == "rate"), "{}", out(&output));
    let error = error(&output);
    let message = error["message"].as_str().unwrap();
    assert_eq!(error["code"], "timeout");
    assert!(message.contains("time ran out") && message.contains("too many messages"), "{message}");
}

#[test]
fn refusal_has_a_reason() {
    let (room, home) = (Room::start(), Home::new());
    let long = "x".repeat(chat_client::MAX_TEXT_BYTES + 1);
    let output = run_with_input(home.chat_in(&room, ["send", "-u", "Bob"]), format!("{long}\nshort\n").as_bytes());
    assert_eq!(code(&output), 3, "{}", err(&output));
    assert!(
        err(&output).contains("refused: line 1 (the message is too long; the limit is 16384 bytes"),
        "{}",
        err(&output)
    );
}

/// Accepts one writer, and declines its post as muted.
fn muting_server() -> u16 {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (stream, _) = server.accept().unwrap();
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        lines.get_mut().write_all(GREETING.as_bytes()).unwrap();
        lines.read_line(&mut line).unwrap();
        let welcome = account("Keen Bob", None) + OFFERING_WELCOME;
        lines.get_mut().write_all(welcome.as_bytes()).unwrap();
        let id = loop {
            line.clear();
            lines.read_line(&mut line).unwrap();
            let object: serde_json::Value = serde_json::from_str(line.trim_start_matches('\u{1}')).unwrap();
            match object.get("id") {
                Some(id) => break id.clone(),
                None => continue,
            }
        };
        let answer = format!("\u{1}{{\"no\": {id}, \"code\": \"muted\", \"reason\": \"flood\\nof links\"}}\n");
        lines.get_mut().write_all(answer.as_bytes()).unwrap();
        // Until the client has ended the connection.
        while lines.read_line(&mut line).is_ok_and(|read| read > 0) {}
    });
    port
}

#[test]
fn a_mute_is_reported_with_its_reason() {
    for json in [true, false] {
        let (port, home) = (muting_server(), Home::new());
        std::fs::write(home.path("token"), TOKEN).unwrap();
        let port = port.to_string();
        let mut command = home.chat(["send", "--port", &port, "--token-file", "token", "-m", "hello"]);
        command.args(json.then_some("--json"));
        let output = run(command);
        assert_eq!(code(&output), 3, "{}", err(&output));
        if json {
            let receipt = objects(&out(&output)).pop().unwrap();
            assert_eq!((&receipt["code"], &receipt["reason"]), (&"muted".into(), &"flood\nof links".into()));
        } else {
            assert!(err(&output).contains("the account is muted: flood of links"), "{}", err(&output));
        }
    }
}
