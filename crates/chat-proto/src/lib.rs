//! The minechat protocol: lines, values, and both sides of both ports as state machines.
//!
//! The state machines use no clock, no random source and no socket. Their inputs are lines, commands and the current
//! time; their outputs are lines to send, events and the next deadline. A test can play a whole conversation without a
//! runtime. They store nothing and repeat nothing; the crates `chat-client` and `chat-server` do that.
//!
//! ```text
//!  bytes ──> LineCodec ──> Line ──> handle_input ────┐
//!                        command ─> handle_command ──┼──> poll_output ──> Transmit ──> bytes
//!                          clock ─> handle_timeout ──┘               └──> Event ─────> program
//! ```
//!
//! | port | server | client |
//! |---|---|---|
//! | write | [`WriterServer`] | [`WriterClient`] |
//! | listen | [`ListenerServer`] | [`ListenerClient`] |
//!
//! - **Values:** [`Line`], [`Text`], [`Message`], [`Account`], [`Nickname`], [`Token`], [`PostId`], [`StreamId`],
//!   [`Position`].
//! - **Driving:** [`StateMachine`], [`Output`], [`LineCodec`], and `Connection`, which does the I/O.
//! - **Errors:** [`ProtocolError`], [`CodecError`].
//! - **Terminals:** [`display`] makes text of other users safe to show.
//!
//! # Example
//!
//! ```
//! use std::time::Instant;
//! use chat_proto::{Intent, Line, Output, StateMachine, Token, WriterClient, WriterClientConfig};
//!
//! let token = Token::new("9a08f44c-c541-41eb-8c47-0242ac110002")?;
//! let mut client = WriterClient::new(WriterClientConfig::new(Intent::Login(token)), Instant::now());
//! client.handle_input(Line::from(chat_proto::GREETING), Instant::now())?;
//! assert!(matches!(client.poll_output(), Output::Transmit(line) if line.as_str().starts_with("9a08")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! - `connection` (default): `Connection`, the only part with I/O. It needs tokio with timers. Without the feature the
//!   crate does not depend on tokio.
//!
//! # Public dependencies
//!
//! `bytes` 1 is part of signatures. [`LineCodec`] implements the codec traits of `tokio-util` 0.7: it is the codec
//! interface of the runtime that this project uses, and there is no version 1.0 of it.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod account;
mod codec;
#[cfg(feature = "connection")]
mod connection;
mod dialogue;
pub mod display;
mod error;
mod extension;
mod foreign;
mod ident;
mod keepalive;
mod line;
mod listener;
mod message;
mod numbered_lines;
mod plain_lines;
mod proxy_header;
mod state_machine;
mod text;
mod writer;

pub use account::{Account, MAX_NICKNAME_BYTES, MAX_TOKEN_BYTES, Nickname, NicknameError, Token, TokenError};
pub use codec::{CodecError, Frame, LineCodec, MAX_INPUT_EXTENSION, MAX_INPUT_LINE, MAX_OUTPUT_LINE, MAX_POST_LINE};
#[cfg(feature = "connection")]
pub use connection::{Connection, ConnectionError, DeadlineTimer};
pub use dialogue::{CONFIRMATION, Extensions, GREETING, NICKNAME_PROMPT, UNKNOWN_TOKEN, WELCOME};
pub use error::{Excerpt, Expected, ProtocolError, Refusal};
pub use extension::{
    DeclineCode, Nonce, RemovedMessage, ResumeAnswer, ResumeFrom, ResumeRequest, SeqRange, encode_expired,
    encode_numbered, encode_removed,
};
pub use ident::{IdError, MAX_ID_BYTES, Position, PositionError, PostId, Seq, StreamId};
pub use keepalive::Keepalive;
pub use line::{EXTENSION_MARK, Line};
pub use listener::{
    ListenerClient, ListenerClientConfig, ListenerClientEvent, ListenerServer, ListenerServerCommand,
    ListenerServerConfig, ListenerServerEvent,
};
pub use message::{Message, encode_plain};
pub use numbered_lines::NumberedLines;
pub use plain_lines::PlainLines;
pub use proxy_header::{ProxyHeader, ProxyHeaderError, ProxyProgress};
pub use state_machine::{NotReady, Output, StateMachine};
pub use text::{MAX_TEXT_BYTES, Text, TextError};
pub use writer::{
    Intent, WriterClient, WriterClientCommand, WriterClientConfig, WriterClientEvent, WriterServer,
    WriterServerCommand, WriterServerConfig, WriterServerEvent,
};

/// Compiles and runs the example in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
