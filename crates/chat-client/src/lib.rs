//! A minechat client for programs: services that keep their connection alive, and the files that a client keeps.
//!
//! It shows nothing and asks nobody: that is what the frontends do. What the wire looks like is `chat-proto`'s
//! business; its value types are re-exported here.
//!
//! ```text
//!            ┌──────────────── this crate ────────────────┐
//!  text ───> Writer ──> queue, Outbox ──> conversation ───> write port
//!                │ Delivery: queued, written, confirmed       (5050)
//!            Supervisor: back-off, states on a watch
//!                │
//!  events <─ Listener <── hearing: place in the log <────── listen port
//!      │                                                      (5000)
//!      └──> Recorder ──> history.txt + cursor ──> History
//! ```
//!
//! Receiving is a [`Stream`](futures_util::Stream), sending a cloneable handle with a double await (taken, then
//! confirmed), the condition of a connection a [`watch`](tokio::sync::watch). Refusals are final; everything else is
//! tried again. What may have been missed is an item of the stream, and what may not have arrived is said.
//!
//! A bot that answers whoever says `ping`:
//!
//! ```no_run
//! use chat_client::{ClientConfig, Listener, ListenerEvent, Text, Token, Writer};
//! use futures_util::StreamExt;
//!
//! # async fn bot() -> Result<(), Box<dyn std::error::Error>> {
//! let config = ClientConfig::new("127.0.0.1");
//! let writer = Writer::start(config.clone(), Token::new("9a08f44c-c541-41eb-8c47-0242ac110002")?);
//! let mut listener = Listener::start(config);
//! while let Some(event) = listener.next().await {
//!     if let ListenerEvent::Message(message) = event && message.text.as_str() == "ping" {
//!         writer.send(Text::new("pong")?).await?.await?;
//!     }
//! }
//! # Ok(()) }
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod backoff;
mod config;
mod credentials;
mod cursor;
mod delivery;
pub mod dial;
mod error;
mod gap;
pub mod history;
mod listener;
mod names_seen;
mod outbox;
mod own_dir;
pub mod paths;
mod profile;
mod register;
mod settings;
mod state;
mod supervisor;
mod tls;
mod warning;
mod writer;

pub use chat_proto::display;
pub use chat_proto::{
    Account, DeclineCode, Expected, Extensions, IdError, Keepalive, MAX_TEXT_BYTES, Message, Nickname, NicknameError,
    PlainLines, Position, PostId, ProtocolError, Refusal, Seq, StreamId, Text, TextError, Token, TokenError,
};
pub use config::{ClientConfig, Resume, RetryPolicy, Side};
pub use credentials::{CachedAccount, Credentials, CredentialsError};
pub use cursor::{Cursor, CursorError};
pub use delivery::{Delivery, DeliveryError, Receipt, SendError};
pub use dial::{Dial, TcpDial};
pub use error::{ConnectError, Retry};
pub use gap::{Gap, GapCause};
pub use history::{History, HistoryError, HistoryFollower, HistoryLine, Recorder};
pub use listener::{EventBatch, Listener, ListenerEvent, ListenerHandle};
pub use names_seen::NamesSeen;
pub use outbox::{EntryState, Outbox, OutboxEntry, OutboxError, STALE_AFTER};
pub use paths::PathsError;
pub use private_files::{FileLock, LockError, Repair};
pub use register::{register, register_with};
pub use settings::{Layer, Settings, SettingsError, VariableProblem, read_token_file};
pub use state::ConnectionState;
pub use tls::{Fingerprint, FingerprintError, TlsError, Trust};
pub use warning::FileWarning;
pub use writer::{ShutdownReport, Writer, fresh_post_id};
