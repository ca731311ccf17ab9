//! The server side of the write port with a hostile client.
#![no_main]

use chat_proto::{
    Account, DeclineCode, Nickname, Position, PostId, StreamId, Token, WriterServer, WriterServerCommand,
    WriterServerConfig,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let id = PostId::new("a").unwrap();
    let position = Position { stream: StreamId::new("s").unwrap(), seq: 1 };
    let account = Account { nickname: Nickname::new("Keen Bob").unwrap(), token: Token::new("t").unwrap() };
    let new = |now| WriterServer::new(WriterServerConfig::default(), now);
    chat_fuzz::play(data, new, |which| match which {
        b'a' => Some(WriterServerCommand::Accept(account.clone())),
        b'd' => Some(WriterServerCommand::Deny),
        b'c' => Some(WriterServerCommand::Confirm),
        b's' => Some(WriterServerCommand::Stored { id: id.clone(), position: position.clone() }),
        b'n' => Some(WriterServerCommand::Decline {
            id: id.clone(),
            code: DeclineCode::Rate,
            retry_after: None,
            reason: None,
        }),
        _ => None,
    });
});
