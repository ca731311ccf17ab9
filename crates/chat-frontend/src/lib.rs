//! Code shared by the programs `chat` and `chat-tui` that does not belong in a library: exit codes, reports on standard
//! error, the log format, the original command-line spellings, durations as users type them, and the local room.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod exit;
pub mod legacy_args;
pub mod local_room;
pub mod logging;
pub mod report;
pub mod time;

pub use exit::Exit;
