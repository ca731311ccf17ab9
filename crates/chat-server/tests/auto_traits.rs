//! Every main type can be sent to another thread, and those that are shared can be shared between threads.

use chat_server::{
    EmbeddedServer, Figures, Hooks, JournalError, Limits, MemoryJournal, Observer, Server, ServerConfig, ServerHandle,
    StartError,
};

fn is_send<T: Send>() {}
fn is_send_and_sync<T: Send + Sync>() {}

#[test]
fn main_types_are_send_and_sync() {
    is_send_and_sync::<(ServerConfig, Limits, Hooks, Figures, Observer)>();
    is_send_and_sync::<(Server, ServerHandle, StartError, JournalError)>();
    is_send::<(MemoryJournal, EmbeddedServer)>();
}

#[cfg(feature = "sqlite")]
#[test]
fn the_store_can_move_to_its_thread() {
    is_send::<chat_server::SqliteJournal>();
}
