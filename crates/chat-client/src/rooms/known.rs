//! The file of known rooms, `rooms.jsonl`: one JSON object per line with `keys`, `logs` and `addresses`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chat_proto::StreamId;
use private_files::{FileLock, file};
use serde::{Deserialize, Serialize};

use super::book::{self, KnownRoom};
use super::error::KnownRoomsError;
use super::key::RoomKey;
use crate::files::default_dir;
use crate::files::warning::FileWarning;

/// Enough for some thousand rooms; a larger file was not written by this program.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// How long to wait for another process that is noting something, which takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which addresses and logs are one room.
///
/// Accounts and the outbox belong to a room, and a room on several nodes has several addresses. Each server that numbers its
/// messages names its log; a program notes it with [`KnownRooms::learn`], and finds its files by the [`RoomKey`]. Addresses
/// that the user has named together are one room. A log alone never joins two addresses, because any server can name it.
///
/// All methods that use the file block.
///
/// ```
/// use chat_client::{KnownRooms, NodeAddress, ClientConfig, RoomKey};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let mut rooms = KnownRooms::load(dir.path().join("rooms.jsonl"))?;
/// let config = ClientConfig::default().with_nodes(NodeAddress::list("n1.example,n2.example"));
/// // The stream of a message, or of `ListenerEvent::CaughtUp`:
/// rooms.learn(&RoomKey::from(&config), &"k3f9".parse()?)?;
/// // Later, over one of the nodes:
/// let room = rooms.key(&RoomKey::from("n2.example:5050"));
/// assert!(room.is_at("n1.example:5050"));
/// assert_eq!(room.scope("Keen Bob"), "log k3f9 Keen Bob");
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct KnownRooms {
    path: PathBuf,
    rooms: Vec<KnownRoom>,
    /// Lines of other versions and damaged ones, which stay.
    others: Vec<Vec<u8>>,
    warnings: Vec<FileWarning>,
}

/// One line of the file.
#[derive(Serialize, Deserialize)]
struct RoomJson {
    keys: Vec<String>,
    logs: Vec<String>,
    addresses: Vec<String>,
}

impl KnownRooms {
    /// Reads the file. A missing file counts as empty; a damaged line does not hide the others.
    ///
    /// # Errors
    /// [`KnownRoomsError::Read`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, KnownRoomsError> {
        let mut rooms =
            Self { path: path.as_ref().to_owned(), rooms: Vec::new(), others: Vec::new(), warnings: Vec::new() };
        rooms.read()?;
        Ok(rooms)
    }

    /// Returns what was found wrong with the file.
    #[must_use]
    pub fn warnings(&self) -> &[FileWarning] {
        &self.warnings
    }

    /// Returns all names of a room, of which the addresses are given.
    #[must_use]
    pub fn key(&self, given: &RoomKey) -> RoomKey {
        book::key(&self.rooms, given.addresses())
    }

    /// Notes the log of the room at these addresses, which the user has named together. Writes the file only if that is new.
    ///
    /// The file is read again under a lock, so two programs that note something at the same time lose nothing.
    ///
    /// # Errors
    /// [`KnownRoomsError`]; the file is then unchanged.
    pub fn learn(&mut self, given: &RoomKey, log: &StreamId) -> Result<(), KnownRoomsError> {
        if !book::learn(&mut self.rooms.clone(), given.addresses(), log) {
            return Ok(());
        }
        let _lock = FileLock::acquire_within(&self.path, PATIENCE)?;
        self.read()?;
        let mut rooms = self.rooms.clone();
        if !book::learn(&mut rooms, given.addresses(), log) {
            return Ok(());
        }
        let mut content = Vec::new();
        for line in rooms.iter().map(format).chain(self.others.iter().cloned()) {
            content.extend_from_slice(&line);
            content.push(b'\n');
        }
        file::replace(&self.path, &content)
            .map_err(|source| KnownRoomsError::Write { path: self.path.clone(), source })?;
        self.rooms = rooms;
        Ok(())
    }

    fn read(&mut self) -> Result<(), KnownRoomsError> {
        let read = default_dir::read(&self.path, MAX_BYTES, &mut self.warnings);
        let content = read.map_err(|source| KnownRoomsError::Read { path: self.path.clone(), source })?;
        (self.rooms, self.others) = (Vec::new(), Vec::new());
        for (index, line) in content.unwrap_or_default().split(|&b| b == b'\n').enumerate() {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match parse(line) {
                Some(room) => self.rooms.push(room),
                None => {
                    let warning = FileWarning::DamagedLine { path: self.path.clone(), line: index + 1 };
                    if !self.warnings.contains(&warning) {
                        self.warnings.push(warning);
                    }
                    self.others.push(line.to_vec());
                }
            }
        }
        Ok(())
    }
}

