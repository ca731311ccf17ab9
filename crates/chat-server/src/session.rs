//! One connection each: the dialogue of chat-proto joined to accounts, journal and room.

#[cfg(test)]
pub(crate) mod house;
mod listener;
mod resume;
mod writer;

use std::fmt;
use std::sync::Arc;

use chat_proto::{Nickname, Position, Seq, StreamId, Text};
use tokio::sync::Semaphore;

pub(crate) use self::{
    listener::{Gone, ListenerSession},
    writer::{Orders, WriterSession},
};
use crate::{
    accounts::Accounts,
    config::ServerConfig,
    entry::{Author, Draft, SERVER_ACCOUNT, StoredMessage, Stream},
    error::JournalError,
    journal::{JournalReader, Page},
    limits::{PAGE_BYTES, PAGE_MESSAGES, READS_AT_ONCE},
    meters::Meters,
    nickname::SERVER_NAME,
    room::Room,
};

/// What all sessions share.
pub(crate) struct Shared {
    pub(crate) config: ServerConfig,
    pub(crate) accounts: Accounts,
    pub(crate) room: Arc<Room>,
    pub(crate) meters: Arc<Meters>,
    streams: Vec<Stream>,
    reader: Arc<dyn JournalReader>,
    reads: Semaphore,
}

impl Shared {
    pub(crate) fn new(
        config: ServerConfig,
        accounts: Accounts,
        room: Arc<Room>,
        meters: Arc<Meters>,
        streams: Vec<Stream>,
        reader: Arc<dyn JournalReader>,
    ) -> Self {
        Self { config, accounts, room, meters, streams, reader, reads: Semaphore::new(READS_AT_ONCE) }
    }

    /// The name of the log as it is now.
    pub(crate) fn stream(&self) -> Option<&StreamId> {
        self.streams.last().map(|stream| &stream.id)
    }

    /// A place in the log as it is now.
    fn position(&self, seq: Seq) -> Option<Position> {
        Some(Position { stream: self.stream()?.clone(), seq })
    }

    /// What the room is told of a new account, where it is told at all. The words are those of the
    /// public room (protocol, section 3).
    fn announcement(&self, nickname: &Nickname) -> Option<Draft> {
        let text = Text::new(&format!("# к чату присоединился {nickname}")).ok()?;
        let nickname = Nickname::new(SERVER_NAME).ok()?;
        let author = Arc::new(Author { id: SERVER_ACCOUNT, nickname });
        self.config.announce.then_some(Draft::Post { author, id: None, text })
    }

    /// One page of the journal.
    async fn page(self: &Arc<Self>, from: Seq) -> Result<Vec<StoredMessage>, JournalError> {
        let _reading = self.meters.reading_pages.while_held();
        self.meters.pages.one();
        self.read(move |shared| shared.reader.read(from, Page { messages: PAGE_MESSAGES, bytes: PAGE_BYTES })).await
    }

    /// Reads the journal on a thread that may block, a few at a time.
    async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&Self) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        if !self.reader.waits() {
            return read(self);
        }
        // The semaphore is never closed.
        let _turn = self.reads.acquire().await;
        let shared = Arc::clone(self);
        match tokio::task::spawn_blocking(move || read(&shared)).await {
            Ok(result) => result,
            Err(failed) => Err(JournalError::Interrupted(failed)),
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("config", &self.config).finish_non_exhaustive()
    }
}
