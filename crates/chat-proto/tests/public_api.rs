//! Checks that every public type can be sent between threads.
#![allow(missing_docs)]

use chat_proto::*;

fn is_send_and_sync<T: Send + Sync>() {}

#[test]
fn all_types_are_send_and_sync() {
    is_send_and_sync::<Account>();
    is_send_and_sync::<CodecError>();
    is_send_and_sync::<DeclineCode>();
    is_send_and_sync::<Excerpt>();
    is_send_and_sync::<Expected>();
    is_send_and_sync::<Extensions>();
    is_send_and_sync::<Frame>();
    is_send_and_sync::<IdError>();
    is_send_and_sync::<Intent>();
    is_send_and_sync::<Keepalive>();
    is_send_and_sync::<Line>();
    is_send_and_sync::<LineCodec>();
    is_send_and_sync::<ListenerClient>();
    is_send_and_sync::<ListenerClientConfig>();
    is_send_and_sync::<ListenerClientEvent>();
    is_send_and_sync::<ListenerServer>();
    is_send_and_sync::<ListenerServerCommand>();
    is_send_and_sync::<ListenerServerConfig>();
    is_send_and_sync::<ListenerServerEvent>();
    is_send_and_sync::<Message>();
    is_send_and_sync::<Nickname>();
    is_send_and_sync::<NicknameError>();
    is_send_and_sync::<Nonce>();
    is_send_and_sync::<NotReady<WriterClientCommand>>();
    is_send_and_sync::<NumberedLines>();
    is_send_and_sync::<Output<WriterClientEvent>>();
    is_send_and_sync::<PlainLines>();
    is_send_and_sync::<Position>();
    is_send_and_sync::<PositionError>();
    is_send_and_sync::<PostId>();
    is_send_and_sync::<ProtocolError>();
    is_send_and_sync::<Refusal>();
    is_send_and_sync::<ResumeAnswer>();
    is_send_and_sync::<ResumeFrom>();
    is_send_and_sync::<ResumeRequest>();
    is_send_and_sync::<SeqRange>();
    is_send_and_sync::<StreamId>();
    is_send_and_sync::<Text>();
    is_send_and_sync::<TextError>();
    is_send_and_sync::<Token>();
    is_send_and_sync::<TokenError>();
    is_send_and_sync::<WriterClient>();
    is_send_and_sync::<WriterClientCommand>();
    is_send_and_sync::<WriterClientConfig>();
    is_send_and_sync::<WriterClientEvent>();
    is_send_and_sync::<WriterServer>();
    is_send_and_sync::<WriterServerCommand>();
    is_send_and_sync::<WriterServerConfig>();
    is_send_and_sync::<WriterServerEvent>();
}

#[cfg(feature = "connection")]
#[test]
fn connections_are_send_and_sync() {
    is_send_and_sync::<Connection<ListenerClient, tokio::io::DuplexStream>>();
    is_send_and_sync::<Connection<WriterServer, tokio::io::DuplexStream>>();
    is_send_and_sync::<ConnectionError>();
}
