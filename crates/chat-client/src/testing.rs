//! Tools for tests of programs that use this crate: a room in memory, and pipes for a scripted one.
//!
//! # Testing your program
//!
//! Give the services a dialler to a [`Room`] instead of an address, and break what can break: [`Room::cut`],
//! [`Room::refuse`], [`Room::silence`], [`Room::decline`], [`Room::restart_keeping_log`]. Under paused time
//! (`#[tokio::test(start_paused = true)]`) waits and timeouts cost nothing, and a `seed` in
//! [`ClientConfig`](crate::ClientConfig) makes each run the same. For single lines of the protocol,
//! [`pipes`](fn@pipes) gives the test the other end of each connection. `docs/testing.md` of the repository is a guide.

mod pipes;
mod room;

pub use pipes::{PipeDial, PipeRoom, pipes};
pub use room::{Room, RoomDial};
