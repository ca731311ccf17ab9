//! The names of the room in the user's files: which addresses and logs are one room.

use std::path::PathBuf;

use chat_client::{ClientConfig, KnownRooms, RoomKey, Settings, StreamId};
use chat_frontend::report::chain;
use chat_frontend::unblock;

/// Returns all names of the room. Without a usable file these are its addresses. Blocks.
pub(crate) fn of(settings: &Settings) -> RoomKey {
    let given = RoomKey::from(&settings.client_config());
    if settings.rooms_path.as_os_str().is_empty() {
        return given;
    }
    match KnownRooms::load(&settings.rooms_path) {
        Ok(rooms) => rooms.key(&given),
        Err(error) => {
            tracing::warn!(error = chain(&error), "could not look up the room");
            given
        }
    }
}

/// Returns all names of the room as [`of`] does, outside of the runtime's thread.
pub(crate) async fn find(settings: &Settings) -> RoomKey {
    let settings = settings.clone();
    unblock(move || of(&settings)).await
}

/// Notes the log of the room, once for each.
#[derive(Debug)]
pub(crate) struct LogNotes {
    path: PathBuf,
    given: RoomKey,
    noted: Option<StreamId>,
}

impl LogNotes {
    pub(crate) fn new(settings: &Settings, config: &ClientConfig) -> Self {
        Self { path: settings.rooms_path.clone(), given: config.into(), noted: None }
    }

    /// Notes that the room has this log. A failure is only logged: the addresses still name the room.
    pub(crate) async fn note(&mut self, log: &StreamId) {
        if self.noted.as_ref() == Some(log) || self.path.as_os_str().is_empty() {
            return;
        }
        self.noted = Some(log.clone());
        let (path, given, log) = (self.path.clone(), self.given.clone(), log.clone());
        let noted = unblock(move || {
            // A program that creates no other file creates no directory for this one.
            if path.parent().is_some_and(std::path::Path::is_dir) {
                KnownRooms::load(path)?.learn(&given, &log)?;
            }
            Ok::<_, chat_client::KnownRoomsError>(())
        });
        if let Err(error) = noted.await {
            tracing::warn!(error = chain(&error), "could not note the log of the room");
        }
    }
}
