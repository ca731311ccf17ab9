//! Feeds any lines in any order, at any time, to all four machines: they may return errors, but never panic, and never
//! produce more output than the input accounts for.
#![allow(clippy::unwrap_used, missing_docs)]

use std::time::{Duration, Instant};

use chat_proto::*;
use proptest::prelude::*;

/// The next action of a peer.
#[derive(Debug, Clone)]
enum Act {
    Line(String),
    End(Option<String>),
    Wait(u64),
    /// A command of the program, as far as the machine allows it.
    Command(u8),
}

/// Returns lines that are valid at one place, sent at any place, and arbitrary text.
fn any_line() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        GREETING.to_owned(),
        NICKNAME_PROMPT.to_owned(),
        UNKNOWN_TOKEN.to_owned(),
        WELCOME.to_owned(),
        CONFIRMATION.to_owned(),
        String::new(),
        "  ".to_owned(),
        "GET / HTTP/1.1".to_owned(),
        "Keen Bob: hello".to_owned(),
        r#"{"nickname": "Bob", "account_hash": "9a08", "extensions": ["id", "resume"]}"#.to_owned(),
        "\u{1}{\"resume\": {\"last\": 3}, \"nonce\": \"n\"}".to_owned(),
        "\u{1}{\"stream\": \"s\", \"from\": 18446744073709551615, \"head\": 0, \"plain\": [9, 1], \"nonce\": \"n\"}"
            .to_owned(),
        "\u{1}{\"stream\": \"s\", \"from\": 1, \"head\": 3, \"plain\": [0, 18446744073709551615], \"nonce\": \"n\"}"
            .to_owned(),
        "\u{1}{\"seq\": 18446744073709551615, \"at\": -1, \"nick\": \"x\", \"text\": \"y\"}".to_owned(),
        "\u{1}{\"seq\": 2, \"at\": 0, \"nick\": \"x\", \"text\": \"y\"}".to_owned(),
        "\u{1}{\"id\": \"a\", \"text\": \"b\\nc\"}".to_owned(),
        "\u{1}{\"ok\": \"a\", \"stream\": \"s\", \"seq\": 1}".to_owned(),
        "\u{1}{\"no\": \"a\", \"code\": \"rate\", \"retry_after_ms\": 18446744073709551615}".to_owned(),
        "\u{1}{\"ping\": 1}".to_owned(),
        "\u{1}{\"pong\": 1}".to_owned(),
    ]);
    prop_oneof![4 => known, 1 => any::<String>()]
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => any_line().prop_map(Act::Line),
        1 => prop::option::of(any_line()).prop_map(Act::End),
        3 => (0u64..700_000).prop_map(Act::Wait),
        6 => any::<u8>().prop_map(Act::Command),
    ]
}

/// Plays the actions until the machine fails. Returns how many lines it sent.
fn play<M: StateMachine>(
    mut machine: M,
    acts: &[Act],
    mut now: Instant,
    wish: impl Fn(u8) -> Option<M::Command>,
) -> usize {
    let mut said = 0;
    for act in acts {
        let outcome = match act {
            Act::Line(line) if machine.wants_input() => machine.handle_input(Line::from(line.as_str()), now),
            Act::Line(_) => Ok(()),
            Act::End(rest) => machine.handle_end(rest.as_deref().map(Line::from), now),
            Act::Wait(ms) => {
                now += Duration::from_millis(*ms);
                machine.handle_timeout(now)
            }
            Act::Command(which) => {
                if let Some(command) = wish(*which) {
                    let _ = machine.handle_command(command, now);
                }
                Ok(())
            }
        };
        let mut turns = 0;
        loop {
            match machine.poll_output() {
                Output::Transmit(line) => {
                    assert!(!line.as_str().contains('\n'));
                    said += 1;
                }
                Output::Event(_) => {}
                Output::Timeout(_) => break,
            }
            turns += 1;
            assert!(turns < 10_000, "the machine never stops sending");
        }
        if outcome.is_err() {
            break;
        }
    }
    said
}

fn id(text: &str) -> PostId {
    PostId::new(text).unwrap()
}

