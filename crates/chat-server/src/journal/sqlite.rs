//! The journal on disk, in SQLite.

mod account_index;
mod actions;
mod admin;
mod apply;
mod background_check;
#[cfg(feature = "bin")]
mod backup;
mod clean_shutdown;
#[cfg(feature = "bin")]
mod cluster_store;
mod cluster_tables;
mod content_hash;
mod effect;
mod error;
mod expire;
#[cfg(feature = "bin")]
mod export;
mod head_marker;
mod identity;
#[cfg(feature = "bin")]
mod import;
mod insert;
mod journal;
mod log;
mod log_space;
#[cfg(feature = "bin")]
mod new_store;
mod open;
mod projection;
mod quick_check;
mod reader;
mod repair;
#[cfg(feature = "bin")]
mod restore;
mod row;
mod scan;
mod schema;
mod store;
mod verify;

pub use self::{
    admin::{check_store, list_accounts, revoke_account, revoke_account_by_id},
    journal::SqliteJournal,
    projection::SqliteProjection,
    repair::Recovery,
    verify::CheckReport,
};

#[cfg(feature = "bin")]
pub use self::{
    backup::{BackupReport, backup_store},
    cluster_store::{LogBeginning, NodeCopy, StorePlace, store_place},
    export::export_store,
    import::{ImportReport, import_store},
    restore::{RestoreReport, restore_store},
};
