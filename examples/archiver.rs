//! Archives a room in an SQLite database, each message exactly once. The position of the newest row is where the next run
//! continues, so message and progress are one write, and the archiver can be killed at any time.
//!
//! ```sh
//! archiver archive.db 5000 5050
//! ```

use std::path::Path;

use anyhow::Context as _;
use chat_client::{Listener, ListenerEvent, Position, Resume};
use rusqlite::{Connection, OptionalExtension as _, params};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "archive.db".to_owned());
    let mut archive = Archive::open(Path::new(&path))?;
    let mut config = examples::config_from(std::env::args().skip(2))?;
    config.resume = archive.resume()?;
    println!("archiving");
    archive_all(Listener::builder(config).start(), &mut archive).await
}

/// Archives until the listener ends. Writing blocks the thread, which has nothing else to do here.
async fn archive_all(mut listener: Listener, archive: &mut Archive) -> anyhow::Result<()> {
    let mut events = Vec::new();
    // One batch is one transaction.
    while listener.next_batch(&mut events).await > 0 {
        archive.append(&events)?;
        for event in events.drain(..) {
            match event {
                ListenerEvent::Gap(gap) => eprintln!("{gap}"),
                ListenerEvent::Closed(cause) => return Err(cause.into_inner().into()),
                _ => {}
            }
        }
    }
    Ok(())
}

struct Archive {
    database: Connection,
}

impl Archive {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let database = Connection::open(path)?;
        database.execute_batch(
            "CREATE TABLE IF NOT EXISTS message (
                 stream TEXT NOT NULL,
                 seq INTEGER NOT NULL,
                 at INTEGER,
                 sender TEXT,
                 text TEXT NOT NULL,
                 UNIQUE (stream, seq)
             ) STRICT",
        )?;
        Ok(Self { database })
    }

    /// Returns where to continue: after the newest row. The first run begins with the first message of the room.
    fn resume(&self) -> anyhow::Result<Resume> {
        let newest = "SELECT stream || ':' || seq FROM message ORDER BY rowid DESC LIMIT 1";
        let newest: Option<String> = self.database.query_row(newest, [], |row| row.get(0)).optional()?;
        Ok(match newest {
            Some(position) => Resume::after(position.parse::<Position>()?),
            None => Resume::Last(u64::MAX),
        })
    }

    fn append(&mut self, events: &[ListenerEvent]) -> anyhow::Result<()> {
        let transaction = self.database.transaction()?;
        for event in events {
            match event {
                ListenerEvent::Message(message) => {
                    let position = message.position.as_ref().context("the server does not number its messages")?;
                    let sender = message.sender.as_ref().map(|sender| sender.as_str());
                    let mut insert = transaction.prepare_cached("INSERT INTO message VALUES (?, ?, ?, ?, ?)")?;
                    let (stream, seq) = (position.stream.as_str(), i64::try_from(position.seq)?);
                    insert.execute(params![stream, seq, message.at, sender, message.text.as_str()])?;
                }
                // An operator has removed a message: it does not live on here.
                ListenerEvent::Removed(removed) => {
                    let (stream, seq) = (removed.position.stream.as_str(), i64::try_from(removed.position.seq)?);
                    transaction
                        .execute("UPDATE message SET text = '' WHERE stream = ? AND seq = ?", params![stream, seq])?;
                }
                _ => {}
            }
        }
        Ok(transaction.commit()?)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chat_client::ClientConfig;
    use chat_client::testing::Room;

    use super::*;

    fn listener(room: &Room, archive: &Archive) -> Listener {
        let mut config = ClientConfig::default();
        config.resume = archive.resume().expect("a position");
        Listener::builder(config).dial(room.dial()).start()
    }

    /// Killed after 0 ms, 1 ms, …, on connections that break anywhere.
    #[tokio::test(start_paused = true)]
    async fn each_message_once_over_kills() {
        let (room, dir) = (Room::new(), tempfile::tempdir().expect("a directory"));
        let path = dir.path().join("archive.db");
        for number in 1..=40 {
            room.say("Ann", &format!("{number}\nof 40"));
        }
        let mut bytes = 0;
        room.break_after(move || {
            bytes += 97;
            bytes
        });
        for killed_after in (0..60).chain([600_000]) {
            let mut archive = Archive::open(&path).expect("an archive");
            let listening = listener(&room, &archive);
            let time = Duration::from_millis(killed_after);
            let _ = tokio::time::timeout(time, archive_all(listening, &mut archive)).await;
        }
        let archive = Archive::open(&path).expect("an archive");
        let mut rows =
            archive.database.prepare("SELECT seq, sender, text FROM message ORDER BY rowid").expect("a query");
        let rows: Vec<(i64, String, String)> = rows
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .expect("rows")
            .collect::<Result<_, _>>()
            .expect("a row");
        let expected: Vec<_> = (1..=40).map(|number| (number, "Ann".to_owned(), format!("{number}\nof 40"))).collect();
        assert_eq!(rows, expected);
    }
}
