//! Every main type can be sent to and shared between threads.

use chat_client::{
    ClientConfig, ConnectError, Cursor, Delivery, DeliveryState, EchoMatcher, Listener, ListenerEvent, ListenerHandle,
    NodeAddress, Outbox, Recorder, TcpDial, Writer, WriterBuilder,
};

fn is_send_and_sync<T: Send + Sync>() {}

#[test]
fn main_types_are_send_and_sync() {
    is_send_and_sync::<(ClientConfig, ConnectError, Cursor, Delivery, DeliveryState)>();
    is_send_and_sync::<(EchoMatcher, Listener, ListenerEvent, ListenerHandle, Outbox)>();
    is_send_and_sync::<(NodeAddress, Recorder, TcpDial, Writer, WriterBuilder)>();
}
