//! Which addresses and logs are one room, so that a user's files follow the room and not an address.

pub(crate) mod book;
pub(crate) mod error;
pub(crate) mod key;
pub(crate) mod known;
