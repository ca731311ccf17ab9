//! Damage to the files of one server of NATS, as of a disk that flips bits or loses the end of a file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use fastrand::Rng;

/// What happens to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    /// Some bits are flipped.
    Flip,
    /// Its end is cut off.
    Cut,
}

/// Damages one file with messages below `store`. Returns false if there is none yet.
pub(super) fn damage(store: &Path, kind: Damage, rng: &mut Rng) -> Result<bool> {
    let mut files = Vec::new();
    find_blocks(store, &mut files)?;
    files.sort();
    files.retain(|path| fs::metadata(path).is_ok_and(|found| found.len() > 4096));
    if files.is_empty() {
        return Ok(false);
    }
    let path = &files[rng.usize(..files.len())];
    let mut bytes = fs::read(path)?;
    match kind {
        Damage::Flip => {
            for _ in 0..rng.usize(1..20) {
                let at = rng.usize(..bytes.len());
                bytes[at] ^= 1 << rng.u8(..8);
            }
        }
        Damage::Cut => bytes.truncate(rng.usize(1..bytes.len())),
    }
    fs::write(path, bytes)?;
    Ok(true)
}

/// Removes the copy of the log, so that the server gets it from the others again.
pub(super) fn remove_copy(store: &Path) -> Result<()> {
    let mut files = Vec::new();
    find_blocks(store, &mut files)?;
    for path in files {
        // Two levels up: the folder of the stream.
        if let Some(stream) = path.parent().and_then(Path::parent)
            && stream.exists()
        {
            fs::remove_dir_all(stream)?;
        }
    }
    Ok(())
}

/// Finds the files with the messages of streams; those of the consensus among the servers are left alone.
fn find_blocks(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "_js_" && name != "$SYS") {
                find_blocks(&path, found)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "blk") {
            found.push(path);
        }
    }
    Ok(())
}
