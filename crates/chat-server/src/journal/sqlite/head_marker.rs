//! Records the end of the log in a file next to the store. SQLite silently drops a damaged end of its write-ahead log;
//! the marker reveals the loss.

use std::fs::File;
use std::io;
use std::path::Path;

use chat_proto::{Seq, StreamId};

use crate::error::JournalError;
use crate::journal::data_dir::private_file;

/// The marker file. It is written after each commit and not synced: after a power failure it may be behind, which is
/// harmless, but it is never ahead of what was on disk.
#[derive(Debug)]
pub(super) struct HeadMarker {
    file: File,
}

impl HeadMarker {
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        Ok(Self { file: private_file(path)? })
    }

    /// Returns the log and its head when they were last recorded; `None` if they cannot be read.
    pub(super) fn read(&self) -> Option<(StreamId, Seq)> {
        parse(&self.file)
    }

    /// Records the head. The next start sees it even after kill -9, because the kernel has it.
    pub(super) fn write(&self, stream: &StreamId, head: Seq) -> io::Result<()> {
        // Fixed length for all heads of a stream, so that it is overwritten in place even on a full disk.
        let body = format!("{head:020} {stream}");
        write_at_start(&self.file, format!("{body} {}\n", sum(&body)).as_bytes())
    }
}

/// Reads a marker file without creating or repairing it.
pub(super) fn peek(path: &Path) -> Option<(StreamId, Seq)> {
    parse(&File::open(path).ok()?)
}

fn parse(file: &File) -> Option<(StreamId, Seq)> {
    let mut bytes = [0; 256];
    let length = read_at_start(file, &mut bytes).ok()?;
    let text = std::str::from_utf8(bytes.get(..length)?).ok()?;
    let (line, _) = text.split_once('\n')?;
    let (body, crc) = line.rsplit_once(' ')?;
    if crc != sum(body) {
        return None;
    }
    let (seq, noted) = body.split_once(' ')?;
    Some((StreamId::new(noted).ok()?, seq.parse().ok()?))
}

fn sum(body: &str) -> String {
    format!("{:08x}", crc32fast::hash(body.as_bytes()))
}

#[cfg(unix)]
fn read_at_start(file: &File, bytes: &mut [u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, bytes, 0)
}

#[cfg(unix)]
fn write_at_start(file: &File, bytes: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, 0)
}

#[cfg(not(unix))]
fn read_at_start(mut file: &File, bytes: &mut [u8]) -> io::Result<usize> {
    use io::{Read, Seek};
    file.rewind()?;
    file.read(bytes)
}

#[cfg(not(unix))]
fn write_at_start(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    use io::{Seek, Write};
    file.rewind()?;
    file.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_only_a_whole_marker() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("mark");
        let mark = HeadMarker::open(&path).unwrap();
        let stream = StreamId::new("k3f9").unwrap();
        assert_eq!(mark.read(), None);
        mark.write(&stream, 7).unwrap();
        mark.write(&stream, 1042).unwrap();
        assert_eq!(mark.read(), Some((stream, 1042)));
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() - 1 {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, bad).unwrap();
            assert_eq!(mark.read(), None, "byte {at}");
        }
    }
}
