//! The listen port as a hostile client uses it.
#![no_main]

use chat_proto::{ListenerServer, ListenerServerCommand, ListenerServerConfig, Message, Nickname, Position, ResumeAnswer, StreamId, Text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let stream = StreamId::new("s").unwrap();
    let new = |now| ListenerServer::new(&ListenerServerConfig::default(), now);
    chat_fuzz::play(data, new, |which| match which {
        b'a' => Some(ListenerServerCommand::Answer(ResumeAnswer {
            stream: stream.clone(),
            from: 1,
            head: 0,
            plain: None,
        })),
        _ => Some(ListenerServerCommand::Deliver(Message {
            sender: Nickname::new("x").ok(),
            text: Text::new("two\nlines").unwrap(),
            position: Some(Position { stream: stream.clone(), seq: which.into() }),
            at: Some(-1),
        })),
    });
});
