//! The server over real sockets, with peers that send raw bytes. No test waits for time to pass: tests wait for bytes,
//! ends and answers, and a guard fails a test that hangs.
#![allow(clippy::unwrap_used, missing_docs)]

mod bad_input;
mod binary;
mod clean_shutdown;
#[cfg(unix)]
mod cluster;
#[cfg(unix)]
mod cluster_document;
mod config_file;
mod damage;
mod dialogue;
#[cfg(target_os = "linux")]
mod disk;
#[cfg(unix)]
mod dist;
#[cfg(unix)]
mod documents;
mod drain;
mod embedding;
mod fan_out;
#[cfg(unix)]
mod hostile;
mod limits;
mod metrics;
#[cfg(unix)]
mod moderation;
mod nodes;
#[cfg(unix)]
mod old_clients;
mod peer;
#[cfg(unix)]
mod process;
#[cfg(unix)]
mod protection;
#[cfg(unix)]
mod proxy;
#[cfg(unix)]
mod reload;
mod resume;
mod retention;
mod siege;
mod slow_accounts;
mod storage;
#[cfg(unix)]
mod transfer;
