//! Accounts: which tokens may log in, and which nicknames are free.

mod adjectives;
mod directory;
mod nickname;
mod token_hash;

pub use self::token_hash::TokenHash;
pub(crate) use self::{
    directory::{AccountDirectory, AccountEntry},
    nickname::SERVER_NAME,
};
