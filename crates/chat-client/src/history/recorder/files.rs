//! The files of a recorder: the cursor next to the history, a history that was moved away, the end.

use std::io;

use super::Recorder;
use super::open::open_locked;
use crate::files::default_dir::{OpenFileId, PathLook};
use crate::files::warning::FileWarning;
use crate::history::recovery::end_last_line;

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
        let id = OpenFileId::of(&file)?;
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
