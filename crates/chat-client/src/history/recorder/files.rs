//! The files of a recorder: the cursor next to the history, a history that was moved away, the end.

use std::fs::File;
#[cfg(unix)]
use std::fs::TryLockError;
use std::io;
use std::path::Path;

use super::Recorder;
use crate::files::default_dir::{self, FileId, PathLook};
use crate::files::warning::FileWarning;
use crate::history::recovery::end_last_line;

/// Opens a history to append to it, and locks the file itself. The lock file next to it may be removed while it is in
/// use, and a second recorder must not find its way past it.
///
/// A system whose locks are mandatory would keep readers out, so only Unix has this second lock.
pub(super) fn open_locked(path: &Path, warnings: &mut Vec<FileWarning>) -> io::Result<File> {
    let file = default_dir::open_append(path, warnings)?;
    #[cfg(unix)]
    match file.try_lock() {
        // A file system without locks has the lock file alone.
        Ok(()) | Err(TryLockError::Error(_)) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another process writes it"));
        }
    }
    Ok(file)
}

impl Recorder {
    pub(super) fn write_cursor(&mut self) {
        if let Err(error) = self.out.store_cursor(self.newest.clone(), true) {
            tracing::warn!(path = %self.out.cursor_path().display(), %error, "could not write the cursor");
        }
        // Retried when the file has grown by the same amount again.
        self.cursor_at = self.out.length();
    }

    /// Continues in the file that is at the path now, if it is another one or was truncated. The cursor is written before
    /// the next line then: it must not count lines that are not in the file at the path.
    pub(super) fn follow_path(&mut self) -> io::Result<()> {
        let truncated = match self.id.look(&self.path) {
            PathLook::Same { length } if length < self.out.length() => true,
            PathLook::Same { .. } | PathLook::Unknown => return Ok(()),
            PathLook::Other => false,
        };
        // The same file is locked already; a second handle of it could not lock it.
        let file = if truncated { self.out.file().try_clone()? } else { open_locked(&self.path, &mut self.warnings)? };
        let id = FileId::of(&file)?;
        let length = end_last_line(&file, &self.path, file.metadata()?.len(), &mut self.warnings)?;
        let path = self.path.clone();
        self.warnings.push(if truncated { FileWarning::Shrunk { path } } else { FileWarning::Reopened { path } });
        // The numbers of the new file start behind what the old one has.
        let position = self.out.written_position(self.newest.as_ref());
        self.out.continue_in(file, length);
        self.out.checkpoint_now(position);
        (self.id, self.cursor_at, self.finished) = (id, length, false);
        Ok(())
    }

    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.follow_path()?;
        self.out.write()?;
        if self.newest.is_some() && !self.finished {
            self.out.store_cursor(self.newest.clone(), false)?;
            self.finished = true;
        }
        Ok(())
    }
}
