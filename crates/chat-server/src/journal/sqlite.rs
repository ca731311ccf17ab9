//! The journal on disk, in SQLite.

mod actions;
mod admin;
mod clean_shutdown;
mod effect;
mod error;
mod head_marker;
mod identity;
mod insert;
mod journal;
mod open;
mod quick_check;
mod reader;
mod repair;
mod row;
mod scan;
mod schema;
mod verify;

pub use self::{
    admin::{check_store, list_accounts, revoke_account, revoke_account_by_id},
    journal::SqliteJournal,
    repair::Recovery,
    verify::CheckReport,
};
