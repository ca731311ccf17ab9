//! The file with the text that was typed and not sent, one for each terminal.

use std::path::{Path, PathBuf};
use std::{fs, io};

use chat_frontend::report::chain;
use private_files::{FileLock, LockError, Repair, file};

/// How many terminals keep a draft each.
const TERMINALS: u32 = 8;

/// The draft file of this terminal.
#[derive(Debug)]
pub(super) struct DraftFile {
    path: PathBuf,
    _lock: FileLock,
}

impl DraftFile {
    /// Takes the first file that no other terminal has. `None` if there is none, or no file can be locked: the draft is
    /// then lost with the program, which costs a sentence.
    pub(super) fn claim(outbox: &Path) -> Option<Self> {
        for number in 1..=TERMINALS {
            let suffix = if number == 1 { ".draft".to_owned() } else { format!(".draft.{number}") };
            let path = file::with_suffix(outbox, &suffix);
            match FileLock::acquire(&path) {
                Ok(lock) => return Some(Self { path, _lock: lock }),
                Err(LockError::Held { .. }) => {}
                Err(error) => {
                    tracing::warn!(error = chain(&error), "could not lock the draft");
                    return None;
                }
            }
        }
        None
    }

    /// Returns the text that the last run kept; empty where there is none.
    pub(super) fn load(&self) -> String {
        const MAX_BYTES: u64 = 64 * 1024;
        let read = file::read::<Repair>(&self.path, MAX_BYTES, &mut Vec::new());
        read.ok().flatten().and_then(|bytes| String::from_utf8(bytes.to_vec()).ok()).unwrap_or_default()
    }

    /// Keeps the text for the next run; removes the file of an empty one.
    pub(super) fn save(&self, text: &str) {
        let saved = if text.is_empty() {
            match fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            }
        } else {
            file::replace(&self.path, text.as_bytes())
        };
        if let Err(error) = saved {
            tracing::warn!(error = chain(&error), "could not keep the typed text");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_terminal_has_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let outbox = dir.path().join("outbox");
        let (first, second) = (DraftFile::claim(&outbox).unwrap(), DraftFile::claim(&outbox).unwrap());
        first.save("one\nline");
        second.save("two");
        drop(first);
        assert_eq!(DraftFile::claim(&outbox).unwrap().load(), "one\nline");
        second.save("");
        assert_eq!(second.load(), "");
    }
}
