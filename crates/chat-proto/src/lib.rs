//! The minechat wire.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod account;
mod ident;
mod line;
mod message;
mod text;

pub use account::{Account, MAX_NICKNAME_BYTES, MAX_TOKEN_BYTES, Nickname, NicknameError, Token, TokenError};
pub use ident::{IdError, MAX_ID_BYTES, Position, PostId, Seq, StreamId};
pub use line::{EXTENSION_MARK, Line};
pub use message::Message;
pub use text::{MAX_TEXT_BYTES, Text, TextError};
