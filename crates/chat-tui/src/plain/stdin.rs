//! Lines from standard input.

use std::io::{self, BufRead, Read};

use tokio::sync::mpsc::{Receiver, channel};

/// The longest line that is kept: four times the longest message.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// One input from standard input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InputLine {
    Text(String),
    /// A line with invalid UTF-8, which was replaced.
    NotUtf8(String),
    TooLong,
}

/// Reads lines in a separate thread, the only way to wait for standard input that works for files, pipes and terminals
/// alike.
pub(super) fn read_lines() -> io::Result<Receiver<InputLine>> {
    let (sender, receiver) = channel(64);
    std::thread::Builder::new().name("lines".into()).spawn(move || {
        let mut input = io::stdin().lock();
        while let Ok(Some(line)) = next_line(&mut input) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    })?;
    Ok(receiver)
}

/// Reads the next line; of one that is too long for a message nothing is kept.
pub(super) fn next_line(input: &mut impl BufRead) -> io::Result<Option<InputLine>> {
    let mut bytes = Vec::new();
    if input.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.last() != Some(&b'\n') && bytes.len() as u64 == MAX_LINE_BYTES {
        input.skip_until(b'\n')?;
        return Ok(Some(InputLine::TooLong));
    }
    let text = |text: &str| text.trim_end_matches(['\n', '\r']).to_owned();
    Ok(Some(match std::str::from_utf8(&bytes) {
        Ok(line) => InputLine::Text(text(line)),
        Err(_) => InputLine::NotUtf8(text(&String::from_utf8_lossy(&bytes))),
    }))
}
