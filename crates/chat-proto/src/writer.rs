//! The write port: login, registration, posts and their confirmations.

mod client;
mod server;

pub use client::{Intent, WriterClient, WriterClientCommand, WriterClientConfig, WriterClientEvent};
pub use server::{WriterServer, WriterServerCommand, WriterServerConfig, WriterServerEvent};
