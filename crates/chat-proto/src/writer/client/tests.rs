use std::time::{Duration, Instant};

use crate::account::Token;
use crate::dialogue::{GREETING, WELCOME};
use crate::error::ProtocolError;
use crate::ident::PostId;
use crate::line::Line;
use crate::state_machine::{Output, StateMachine as _};
use crate::text::Text;
use crate::writer::client::interface::{Intent, WriterClientCommand, WriterClientConfig};
use crate::writer::client::machine::WriterClient;

fn in_chat(now: Instant) -> WriterClient {
    let token = Token::new("9a08").unwrap();
    let mut client = WriterClient::new(WriterClientConfig::new(Intent::Login(token)), now);
    let account = r#"{"nickname": "Bob", "account_hash": "9a08", "extensions": ["id"]}"#;
    for line in [GREETING, account, WELCOME] {
        client.handle_input(Line::from(line), now).unwrap();
    }
    client
}

fn post(client: &mut WriterClient, key: u64, now: Instant) {
    let (id, text) = (PostId::new(&key.to_string()).unwrap(), Text::new("hello").unwrap());
    client.handle_command(WriterClientCommand::Post { key, id, text }, now).unwrap();
}

#[test]
fn other_lines_do_not_extend_the_timeout() {
    for chatter in ["\u{1}{}", "\u{1}{\"ok\": \"another\", \"stream\": \"k3f9\", \"seq\": 1}", "\u{1}{\"pong\": 1}"] {
        let start = Instant::now();
        let mut client = in_chat(start);
        post(&mut client, 1, start);
        for second in 1..10 {
            let now = start + Duration::from_secs(second);
            client.handle_input(Line::from(chatter), now).unwrap();
            client.handle_timeout(now).unwrap();
        }
        let end = client.handle_timeout(start + Duration::from_secs(10));
        assert!(matches!(end, Err(ProtocolError::TimedOut { .. })), "{chatter}: {end:?}");
    }
}

#[test]
fn an_answer_extends_the_time_of_the_next() {
    let start = Instant::now();
    let mut client = in_chat(start);
    (1..=2).for_each(|key| post(&mut client, key, start));
    let at = |second| start + Duration::from_secs(second);
    let ok = |key| Line::from(format!("\u{1}{{\"ok\": \"{key}\", \"stream\": \"k3f9\", \"seq\": {key}}}"));
    client.handle_input(ok(1), at(9)).unwrap();
    client.handle_timeout(at(18)).unwrap();
    client.handle_input(ok(2), at(18)).unwrap();
    client.handle_input(Line::from("\u{1}{}"), at(20)).unwrap();
    while client.poll_output() != Output::Timeout(Some(at(25))) {}
    client.handle_timeout(at(25)).unwrap();
    assert_eq!(client.poll_output(), Output::Transmit(Line::default()));
}
