//! The client side of the write port with a hostile server, account line included.
#![no_main]

use chat_proto::{Intent, Nickname, PostId, Text, Token, WriterClient, WriterClientCommand, WriterClientConfig};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&kind, data)) = data.split_first() else { return };
    let intent = if kind % 2 == 0 {
        Intent::Login(Token::new("t").unwrap())
    } else {
        Intent::Register(Nickname::new("Bob").unwrap())
    };
    let new = |now| WriterClient::new(WriterClientConfig::new(intent), now);
    chat_fuzz::play(data, new, |which| {
        let id = PostId::new("a").unwrap();
        Some(WriterClientCommand::Post { key: which.into(), id, text: Text::new("two\nlines").unwrap() })
    });
});
