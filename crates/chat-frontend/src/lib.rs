//! What the programs `chat` and `chat-tui` share and a library must not have: exit codes, reports on standard error,
//! the log format, the original command-line spellings, durations as people type them, and the local room.
//!
//! Nothing here knows a command, a screen or the wire.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod exit;
pub mod legacy_args;
pub mod local_room;
pub mod logging;
pub mod report;
pub mod time;

pub use exit::Exit;
