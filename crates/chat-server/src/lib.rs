//! A minechat server whose confirmations mean stored.
//!
//! ```text
//!  write port ─> writer session ─> committer ─> journal (one transaction, one fsync)
//!                      ^               │
//!                      │ answers       └─> room: the shared log, encoded once
//!                      └───────────────┘         │ a place each
//!  listen port <─ listener session <─────────────┘<─ journal, for those who fell behind
//! ```
//!
//! A message is in the [`Journal`] before any listener sees it, and every listener can see it before
//! its writer is told. A listener is a place in the shared log, not a queue, so a slow one costs
//! nothing and loses nothing.
//!
//! This crate does not speak the wire itself: `chat-proto` does.
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
//! With `SqliteJournal::open("some/dir")?` in the place of the journal in memory, accounts and
//! messages outlive the process.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod accept;
mod accounts;
mod adjectives;
mod admission;
#[cfg(feature = "bin")]
#[doc(hidden)]
pub mod command_line;
mod committer;
mod config;
mod embedded;
mod entry;
mod error;
mod fan_out;
mod journal;
mod limits;
mod meters;
mod nickname;
mod notice;
mod rate;
mod replay;
mod room;
mod server;
mod services;
mod session;
mod stream;
mod throttle;
mod tls;
mod token_hash;

pub use config::{DEFAULT_LISTEN_PORT, DEFAULT_WRITE_PORT, ServerConfig};
pub use embedded::EmbeddedServer;
pub use entry::{AccountId, Appended, Author, Draft, SERVER_ACCOUNT, StoredAccount, StoredMessage, Stream};
pub use error::{CommitError, JournalError, StartError, Stranger};
pub use journal::{
    CheckReport, Journal, JournalReader, MemoryJournal, Page, Recovery, SqliteJournal, check_store, list_accounts,
    revoke_account,
};
pub use limits::{LISTEN_HOLD, Limits, Rate};
pub use meters::{COMMIT_BOUNDS, CommitTimes, Declined, Figures, Observer, PerPort, Readiness};
pub use server::{Server, ServerHandle};
pub use tls::TlsPorts;
pub use token_hash::TokenHash;
