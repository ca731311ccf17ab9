//! Whether files were replaced since they were read, as a certificate and its key are.

use std::path::Path;
use std::time::SystemTime;

/// What distinguishes two versions of some files without reading them: times and sizes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileVersions(Vec<Option<(SystemTime, u64)>>);

impl FileVersions {
    /// Looks at the files; one that is missing or cannot be looked at has a version of its own. Blocks.
    ///
    /// Call it before the files are read: what is replaced in between then counts as not read.
    #[must_use]
    pub fn of<P: AsRef<Path>>(files: impl IntoIterator<Item = P>) -> Self {
        let version = |file: P| {
            let found = file.as_ref().metadata().ok()?;
            Some((found.modified().ok()?, found.len()))
        };
        Self(files.into_iter().map(version).collect())
    }
}

/// Decides when files that belong together were replaced.
///
/// ```
/// use private_files::{FileVersions, ReplacedFiles};
///
/// # fn main() -> std::io::Result<()> {
/// # let dir = tempfile::tempdir()?;
/// # let files = ["cert.pem", "key.pem"].map(|name| dir.path().join(name));
/// let mut replaced = ReplacedFiles::new(FileVersions::of(&files));
/// for file in &files {
///     std::fs::write(file, "new")?;
/// }
/// // Looked at from time to time: read again as soon as they stay the same.
/// assert!(!replaced.look(FileVersions::of(&files)));
/// assert!(replaced.look(FileVersions::of(&files)));
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct ReplacedFiles {
    /// The versions that were read last, whether they could be used or not.
    seen: FileVersions,
    /// What has changed since, until it stays the same: files that belong together are not replaced at the same instant.
    changing: Option<FileVersions>,
}

impl ReplacedFiles {
    /// Creates it for files that were read in these versions.
    #[must_use]
    pub fn new(seen: FileVersions) -> Self {
        Self { seen, changing: None }
    }

    /// Takes what is there now. Returns whether the files are to be read again: they have changed, and are the same as
    /// the last time.
    pub fn look(&mut self, now: FileVersions) -> bool {
        if now == self.seen {
            self.changing = None;
            return false;
        }
        if self.changing.as_ref() != Some(&now) {
            self.changing = Some(now);
            return false;
        }
        *self = Self::new(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn waits_until_all_files_are_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let files = ["cert", "key"].map(|name| dir.path().join(name));
        for file in &files {
            fs::write(file, "old").unwrap();
        }
        let mut replaced = ReplacedFiles::new(FileVersions::of(&files));
        // Replaced after the versions were taken, as while the files are read.
        fs::write(&files[0], "newer").unwrap();
        assert!(!replaced.look(FileVersions::of(&files)), "the first look");
        fs::remove_file(&files[1]).unwrap();
        assert!(!replaced.look(FileVersions::of(&files)), "it still changes");
        assert!(replaced.look(FileVersions::of(&files)));
        assert!(!replaced.look(FileVersions::of(&files)), "it is reported once");
    }
}
