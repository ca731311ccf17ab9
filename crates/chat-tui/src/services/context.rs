//! The context of every service: the configuration, the paths, and the channel to the application.

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat_client::{ClientConfig, KnownRooms, ListenerHandle, RoomKey, StreamId};
use chat_frontend::report::chain;
use tokio::sync::mpsc::Sender;
use tokio::sync::watch;

use super::history_log::HistoryLog;
use crate::event::{AppEvent, KnownAccount};

/// The context of every service.
#[derive(Debug)]
pub(super) struct ServiceContext {
    pub(super) config: ClientConfig,
    pub(super) history_path: PathBuf,
    pub(super) history_log: Mutex<HistoryLog>,
    pub(super) credentials_path: PathBuf,
    pub(super) outbox_path: PathBuf,
    /// Empty if it has no place.
    pub(super) rooms_path: PathBuf,
    /// The directory of the local room.
    pub(super) data_dir: PathBuf,
    /// The channel for events to the application.
    pub(super) news: Sender<AppEvent>,
    /// The current search; 0 for none.
    pub(super) searching: AtomicU64,
    pub(super) listener: Mutex<Option<ListenerHandle>>,
}

impl ServiceContext {
    /// Sends an event to the application. An error means that the program is ending.
    pub(super) async fn send(&self, message: AppEvent) {
        let _ = self.news.send(message).await;
    }

    pub(super) fn send_blocking(&self, message: AppEvent) {
        let _ = self.news.blocking_send(message);
    }

    pub(super) fn retry_listening(&self) {
        if let Ok(listener) = self.listener.lock()
            && let Some(listener) = &*listener
        {
            listener.retry_now();
        }
    }

    /// Returns the names of the room in the user's files. Blocks.
    pub(super) fn room(&self) -> RoomKey {
        let given = RoomKey::from(&self.config);
        if self.rooms_path.as_os_str().is_empty() {
            return given;
        }
        match KnownRooms::load(&self.rooms_path) {
            Ok(rooms) => rooms.key(&given),
            Err(error) => {
                tracing::warn!(error = chain(&error), "could not look up the room");
                given
            }
        }
    }

    /// Notes the log of the room, so that later runs find its files over any of its addresses. Blocks.
    pub(super) fn note_log(&self, log: &StreamId) {
        if self.rooms_path.as_os_str().is_empty() {
            return;
        }
        let noted =
            KnownRooms::load(&self.rooms_path).and_then(|mut rooms| rooms.learn(&RoomKey::from(&self.config), log));
        if let Err(error) = noted {
            tracing::warn!(error = chain(&error), "could not note the log of the room");
        }
    }

    /// Locks the files of the history, for a look at the current one. Must be called on a blocking thread only.
    pub(super) fn history_log(&self) -> MutexGuard<'_, HistoryLog> {
        self.history_log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs file operations on a blocking thread.
    pub(super) fn blocking(self: &Arc<Self>, work: impl FnOnce(&Self) + Send + 'static) {
        let shared = self.clone();
        tokio::task::spawn_blocking(move || work(&shared));
    }
}

/// Waits until it is known whether there is a room.
pub(super) async fn wait_for(mut ready: watch::Receiver<bool>) {
    // An end of the channel means that no task serves a room, so there is nothing to wait for.
    let _ = ready.wait_for(|ready| *ready).await;
}

/// Converts a cached account for the application.
pub(super) fn known(stored: &chat_client::CachedAccount) -> KnownAccount {
    KnownAccount { account: stored.account().clone(), asked: stored.asked().map(str::to_owned) }
}
