//! Repairs the end of a history file and finds the position of its newest line.

use std::fs::File;
use std::io;
use std::path::Path;

use bytes::Bytes;
use chat_proto::Position;

use crate::files::warning::FileWarning;
use crate::listener::cursor::CursorRecord;

/// Repairs the end of the file; returns the position of its newest line, and its length.
pub(super) fn recover(
    file: &File,
    path: &Path,
    record: Option<&CursorRecord>,
    warnings: &mut Vec<FileWarning>,
) -> io::Result<(Option<Position>, u64)> {
    let length = file.metadata()?.len();
    let Some(record) = record else {
        return Ok((None, end_last_line(file, path, length, warnings)?));
    };
    let position = record.position.clone();
    if length < record.length {
        warnings.push(FileWarning::Shrunk { path: path.to_owned() });
        return Ok((Some(position), end_last_line(file, path, length, warnings)?));
    }
    if record.length > 0 && read(file, record.length - 1, 1)?.first() != Some(&b'\n') {
        warnings.push(FileWarning::Changed { path: path.to_owned() });
        return Ok((Some(position), end_last_line(file, path, length, warnings)?));
    }
    if !record.open {
        return Ok((Some(position), end_last_line(file, path, length, warnings)?));
    }
    let (lines, end) = count_lines(file, record.length, length)?;
    if end < length {
        file.set_len(end)?;
        warnings.push(FileWarning::TornLineCut { path: path.to_owned(), bytes: length - end });
    }
    Ok((Some(Position { seq: position.seq.saturating_add(lines), ..position }), end))
}

/// Counts the whole lines between two offsets and returns where the last of them ends. They end before the first NUL
/// byte: this crate never writes one, but some file systems leave them where a power failure cut a file.
fn count_lines(file: &File, from: u64, to: u64) -> io::Result<(u64, u64)> {
    const BLOCK: u64 = 1024 * 1024;
    let (mut lines, mut end, mut place) = (0, from, from);
    // Casts from `usize` to `u64` lose nothing: `usize` has at most 64 bits.
    while place < to {
        let block = read(file, place, BLOCK.min(to - place))?;
        let sound = memchr::memchr(0, &block).unwrap_or(block.len());
        lines += memchr::memchr_iter(b'\n', &block[..sound]).count() as u64;
        if let Some(feed) = memchr::memrchr(b'\n', &block[..sound]) {
            end = place + feed as u64 + 1;
        }
        if sound < block.len() || block.is_empty() {
            break;
        }
        place += block.len() as u64;
    }
    Ok((lines, end))
}

/// Terminates an incomplete last line that cannot be fetched again, so that the next message starts a new line.
pub(super) fn end_last_line(file: &File, path: &Path, length: u64, warnings: &mut Vec<FileWarning>) -> io::Result<u64> {
    if length == 0 || read(file, length - 1, 1)?.first() == Some(&b'\n') {
        return Ok(length);
    }
    io::Write::write_all(&mut &*file, b"\n")?;
    warnings.push(FileWarning::TornLineEnded { path: path.to_owned() });
    Ok(length + 1)
}

fn read(file: &File, from: u64, length: u64) -> io::Result<Bytes> {
    super::read::read_range(file, from, length)
}
