//! The files of a recorder: the cursor next to the history, a history that was moved away, the end.

use std::io;

use super::Recorder;
use crate::files::default_dir;
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

    pub(super) fn follow_path(&mut self) -> io::Result<()> {
        if default_dir::is_at(self.out.file(), &self.path) {
            return Ok(());
        }
        let file = default_dir::open_append(&self.path, &mut self.warnings)?;
        let length = end_last_line(&file, &self.path, file.metadata()?.len(), &mut self.warnings)?;
        self.warnings.push(FileWarning::Reopened { path: self.path.clone() });
        // The numbers of the new file start behind what the old one has.
        let position = self.out.written_position(self.newest.as_ref());
        self.out.continue_in(file, length);
        self.out.checkpoint_now(position);
        (self.cursor_at, self.finished) = (length, false);
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
