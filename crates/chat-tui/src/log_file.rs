//! The log file. It is begun again when it was renamed, removed or replaced, as by logrotate.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use private_files::{Repair, file};

use crate::file_identity;

/// The open log.
#[derive(Debug)]
pub(crate) struct ClientLog {
    path: PathBuf,
    file: File,
}

impl ClientLog {
    /// Opens the log. It may contain text of peers, so it is as private as the history.
    ///
    /// # Errors
    /// Why the file cannot be opened.
    pub(crate) fn open(path: &Path, warnings: &mut Vec<Repair>) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), file: file::open_append(path, warnings)? })
    }
}

impl Write for ClientLog {
    /// Writes a line, to the file that is at the path now.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // While the path cannot be opened, the old file is better than none.
        if !file_identity::is_at(&self.file, &self.path)
            && let Ok(file) = file::open_append::<Repair>(&self.path, &mut Vec::new())
        {
            self.file = file;
        }
        self.file.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn follows_its_path() {
        let dir = tempfile::tempdir().unwrap();
        let (path, old) = (dir.path().join("log"), dir.path().join("log.1"));
        let mut log = ClientLog::open(&path, &mut Vec::new()).unwrap();
        log.write_all(b"one\n").unwrap();
        fs::rename(&path, &old).unwrap();
        log.write_all(b"two\n").unwrap();
        assert_eq!(
            (fs::read_to_string(&old).unwrap(), fs::read_to_string(&path).unwrap()),
            ("one\n".into(), "two\n".into())
        );
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        log.write_all(b"nowhere\n").unwrap();
        fs::remove_dir(&path).unwrap();
        log.write_all(b"three\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
    }
}
