//! The gateway in one process with a room: in memory under virtual time, and a real server on port 0.
#![allow(clippy::unwrap_used)]

mod accounts;
mod cost;
mod first_load;
mod history;
mod posts;
mod process;
mod requests;
mod server;
mod support;
mod transcripts;
