//! The outbox of each terminal.

use std::path::{Path, PathBuf};

use chat_client::{FileWarning, Outbox, OutboxError, RoomKey};
use chat_frontend::report::chain;

/// How many terminals have an outbox each.
const TERMINALS: u32 = 8;

/// Opens the outbox, or where another program holds it the next one, so that what is typed in a second terminal survives
/// too.
pub(super) fn open(first: &Path, room: &RoomKey, who: &str) -> Result<(Outbox, Vec<FileWarning>), OutboxError> {
    let mut number = 1;
    loop {
        let path = if number == 1 { first.to_owned() } else { numbered(first, number) };
        match Outbox::open_for(&path, room, who) {
            Ok(outbox) => {
                if number == 1 {
                    adopt(&outbox, first, room, who);
                }
                let warnings = outbox.warnings();
                return Ok((outbox, warnings));
            }
            Err(OutboxError::Locked(_)) if number < TERMINALS => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Takes over the messages in the outboxes of terminals that have ended.
fn adopt(outbox: &Outbox, first: &Path, room: &RoomKey, who: &str) {
    for number in 2..=TERMINALS {
        let path = numbered(first, number);
        if !path.exists() {
            continue;
        }
        // One that is locked belongs to a terminal that still runs.
        if let Ok(other) = Outbox::open_for(&path, room, who)
            && let Err(error) = outbox.adopt(&other)
        {
            tracing::warn!(path = %path.display(), error = chain(&error), "could not take over the outbox of another terminal");
        }
    }
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    private_files::file::with_suffix(path, format!(".{number}"))
}

#[cfg(test)]
mod tests {
    use chat_client::{PostId, Text};

    use super::*;

    #[test]
    fn adopts_what_an_ended_terminal_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("outbox");
        let room = RoomKey::from("a:1");
        let open = |path: &Path| open(path, &room, "Bob");
        let (first, _) = open(&path).unwrap();
        let (second, _) = open(&path).unwrap();
        let (third, _) = open(&path).unwrap();
        second.add(&PostId::new("2").unwrap(), &Text::new("two").unwrap()).unwrap();
        third.add(&PostId::new("3").unwrap(), &Text::new("three").unwrap()).unwrap();
        drop((first, second));
        let (first, _) = open(&path).unwrap();
        let taken = first.entries();
        assert_eq!(taken.iter().map(|entry| entry.text.as_str()).collect::<Vec<_>>(), ["two"]);
        assert_eq!(third.entries().len(), 1, "its terminal is still there");
        let (second, _) = open(&path).unwrap();
        assert_eq!(second.entries(), []);
    }
}
