//! What sessions need around them, for tests: a room, a journal in memory, and somebody who posts without a connection.

use std::sync::Arc;

use chat_proto::{Nickname, Seq, Text};

use super::Shared;
use crate::accounts::Accounts;
use crate::config::ServerConfig;
use crate::entry::{Author, Draft, StoredMessage};
use crate::journal::{Journal, MemoryJournal, Page};
use crate::room::Room;

pub(crate) struct House {
    pub(crate) shared: Arc<Shared>,
    journal: MemoryJournal,
    author: Arc<Author>,
}

impl House {
    /// With a shared log of so many bytes.
    pub(crate) fn new(ring: usize) -> Self {
        Self::with_config(ring, ServerConfig::default())
    }

    pub(crate) fn with_config(ring: usize, config: ServerConfig) -> Self {
        let journal = MemoryJournal::new();
        let room = Arc::new(Room::new(0, ring));
        let accounts = Accounts::new(Vec::new(), 40, fastrand::Rng::with_seed(1));
        let streams = journal.streams().to_vec();
        let shared = Shared::new(config, accounts, room, Arc::default(), streams, journal.reader());
        let author = Arc::new(Author { id: 1, nickname: Nickname::new("Keen Bob").unwrap() });
        Self { shared: Arc::new(shared), journal, author }
    }

    pub(crate) fn post(&mut self, text: &str) {
        let text = Text::new(text).unwrap();
        self.journal.append(&[Draft::Post { author: Arc::clone(&self.author), id: None, text }]).unwrap();
        self.shared.room.publish(&self.messages(self.journal.head()));
    }

    /// All that was posted, from this place on.
    pub(crate) fn messages(&self, from: Seq) -> Vec<StoredMessage> {
        self.journal.reader().read(from, Page { messages: usize::MAX, bytes: usize::MAX }).unwrap()
    }
}
