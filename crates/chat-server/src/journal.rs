//! The journal: where accounts and messages are stored.

mod account_index;
mod clock;
#[cfg(feature = "sqlite")]
mod data_dir;
mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;
mod traits;

pub use self::account_index::AccountIndex;
pub(crate) use self::clock::now_ms;
pub use self::memory::MemoryJournal;
#[cfg(feature = "bin")]
pub use self::sqlite::{
    BackupReport, ImportReport, LogBeginning, NodeCopy, RestoreReport, StorePlace, backup_store, export_store,
    import_store, restore_store, store_place,
};
#[cfg(feature = "sqlite")]
pub use self::sqlite::{
    CheckReport, Recovery, SqliteJournal, SqliteProjection, check_store, list_accounts, revoke_account,
    revoke_account_by_id,
};
pub use self::traits::{Journal, JournalReader, ReadLimit};
