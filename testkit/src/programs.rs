//! The real programs as processes, and raw connections to the server: for loads and faults that act from outside.

mod paths;
mod peer;
mod server;

pub(crate) use paths::Programs;
pub(crate) use peer::{GUARD, Peer, id_post};
pub(crate) use server::{POLL, Server};
