//! Code shared by the programs `chat`, `chat-tui` and `chat-web` that does not belong in a library: exit codes, reports on standard
//! error, the log format, the original command-line spellings, durations as users type them, manual pages, blocking
//! work, the signals that end a program, QR codes of links, and the local room.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod blocking;
mod exit;
pub mod legacy_args;
pub mod local_room;
pub mod logging;
#[cfg(feature = "manual")]
pub mod manual;
mod process;
pub mod qr;
pub mod report;
pub mod signals;
pub mod streams;
pub mod time;

pub use blocking::unblock;
pub use exit::Exit;
pub use process::forbid_core_dumps;
