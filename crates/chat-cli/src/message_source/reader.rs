//! Reads standard input in parts, on a thread of its own.

use std::io::{self, BufRead};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use crate::error::CliError;

/// The parts of standard input.
pub(crate) struct Records {
    /// Each part with its number, from 1, and without its separator.
    pub(super) read: mpsc::Receiver<io::Result<(u64, Vec<u8>)>>,
    /// Whether the input had ended when reading stopped.
    pub(super) ended: oneshot::Receiver<bool>,
}

impl Records {
    /// Reads standard input on a separate thread, because a read from a terminal or pipe cannot be cancelled. At most
    /// `waiting` parts are read ahead.
    pub(super) fn read(separator: Option<u8>, waiting: usize) -> Result<Self, CliError> {
        let (sender, read) = mpsc::channel(waiting);
        let (end, ended) = oneshot::channel();
        let runtime = Handle::current();
        let work = move || {
            let mut input = io::stdin().lock();
            let mut number = 0;
            // Reserves the place before reading, so that no part is read that could not be passed on.
            while let Ok(place) = runtime.block_on(sender.reserve()) {
                let mut record = Vec::new();
                match read_record(&mut input, separator, &mut record) {
                    Ok(false) => {
                        // An error means that nothing waits for the end; so below.
                        let _ = end.send(true);
                        return;
                    }
                    Ok(true) => {
                        number += 1;
                        place.send(Ok((number, record)));
                    }
                    Err(error) => return place.send(Err(error)),
                }
            }
            let _ = end.send(input.fill_buf().is_ok_and(<[u8]>::is_empty));
        };
        std::thread::Builder::new().name("input".into()).spawn(work).map_err(CliError::Runtime)?;
        Ok(Self { read, ended })
    }
}

/// Reads one part. Of an endless one only enough is kept to show that it is too long. Returns `false` at the end.
fn read_record(input: &mut impl BufRead, separator: Option<u8>, record: &mut Vec<u8>) -> io::Result<bool> {
    const KEEP: usize = 8 * chat_client::MAX_TEXT_BYTES;
    let mut any = false;
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = separator.and_then(|separator| buffer.iter().position(|&byte| byte == separator));
        let piece = &buffer[..end.unwrap_or(buffer.len())];
        record.extend_from_slice(&piece[..piece.len().min(KEEP.saturating_sub(record.len()))]);
        let used = piece.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(input: &[u8], separator: Option<u8>) -> Vec<Vec<u8>> {
        let mut input = io::BufReader::with_capacity(3, input);
        let mut records = Vec::new();
        loop {
            let mut record = Vec::new();
            if !read_record(&mut input, separator, &mut record).expect("readable") {
                return records;
            }
            records.push(record);
        }
    }

    #[test]
    fn divides_at_the_separator() {
        assert_eq!(records(b"one\n\ntwo", Some(b'\n')), [&b"one"[..], b"", b"two"]);
        assert_eq!(records(b"a\nb\0c\0", Some(0)), [&b"a\nb"[..], b"c"]);
        assert_eq!(records(b"a\nb\0c\n", None), [b"a\nb\0c\n"]);
        assert_eq!(records(b"", None), Vec::<Vec<u8>>::new());
    }
}
