//! Accounts: which tokens may log in, and which nicknames are free.

mod account_entry;
mod adjectives;
mod directory;
mod directory_state;
mod nickname;
mod reservation;
mod round_search;
mod token_hash;
mod token_shelf;

pub use self::token_hash::TokenHash;
pub(crate) use self::{
    account_entry::{AccountEntry, AccountLogin},
    directory::AccountDirectory,
    nickname::SERVER_NAME,
    reservation::NicknameReservation,
};
