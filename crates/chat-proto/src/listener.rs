//! The listen port: plain lines, or a numbered log that can be continued from any position.

mod client;
mod server;

pub use client::{ListenerClient, ListenerClientConfig, ListenerClientEvent};
pub use server::{ListenerServer, ListenerServerCommand, ListenerServerConfig, ListenerServerEvent};
