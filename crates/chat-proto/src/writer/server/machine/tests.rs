//! Tests of what the server does with a message that is too long.

use std::time::Instant;

use super::*;
use crate::account::{Account, Nickname};

/// Returns a machine after a login, without output.
fn in_the_chat(now: Instant) -> WriterServer {
    let mut server = WriterServer::new(WriterServerConfig::default(), now);
    server.handle_input(Line::from("t"), now).unwrap();
    let account = Account { nickname: Nickname::new("Keen Bob").unwrap(), token: Token::new("t").unwrap() };
    server.handle_command(WriterServerCommand::Accept(account), now).unwrap();
    while !matches!(server.poll_output(), Output::Timeout(_)) {}
    server
}

#[test]
fn too_long_message_is_not_confirmed() {
    let now = Instant::now();
    let mut server = in_the_chat(now);
    for _ in 0..100 {
        server.handle_input(Line::from("x".repeat(1_000)), now).unwrap();
    }
    server.handle_input(Line::from(""), now).unwrap();
    assert_eq!(server.poll_output(), Output::Event(WriterServerEvent::Discarded));
    assert!(matches!(server.poll_output(), Output::Timeout(_)), "it is not confirmed");
    server.handle_input(Line::from("next"), now).unwrap();
    server.handle_input(Line::from(""), now).unwrap();
    assert!(
        matches!(server.poll_output(), Output::Event(WriterServerEvent::Post { id: None, text }) if text.as_str() == "next")
    );
}
