//! A minechat client for programs: services that reconnect automatically, and the files of a client.
//!
//! The protocol is in `chat-proto`; its value types are re-exported here.
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
//! Receiving is a [`Stream`](futures_util::Stream). Sending uses a cloneable handle and two awaits: the first until the
//! message is accepted, the second until it is confirmed. The state of a connection is a [`watch`](tokio::sync::watch).
//! Refusals are final; all other failures are retried. Messages that may have been missed are reported as a gap in the
//! stream, and messages that may not have arrived as unconfirmed.
//!
//! # Where to start
//!
//! - **Services:** [`Listener`] receives, [`Writer`] sends, [`register`] creates an account; [`ClientConfig`] names the
//!   room. [`ListenerEvent`], [`Delivery`] and [`DeliveryState`] are what they report, [`ConnectionState`] how they are.
//!   [`Relay`] forwards one room to another.
//! - **Values:** [`Message`], [`Text`], [`Nickname`], [`Token`], [`Position`], [`PostId`]; all implement `FromStr` where
//!   they have a text form.
//! - **Files** (feature `files`): [`Recorder`] and [`History`], [`Cursor`], [`Outbox`], [`Credentials`], [`KnownRooms`].
//!   Their methods block, which is said at each type.
//! - **Terminals:** [`display`] makes text of other users safe; [`NamesSeen`] notices look-alikes; [`EchoMatcher`]
//!   recognises the program's own messages on the listen port: on a server that numbers messages by the position in the
//!   receipt, so that the text does not matter.
//! - **Settings** (feature `settings`): [`Settings`] and [`Layer`], as the programs of this project use them.
//! - **Several nodes:** [`ClientConfig::with_nodes`] and [`NodeAddress`].
//! - **Your own network:** [`Dial`].
//! - **Tests** (feature `testing`): the module `testing`, a room in memory.
//! - **Metrics and logs:** [`Listener::counters`] and [`Writer::counters`]; each service has a `tracing` span with its
//!   address.
//!
//! A bot that answers `ping`:
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
#[cfg(any(feature = "files", feature = "tls"))]
mod blocking;
mod config;
mod delivery_state;
#[cfg(feature = "files")]
mod files;
#[cfg(feature = "files")]
pub mod history;
mod listener;
mod net;
mod outbox;
mod relay;
#[cfg(feature = "files")]
mod rooms;
#[cfg(feature = "settings")]
mod settings;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod time;
mod writer;

pub use chat_proto::display;
pub use chat_proto::{
    Account, DeclineCode, Expected, Extensions, IdError, Keepalive, MAX_TEXT_BYTES, Message, Nickname, NicknameError,
    NumberedLines, PlainLines, Position, PostId, ProtocolError, Refusal, RemovedMessage, Seq, StreamId, Text,
    TextError, Token, TokenError,
};
#[cfg(feature = "files")]
pub use private_files::{FileLock, LockError, Repair};

#[cfg(feature = "files")]
pub use accounts::credentials::{Credentials, RegistrationLock};
#[cfg(feature = "files")]
pub use accounts::error::CredentialsError;
#[cfg(feature = "files")]
pub use accounts::format::CachedAccount;
pub use accounts::names_seen::NamesSeen;
pub use accounts::register::{register, register_with};
pub use config::node_address::NodeAddress;
pub use config::{ClientConfig, Resume, RetryPolicy, Side};
pub use delivery_state::{DeliveryState, Receipt};
#[cfg(feature = "files")]
pub use files::paths::{self, PathsError};
#[cfg(feature = "files")]
pub use files::warning::FileWarning;
#[cfg(feature = "files")]
pub use history::{History, HistoryError, HistoryFollower, HistoryLine, Recorder};
#[cfg(feature = "files")]
pub use listener::cursor::{Cursor, CursorError};
pub use listener::event::{ClosedCause, EventBatch, ListenerEvent};
pub use listener::gap::{Gap, GapCause};
pub use listener::handle::{Listener, ListenerBuilder, ListenerHandle, Messages};
pub use net::connect::{connect, connect_with};
pub use net::counters::{ListenerCounters, WriterCounters};
pub use net::dial::{Dial, DialFuture, TcpDial};
pub use net::error::{ConnectError, HostProblem, Retry};
pub use net::io::{BoxedIo, Io};
pub use net::state::ConnectionState;
#[cfg(feature = "tls")]
pub use net::trust::{ClientIdentity, Fingerprint, FingerprintError, TlsError, Trust};
pub use outbox::echo::{Echo, EchoMatcher, EchoOutcome};
pub use outbox::entry::{OutboxEntry, STALE_AFTER};
pub use outbox::error::OutboxError;
#[cfg(feature = "files")]
pub use outbox::log::Outbox;
pub use relay::origin::{OriginError, OriginMark};
pub use relay::{Relay, RelayEvent};
#[cfg(feature = "files")]
pub use rooms::error::KnownRoomsError;
#[cfg(feature = "files")]
pub use rooms::key::RoomKey;
#[cfg(feature = "files")]
pub use rooms::known::KnownRooms;
#[cfg(feature = "settings")]
pub use settings::layer::{Layer, SettingsError, VariableProblem};
#[cfg(feature = "settings")]
pub use settings::resolved::{Settings, read_token_file};
pub use writer::builder::WriterBuilder;
pub use writer::delivery::{Delivery, DeliveryError, PostError, SendError};
pub use writer::handle::Writer;
pub use writer::hold::{Hold, HoldReason};
pub use writer::options::{SendOptions, fresh_post_id};
pub use writer::shutdown::{SettledPost, ShutdownReport};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ClientReadme;