fn format(room: &KnownRoom) -> Vec<u8> {
    let names = |logs: &[StreamId]| logs.iter().map(ToString::to_string).collect();
    let line = RoomJson { keys: names(&room.keys), logs: names(&room.logs), addresses: room.addresses.clone() };
    // Serializing a struct of strings cannot fail.
    serde_json::to_vec(&line).unwrap_or_default()
}

fn parse(line: &[u8]) -> Option<KnownRoom> {
    let line: RoomJson = serde_json::from_slice(line).ok()?;
    let logs = |names: Vec<String>| names.iter().map(|name| StreamId::new(name).ok()).collect::<Option<Vec<_>>>();
    let (keys, logs) = (logs(line.keys)?, logs(line.logs)?);
    (!keys.is_empty()).then_some(KnownRoom { keys, logs, addresses: line.addresses })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> RoomKey {
        address.into()
    }

    fn log(name: &str) -> StreamId {
        StreamId::new(name).unwrap()
    }

    #[test]
    fn survives_a_restart_and_damage() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rooms.jsonl");
        let mut rooms = KnownRooms::load(&path).unwrap();
        assert_eq!(rooms.key(&at("a:1")), at("a:1"), "nothing is known yet");
        rooms.learn(&at("a:1"), &log("s1")).unwrap();
        let mut content = std::fs::read(&path).unwrap();
        content.extend_from_slice(b"{\"keys\": [], \"logs\": [], \"addresses\": [\"a:1\"]}\nnot json\n");
        std::fs::write(&path, content).unwrap();
        let mut rooms = KnownRooms::load(&path).unwrap();
        assert_eq!(rooms.warnings().len(), 2);
        rooms.learn(&at("b:1"), &log("s2")).unwrap();
        let rooms = KnownRooms::load(&path).unwrap();
        assert_eq!(rooms.key(&at("a:1")).log(), Some(&log("s1")));
        assert_eq!(rooms.key(&at("b:1")).log(), Some(&log("s2")));
        assert!(std::fs::read_to_string(&path).unwrap().contains("not json"), "what is not understood stays");
    }

    #[test]
    fn two_programs_lose_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rooms.jsonl");
        let (mut one, mut two) = (KnownRooms::load(&path).unwrap(), KnownRooms::load(&path).unwrap());
        one.learn(&at("a:1"), &log("s1")).unwrap();
        two.learn(&at("b:1"), &log("s2")).unwrap();
        let rooms = KnownRooms::load(&path).unwrap();
        assert!(rooms.key(&at("a:1")).log().is_some() && rooms.key(&at("b:1")).log().is_some());
    }

    #[test]
    fn writes_only_what_is_new() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rooms.jsonl");
        let mut rooms = KnownRooms::load(&path).unwrap();
        rooms.learn(&at("a:1"), &log("s1")).unwrap();
        std::fs::remove_file(&path).unwrap();
        rooms.learn(&at("a:1"), &log("s1")).unwrap();
        rooms.learn(&at("A:1"), &log("s1")).unwrap();
        assert!(!path.exists());
    }
}
