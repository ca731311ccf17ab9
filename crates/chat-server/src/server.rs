//! A running server: its ports, its sessions, and its end.

mod embedded;
mod handle;
mod listener_connection;
mod maintenance;
mod services;
mod start;

pub use self::{embedded::EmbeddedServer, handle::ServerHandle, start::Server};
