//! The files of a package as a value, and their archive. Equal trees give equal bytes: the order, the owners and the time
//! of the entries do not depend on the machine.

use std::collections::BTreeMap;
use std::io::Write as _;

use anyhow::{Context as _, Result};
use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

/// One file or directory of a package.
#[derive(Debug, Clone)]
struct Entry {
    mode: u32,
    owner: u64,
    /// None for a directory.
    content: Option<Vec<u8>>,
}

/// The files of a package, by their path without a leading slash.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree(BTreeMap<String, Entry>);

impl Tree {
    /// Adds a file that everyone can read.
    pub(crate) fn file(&mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) {
        self.insert(path.into(), Entry { mode: 0o644, owner: 0, content: Some(content.into()) });
    }

    /// Adds a program.
    pub(crate) fn program(&mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) {
        self.insert(path.into(), Entry { mode: 0o755, owner: 0, content: Some(content.into()) });
    }

    /// Adds an empty directory that only its owner can use.
    pub(crate) fn private_directory(&mut self, path: impl Into<String>, owner: u64) {
        self.insert(path.into(), Entry { mode: 0o700, owner, content: None });
    }

    fn insert(&mut self, path: String, entry: Entry) {
        for (end, _) in path.match_indices('/') {
            self.0.entry(path[..end].to_owned()).or_insert(Entry { mode: 0o755, owner: 0, content: None });
        }
        self.0.insert(path, entry);
    }

    /// Returns the number of bytes of all files.
    pub(crate) fn size(&self) -> usize {
        self.0.values().filter_map(|entry| entry.content.as_ref()).map(Vec::len).sum()
    }

    /// Returns the tree as a tar file, each path after `prefix`. `time` is in seconds since 1970.
    pub(crate) fn tar(&self, prefix: &str, time: u64) -> Result<Vec<u8>> {
        let mut builder = Builder::new(Vec::new());
        for (path, entry) in &self.0 {
            let mut header = Header::new_gnu();
            let content = entry.content.as_deref().unwrap_or_default();
            header.set_entry_type(if entry.content.is_some() { EntryType::Regular } else { EntryType::Directory });
            header.set_mode(entry.mode);
            header.set_uid(entry.owner);
            header.set_gid(entry.owner);
            header.set_mtime(time);
            header.set_size(content.len() as u64);
            let path = format!("{prefix}{path}{}", if entry.content.is_some() { "" } else { "/" });
            // `set_path` would remove the `./` that Debian packages have.
            let name = &mut header.as_gnu_mut().context("not a GNU header")?.name;
            let bytes = name.get_mut(..path.len()).with_context(|| format!("the path is too long: {path}"))?;
            bytes.copy_from_slice(path.as_bytes());
            header.set_cksum();
            builder.append(&header, content).with_context(|| format!("could not add {path}"))?;
        }
        builder.into_inner().context("could not end the archive")
    }
}

/// Compresses without a time and a name, so that equal input gives equal bytes.
pub(crate) fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    encoder.write_all(bytes).context("could not compress")?;
    encoder.finish().context("could not compress")
}
