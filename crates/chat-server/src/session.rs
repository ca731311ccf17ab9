//! One connection each: the state machines of chat-proto joined to accounts, journal and log.

mod account_access;
mod context;
mod listener;
mod read_turns;
#[cfg(test)]
#[path = "../tests/support/test_room.rs"]
pub(crate) mod test_room;
mod writer;

#[cfg(all(feature = "bin", unix))]
pub(crate) use self::context::{joined_text, renamed_text};
pub(crate) use self::{
    context::SessionContext,
    listener::{IdleListener, ListenerExit, ListenerSession, TaskEnd},
    writer::{ShutdownSignal, WriterSession},
};
