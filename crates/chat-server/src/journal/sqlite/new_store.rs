//! A store that is built next to the place where it is needed, and put there as a whole: after any crash the data
//! directory has either the old room or the new one.
//!
//! A restored or imported room begins a new stream. The old room may have given the numbers after its end to other
//! messages, and a listener that has seen those would otherwise take the new ones for known.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::head_marker::HeadMarker;
use super::insert::insert_stream;
use super::verify::{self, CheckReport};
use super::{account_index, clean_shutdown, repair, schema};
use crate::entry::LogStream;
use crate::error::JournalError;
use crate::journal::data_dir::{DataDir, STORE, private_file};
use crate::transfer::TransferError;

/// A locked data directory in which a new store is built.
pub(super) struct NewStore {
    dir: DataDir,
    store: PathBuf,
    unfinished: PathBuf,
    /// Whether this created the directory, which is then removed if nothing comes of it.
    created: bool,
    done: bool,
}

/// What is in place now.
pub(super) struct Installed {
    pub(super) report: CheckReport,
    /// Where the room that was there before is.
    pub(super) aside: Option<PathBuf>,
}

impl NewStore {
    /// Locks the directory, which must have no room unless `replace` is set.
    pub(super) fn prepare(dir: &Path, replace: bool) -> Result<Self, TransferError> {
        let occupied = || match !replace && dir.join(STORE).symlink_metadata().is_ok() {
            true => Err(TransferError::RoomExists { dir: dir.to_owned() }),
            false => Ok(()),
        };
        // Before the directory is touched, and again once no server can create one.
        occupied()?;
        let created = dir.symlink_metadata().is_err();
        let dir_lock = DataDir::open(dir).map_err(|error| match error {
            JournalError::Locked { dir, pid } => TransferError::InUse { dir, pid },
            error => error.into(),
        })?;
        let store = dir_lock.path().join(STORE);
        repair::finish_interrupted(&store)?;
        occupied()?;
        let unfinished = repair::unfinished(&store)?;
        Ok(Self { dir: dir_lock, store, unfinished, created, done: false })
    }

    /// Returns the path at which the new store is built. The file does not exist yet.
    pub(super) fn unfinished(&self) -> &Path {
        &self.unfinished
    }

    /// Creates the new store, empty. It is not synced before it is finished.
    pub(super) fn create(&self) -> Result<Connection, TransferError> {
        drop(private_file(&self.unfinished)?);
        let connection = schema::open_for_writing(&self.unfinished)?;
        connection.execute_batch("PRAGMA synchronous = OFF")?;
        Ok(connection)
    }

    /// Checks the new store as a start does, begins a new stream in it, and puts it in place. `None` if it is damaged.
    pub(super) fn install(self, connection: Connection) -> Result<Option<Installed>, TransferError> {
        // A new stream would be one that no other node has.
        if schema::is_of_cluster(&connection)? {
            return Err(JournalError::OfCluster.into());
        }
        self.put(connection, true)
    }

    /// As [`install`](Self::install), for the copy of a node: it goes on with the stream that all nodes have.
    pub(super) fn install_node(self, connection: Connection) -> Result<Option<Installed>, TransferError> {
        self.put(connection, false)
    }

    fn put(mut self, mut connection: Connection, new_stream: bool) -> Result<Option<Installed>, TransferError> {
        let mut report = verify::verify(&connection)?;
        if !report.is_good() {
            return Ok(None);
        }
        account_index::prepare(&mut connection)?;
        if new_stream {
            let stream = LogStream::starting_at(report.head + 1);
            insert_stream(&connection, &stream)?;
            report.streams.push(stream);
        }
        repair::checkpoint(&connection)?;
        connection.close().map_err(|(_, error)| error)?;
        clean_shutdown::forgive(self.dir.path())?;
        let aside = repair::put_in_place(&self.store)?;
        self.done = true;
        // Without it the next start only says that the end is missing.
        let mark = HeadMarker::open(&self.dir.path().join("mark"))?;
        if let Some(stream) = report.streams.last()
            && let Err(error) = mark.write(&stream.id, report.head)
        {
            tracing::warn!(%error, "could not record the end of the log");
        }
        Ok(Some(Installed { report, aside }))
    }
}

impl Drop for NewStore {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        // What cannot be removed is removed by the next run, or by the next start.
        let _ = repair::unfinished(&self.store);
        if self.created {
            let _ = fs::remove_file(self.dir.path().join("lock"));
            let _ = fs::remove_dir(self.dir.path());
        }
    }
}
