//! A minechat server that confirms a message only when it is stored.
//!
//! ```text
//!  write port ─> writer session ─> committer ─> journal (one transaction, one fsync)
//!                      ^               │
//!                      │ answers       └─> room: the shared log, encoded once
//!                      └───────────────┘         │ a place each
//!  listen port <─ listener session <─────────────┘<─ journal, for those who fell behind
//! ```
//!
//! A message is in the [`Journal`] before any listener sees it, and every listener can see it before its writer is
//! told. A listener is a cursor in the shared log, not a queue, so a slow one costs no memory and loses nothing.
//!
//! The protocol is in `chat-proto`.
//!
//! # Example
//! ```
//! use chat_server::{MemoryJournal, Server, ServerConfig};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::start(ServerConfig::on_free_ports(), MemoryJournal::new()).await?;
//! println!("listen on {}, write to {}", server.listen_addr(), server.write_addr());
//! server.drain().await?;
//! # Ok(())
//! # }
//! ```
//! With `SqliteJournal::open("some/dir")?` in place of the journal in memory, accounts and messages outlive the
//! process.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod accounts;
mod action;
mod address_range;
#[cfg(all(feature = "bin", unix))]
#[doc(hidden)]
pub mod admin;
mod admission;
mod byte_rates;
#[cfg(feature = "bin")]
#[doc(hidden)]
pub mod cluster;
#[cfg(feature = "bin")]
#[doc(hidden)]
pub mod command_line;
mod committer;
mod config;
mod entry;
mod error;
mod fan_out;
mod hooks;
mod journal;
mod limits;
mod live_limits;
mod log;
mod meters;
mod moderation;
#[cfg(feature = "nats")]
pub mod nats;
mod net;
mod presence;
mod rate;
mod rate_limited_log;
mod registration;
#[cfg(feature = "sqlite")]
pub mod replication;
mod retention;
mod server;
mod session;
mod space;
#[cfg(feature = "bin")]
#[doc(hidden)]
pub mod transfer;

pub use accounts::TokenHash;
pub use action::{AccountId, ActionDraft, ActionRecord, OperatorAction};
pub use address_range::{AddressRange, AddressRangeError};
pub use chat_proto::{ProxyHeader, ProxyHeaderError, ProxyProgress};
pub use config::{DEFAULT_LISTEN_PORT, DEFAULT_WRITE_PORT, ServerConfig};
pub use entry::{
    AccountRecord, Appended, Author, Draft, LogEntry, LogStream, MessageRecord, SERVER_ACCOUNT, Tombstone,
};
pub use error::{ForeignDataDir, JournalError, StartError};
pub use hooks::{Hooks, PostDecision, ServerHooks};
pub use journal::{AccountIndex, Journal, JournalReader, MemoryJournal, ReadLimit};
#[cfg(feature = "bin")]
#[doc(hidden)]
pub use journal::{
    BackupReport, ImportReport, LogBeginning, NodeCopy, RestoreReport, StorePlace, backup_store, export_store,
    import_store, restore_store, store_place,
};
#[cfg(feature = "sqlite")]
pub use journal::{
    CheckReport, Recovery, SqliteJournal, SqliteProjection, check_store, list_accounts, revoke_account,
    revoke_account_by_id,
};
pub use limits::{Limits, Rate};
#[cfg(feature = "sqlite")]
pub use meters::NodeFigures;
pub use meters::{COMMIT_BOUNDS, CommitTimes, Declined, Figures, Observer, PerPort, Readiness, RefusedRegistrations};
#[cfg(feature = "tls")]
pub use net::{TlsCertificate, TlsPorts};
pub use registration::{Invitation, RegistrationPolicy};
pub use retention::{ExpiryStep, Retention};
pub use server::{EmbeddedServer, Server, ServerHandle};

/// Runs the examples of the README as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ServerReadme;
