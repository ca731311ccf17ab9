//! The server over real sockets, as somebody with raw bytes sees it. Nothing here waits for a time
//! to pass: bytes, ends and answers are waited for, and a guard fails a test that hangs.
#![allow(clippy::unwrap_used, missing_docs)]

mod binary;
mod clean_shutdown;
mod config_file;
mod damage;
mod dialogue;
mod drain;
mod fan_out;
#[cfg(unix)]
mod hostile;
mod limits;
mod metrics;
mod peer;
#[cfg(unix)]
mod process;
mod resume;
mod siege;
mod storage;
