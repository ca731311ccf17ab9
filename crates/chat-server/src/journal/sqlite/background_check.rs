//! The check of a whole store while the server already serves it, after a crash.
//!
//! Until it ends, nothing damaged is served: the start has read the streams and the last message, and each other message
//! and each account is checked when it is read.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use super::error::StoreError;
use super::verify::{self, CheckReport};
use super::{clean_shutdown, schema};
use crate::error::JournalError;

/// How many steps of SQLite's machine pass between two looks at whether the check should stop. While SQLite checks its
/// pages, each of them is one step, and reading one may take milliseconds.
const STEPS: i32 = 100;

/// A thread that checks the store. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct BackgroundCheck {
    shared: Arc<CheckState>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct CheckState {
    /// A value on its own, so no other memory depends on its order.
    stop: AtomicBool,
    /// Whether the whole store is intact. Not set if the check did not end.
    sound: OnceLock<bool>,
}

impl BackgroundCheck {
    /// Starts the check of the store at `path` in the locked directory `dir`. The writing connection must be open.
    pub(super) fn start(dir: &Path, path: &Path) -> Result<Self, JournalError> {
        let shared = Arc::new(CheckState::default());
        let (checked, of, store) = (Arc::clone(&shared), dir.to_owned(), path.to_owned());
        let thread = thread::Builder::new().name("chat-check".into()).spawn(move || checked.run(&of, &store));
        let thread = thread.map_err(|source| JournalError::file(path, source))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Returns whether all of the store was found to be intact.
    pub(super) fn found_sound(&self) -> bool {
        self.shared.sound.get() == Some(&true)
    }

    /// Reports damage that was found.
    ///
    /// # Errors
    /// [`JournalError::DamageFound`].
    pub(super) fn verdict(&self) -> Result<(), JournalError> {
        match self.shared.sound.get() {
            Some(false) => Err(JournalError::DamageFound),
            Some(true) | None => Ok(()),
        }
    }

    /// Stops the check if it still runs, and waits for its end: its connection must not be the last to close.
    pub(super) fn stop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic counts as a check that did not end.
            let _ = thread.join();
        }
    }

    /// Creates a check that was stopped before its end.
    #[cfg(test)]
    pub(super) fn unended() -> Self {
        Self { shared: Arc::default(), thread: None }
    }

    /// Waits until the check has ended.
    #[cfg(test)]
    pub(super) fn wait(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for BackgroundCheck {
    fn drop(&mut self) {
        self.stop();
    }
}

impl CheckState {
    fn run(self: Arc<Self>, dir: &Path, path: &Path) {
        let sound = match self.check(path) {
            Ok(report) => report.is_good(),
            Err(_) if self.stop.load(Ordering::Relaxed) => return,
            Err(error) if error.is_damage() => false,
            Err(error) => {
                tracing::warn!(%error, "could not check the whole store: the next start tries it again");
                return;
            }
        };
        if sound {
            tracing::info!("the whole store is intact");
        } else if let Err(error) = clean_shutdown::distrust(dir) {
            // Noted before the server stops, so that its next start repairs the store however this one ends.
            tracing::warn!(%error, "could not note that the store is damaged");
        }
        let _ = self.sound.set(sound);
    }

    fn check(self: &Arc<Self>, path: &Path) -> Result<CheckReport, StoreError> {
        let mut connection = schema::open_for_reading(path)?;
        let stop = Arc::clone(self);
        connection.progress_handler(STEPS, Some(move || stop.stop.load(Ordering::Relaxed)))?;
        verify::verify(&connection)
    }
}
