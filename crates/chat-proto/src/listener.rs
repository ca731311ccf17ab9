//! The listen port: plain lines, or a numbered log that can be read on from any place.

mod client;
mod server;

pub use client::{ListenerClient, ListenerClientConfig, ListenerClientEvent};
pub use server::{ListenerServer, ListenerServerCommand, ListenerServerConfig, ListenerServerEvent};
