//! The server's side of the write port.

mod interface;
mod machine;
mod plain_message;
mod replies;

pub use interface::{WriterServerCommand, WriterServerConfig, WriterServerEvent};
pub use machine::WriterServer;
