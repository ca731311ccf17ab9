//! The server's side of the listen port.

mod interface;
mod machine;

pub use interface::{ListenerServerCommand, ListenerServerConfig, ListenerServerEvent};
pub use machine::ListenerServer;
