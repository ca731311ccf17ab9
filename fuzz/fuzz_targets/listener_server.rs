//! The server side of the listen port with a hostile client.
#![no_main]

use chat_proto::{ListenerServer, ListenerServerCommand, ListenerServerConfig, Message, Nickname, Position, ResumeAnswer, StreamId, Text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let stream = StreamId::new("s").unwrap();
    let new = |now| ListenerServer::new(&ListenerServerConfig::default(), now);
    chat_fuzz::play(data, new, |which| match which {
        b'a' => Some(ListenerServerCommand::Answer(ResumeAnswer::new(stream.clone(), 1, 0))),
        _ => Some(ListenerServerCommand::Deliver(
            Message::new(Nickname::new("x").ok(), Text::new("two\nlines").unwrap())
                .with_position(Position { stream: stream.clone(), seq: which.into() })
                .with_time(-1),
        )),
    });
});
