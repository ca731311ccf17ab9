//! What finds accounts by their tokens and by what their names look like, so that a start does not read all of them.
//!
//! SQLite keeps the index of tokens, whichever program writes. What names look like is a table of ours that earlier programs
//! do not know: a row says up to which account and action it is complete, and each start adds what is missing.

mod check;
mod lookup;
mod rewrite;
mod table;

pub(super) use self::check::IndexCheck;
pub(super) use self::lookup::{by_token, count, look_alikes};
pub(super) use self::table::{add_account, add_action, prepare};

#[cfg(test)]
mod tests;
