//! Archives a room in a file, one line per message, each exactly once. The position of the last line is where the next
//! run continues, so the archiver can be killed at any time.
//!
//! ```sh
//! archiver archive.tsv 5000 5050
//! ```

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use chat_client::{Listener, ListenerEvent, Position, Resume};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "archive.tsv".to_owned());
    let mut archive = Archive::open(Path::new(&path))?;
    let mut config = examples::config_from(std::env::args().skip(2))?;
    config.resume = archive.resume();
    println!("archiving");
    archive_all(Listener::builder(config).start(), &mut archive).await
}

/// Archives until the listener ends.
async fn archive_all(mut listener: Listener, archive: &mut Archive) -> anyhow::Result<()> {
    let mut events = Vec::new();
    // One batch is one write.
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

/// A file with lines of the form `STREAM:NUMBER`, nickname and text, separated by tabs.
struct Archive {
    file: File,
    last: Option<Position>,
}

impl Archive {
    /// Opens the archive. A last line that a crash has torn is removed, and is fetched again.
    fn open(path: &Path) -> anyhow::Result<Self> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut content = String::new();
        file.read_to_string(&mut content)?;
        let whole = content.rfind('\n').map_or(0, |feed| feed + 1);
        file.set_len(whole as u64)?;
        file.seek(std::io::SeekFrom::End(0))?;
        let last = content[..whole].lines().last().and_then(|line| line.split('\t').next()?.parse().ok());
        Ok(Self { file, last })
    }

    fn resume(&self) -> Resume {
        // The first run begins with the first message of the room.
        self.last.clone().map_or(Resume::Last(u64::MAX), Resume::after)
    }

    fn append(&mut self, events: &[ListenerEvent]) -> anyhow::Result<()> {
        let mut lines = String::new();
        for event in events {
            let ListenerEvent::Message(message) = event else { continue };
            let Some(position) = &message.position else { anyhow::bail!("the server does not number its messages") };
            let sender = message.sender.as_ref().map_or("", |sender| sender.as_str());
            // A text may contain tabs and line breaks.
            let text = message.text.as_str().replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n");
            lines.push_str(&format!("{position}\t{sender}\t{text}\n"));
            self.last = Some(position.clone());
        }
        Ok(self.file.write_all(lines.as_bytes())?)
    }
}

#[cfg(test)]
mod tests {
    use chat_client::ClientConfig;
    use chat_client::testing::Room;

    use super::*;

    fn listener(room: &Room, archive: &Archive) -> Listener {
        let mut config = ClientConfig::default();
        config.resume = archive.resume();
        Listener::builder(config).dial(room.dial()).start()
    }

    /// Killed at any time, with the last line torn at any place.
    #[tokio::test(start_paused = true)]
    async fn each_message_once_over_kills() {
        let (room, dir) = (Room::new(), tempfile::tempdir().expect("a directory"));
        let path = dir.path().join("archive.tsv");
        for number in 1..=40 {
            room.say("Ann", &format!("{number}\tof\n40"));
        }
        for killed_after in 0..60 {
            let mut archive = Archive::open(&path).expect("an archive");
            let listening = listener(&room, &archive);
            let time = std::time::Duration::from_millis(killed_after);
            let _ = tokio::time::timeout(time, archive_all(listening, &mut archive)).await;
            drop(archive);
            let content = std::fs::read(&path).expect("the archive");
            let torn = content.len().saturating_sub(killed_after as usize % 7);
            std::fs::write(&path, &content[..torn]).expect("written");
        }
        let mut archive = Archive::open(&path).expect("an archive");
        let listening = listener(&room, &archive);
        let _ = tokio::time::timeout(std::time::Duration::from_secs(60), archive_all(listening, &mut archive)).await;
        let expected: String = (1..=40).map(|number| format!("room-1:{number}\tAnn\t{number}\\tof\\n40\n")).collect();
        assert_eq!(std::fs::read_to_string(&path).expect("the archive"), expected);
    }
}