/// Returns fragments of JSON that follow an id, and arbitrary text.
fn after_an_id() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        ", \"text\": \"hi\"",
        ", \"text\": \"\\ud800\"",
        ", \"text\": \"\\ud83d\\ude00\\udc00\"",
        ", \"text\": \" \"",
        ", \"text\": 5",
        ", \"id\": \"b\"",
        ", \"id\": 5",
        ", \"id\": \"not an id\"",
        ", \"seq\": -1",
        ", \"ok\": \"c\", \"stream\": \"s\", \"seq\": 1",
        ", \"no\": \"c\", \"code\": \"rate\"",
        ", \"resume\": {\"last\": 1}, \"nonce\": \"n\"",
        ", \"ping\": 1",
        "}",
        "{",
        "\\",
    ]);
    prop::collection::vec(prop_oneof![4 => known.prop_map(str::to_owned), 1 => "[^\n]{0,8}"], 0..6)
        .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_line_with_an_id_is_answered(tail in after_an_id()) {
        let now = Instant::now();
        let mut server = WriterServer::new(WriterServerConfig::default(), now);
        server.handle_input(Line::from("t"), now).unwrap();
        let account = Account { nickname: Nickname::new("Keen Bob").unwrap(), token: Token::new("t").unwrap() };
        server.handle_command(WriterServerCommand::Accept(account), now).unwrap();
        while !matches!(server.poll_output(), Output::Timeout(_)) {}
        server.handle_input(Line::from(format!("\u{1}{{\"id\": \"a\"{tail}")), now).unwrap();
        let mut answers = 0;
        loop {
            match server.poll_output() {
                Output::Event(WriterServerEvent::Post { id: Some(_), .. }) => answers += 1,
                Output::Transmit(line) if line.as_str().contains("{\"no\": ") => answers += 1,
                Output::Timeout(_) => break,
                _ => {}
            }
        }
        prop_assert_eq!(answers, 1);
    }

    #[test]
    fn writer_server(acts in prop::collection::vec(any_act(), 0..60), strict: bool) {
        let now = Instant::now();
        let mut config = WriterServerConfig::default();
        config.strict = strict;
        let said = play(WriterServer::new(config, now), &acts, now, |which| Some(match which % 5 {
            0 => WriterServerCommand::Accept(Account {
                nickname: Nickname::new("Keen Bob").unwrap(),
                token: Token::new("t").unwrap(),
            }),
            1 => WriterServerCommand::Deny,
            2 => WriterServerCommand::Confirm,
            3 => WriterServerCommand::Stored {
                id: id("a"),
                position: Position { stream: StreamId::new("s").unwrap(), seq: 1 },
            },
            _ => WriterServerCommand::Decline { id: id("a"), code: DeclineCode::Storage, retry_after: None, reason: None },
        }));
        prop_assert!(said <= 1 + 2 * acts.len());
    }

    #[test]
    fn writer_client(acts in prop::collection::vec(any_act(), 0..60), register: bool) {
        let now = Instant::now();
        let intent = if register {
            Intent::Register(Nickname::new("Bob").unwrap())
        } else {
            Intent::Login(Token::new("t").unwrap())
        };
        let said = play(WriterClient::new(WriterClientConfig::new(intent), now), &acts, now, |which| {
            Some(WriterClientCommand::Post { key: which.into(), id: id("a"), text: Text::new("hi").unwrap() })
        });
        prop_assert!(said <= 2 * acts.len());
    }

    #[test]
    fn listener_server(acts in prop::collection::vec(any_act(), 0..60)) {
        let now = Instant::now();
        let stream = StreamId::new("s").unwrap();
        let said = play(ListenerServer::new(&ListenerServerConfig::default(), now), &acts, now, |which| {
            let position = Position { stream: stream.clone(), seq: which.into() };
            Some(if which % 2 == 0 {
                ListenerServerCommand::Answer(ResumeAnswer::new(stream.clone(), 1, 0))
            } else {
                ListenerServerCommand::Deliver(
                    Message::new(Nickname::new("x").ok(), Text::new("two\nlines").unwrap()).with_position(position),
                )
            })
        });
        prop_assert!(said <= acts.len());
    }

    #[test]
    fn listener_client(acts in prop::collection::vec(any_act(), 0..60), ask: bool) {
        let now = Instant::now();
        let from = ResumeFrom::After(Position { stream: StreamId::new("s").unwrap(), seq: u64::MAX });
        let resume = ask.then(|| ResumeRequest::new(from, Nonce::new("n").unwrap()));
        let config = ListenerClientConfig::default().with_resume(resume);
        let said = play(ListenerClient::new(config, now), &acts, now, |_| None);
        prop_assert!(said <= 1 + acts.len());
    }
}
