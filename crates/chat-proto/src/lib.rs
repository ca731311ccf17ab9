//! The minechat wire: lines, values, and both sides of both ports as state machines.
//!
//! This crate does no I/O but in [`Connection`] (feature `connection`, on by default), has no clock
//! of its own and no source of chance: time is an argument, and so one test without a runtime plays
//! a whole conversation. It stores nothing, retries nothing and decides about no account; that is
//! what `chat-client` and `chat-server` do with it.
//!
//! ```text
//!  bytes ──> LineCodec ──> Line ──> machine.handle_input ──┐
//!                                   machine.handle_command ├──> machine.poll_output ──> Transmit ──> bytes
//!  clock ─────────────────────────> machine.handle_timeout ┘                     └────> Event ────> our side
//! ```
//!
//! | port  | server's side      | client's side      |
//! |-------|--------------------|--------------------|
//! | write  | [`WriterServer`]   | [`WriterClient`]   |
//! | listen | [`ListenerServer`] | [`ListenerClient`] |
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
mod plain_lines;
mod state_machine;
mod text;
mod writer;

pub use account::{Account, MAX_NICKNAME_BYTES, MAX_TOKEN_BYTES, Nickname, NicknameError, Token, TokenError};
pub use codec::{CodecError, Frame, LineCodec, MAX_INPUT_EXTENSION, MAX_INPUT_LINE, MAX_OUTPUT_LINE};
#[cfg(feature = "connection")]
pub use connection::{Connection, ConnectionError};
pub use dialogue::{CONFIRMATION, Extensions, GREETING, NICKNAME_PROMPT, UNKNOWN_TOKEN, WELCOME};
pub use error::{Excerpt, Expected, ProtocolError, Refusal};
pub use extension::{
    DeclineCode, Nonce, ResumeAnswer, ResumeFrom, ResumeRequest, SeqRange, encode_numbered, encode_plain,
};
pub use ident::{IdError, MAX_ID_BYTES, Position, PostId, Seq, StreamId};
pub use keepalive::Keepalive;
pub use line::{EXTENSION_MARK, Line};
pub use listener::{
    ListenerClient, ListenerClientConfig, ListenerClientEvent, ListenerServer, ListenerServerCommand,
    ListenerServerConfig, ListenerServerEvent,
};
pub use message::Message;
pub use plain_lines::PlainLines;
pub use state_machine::{NotReady, Output, StateMachine};
pub use text::{MAX_TEXT_BYTES, Text, TextError};
pub use writer::{
    Intent, WriterClient, WriterClientCommand, WriterClientConfig, WriterClientEvent, WriterServer,
    WriterServerCommand, WriterServerConfig, WriterServerEvent,
};
