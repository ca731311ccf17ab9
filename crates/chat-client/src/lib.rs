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
//! let writer = Writer::builder(config.clone()).token(Token::new("9a08f44c-c541-41eb-8c47-0242ac110002")?).start();
//! let mut listener = Listener::builder(config).start();
//! while let Some(event) = listener.next().await {
//!     if let ListenerEvent::Message(message) = event && message.text.as_str() == "ping" {
//!         writer.send(Text::new("pong")?).await?.await?;
//!     }
//! }
//! # Ok(()) }
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod accounts;
mod config;
mod delivery_state;
mod files;
pub mod history;
mod listener;
mod net;
mod outbox;
mod settings;
pub mod testing;
mod time;
mod writer;

pub use chat_proto::display;
pub use chat_proto::{
    Account, DeclineCode, Expected, Extensions, IdError, Keepalive, MAX_TEXT_BYTES, Message, Nickname, NicknameError,
    PlainLines, Position, PostId, ProtocolError, Refusal, Seq, StreamId, Text, TextError, Token, TokenError,
};
pub use private_files::{FileLock, LockError, Repair};

pub use accounts::credentials::Credentials;
pub use accounts::error::CredentialsError;
pub use accounts::format::CachedAccount;
pub use accounts::names_seen::NamesSeen;
pub use accounts::register::{register, register_with};
pub use config::{ClientConfig, Resume, RetryPolicy, Side};
pub use delivery_state::{DeliveryState, Receipt};
pub use files::paths::{self, PathsError};
pub use files::warning::FileWarning;
pub use history::{History, HistoryError, HistoryFollower, HistoryLine, Recorder};
pub use listener::cursor::{Cursor, CursorError};
pub use listener::event::{ClosedCause, EventBatch, ListenerEvent};
pub use listener::gap::{Gap, GapCause};
pub use listener::handle::{Listener, ListenerBuilder, ListenerHandle, Messages};
pub use net::connect::connect;
pub use net::dial::{Dial, DialFuture, TcpDial};
pub use net::error::{ConnectError, Retry};
pub use net::io::{BoxedIo, Io};
pub use net::state::ConnectionState;
pub use net::trust::{ClientIdentity, Fingerprint, FingerprintError, TlsError, Trust};
pub use outbox::echo::{Echo, EchoMatcher, EchoOutcome};
pub use outbox::entry::{OutboxEntry, STALE_AFTER};
pub use outbox::error::OutboxError;
pub use outbox::log::Outbox;
pub use settings::layer::{Layer, SettingsError, VariableProblem};
pub use settings::resolved::{Settings, read_token_file};
pub use writer::builder::WriterBuilder;
pub use writer::delivery::{Delivery, DeliveryError, PostError, SendError};
pub use writer::handle::{Writer, fresh_post_id};
pub use writer::hold::{Hold, HoldReason};
pub use writer::options::SendOptions;
pub use writer::shutdown::{SettledPost, ShutdownReport};
