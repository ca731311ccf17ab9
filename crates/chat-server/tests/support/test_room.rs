//! The surroundings of a session, for unit tests: a context, a journal in memory, and a way to post without a
//! connection.

use std::sync::Arc;

use chat_proto::{Nickname, Seq, Text};

use super::context::SessionContext;
use crate::action::{ActionDraft, ActionRecord};
use crate::config::ServerConfig;
use crate::entry::{Appended, Author, Draft, MessageRecord};
use crate::journal::{Journal, MemoryJournal, ReadLimit};
use crate::retention::Retention;

pub(crate) struct TestRoom {
    pub(crate) context: Arc<SessionContext>,
    journal: MemoryJournal,
    author: Arc<Author>,
}

impl TestRoom {
    /// Creates a room whose shared log keeps `ring` bytes.
    pub(crate) fn new(ring: usize) -> Self {
        Self::with_config(ring, ServerConfig::default())
    }

    pub(crate) fn with_config(ring: usize, config: ServerConfig) -> Self {
        Self::on(ring, config, |journal| journal)
    }

    /// Creates a room whose sessions read what `wrap` makes of its journal.
    pub(crate) fn on<J: Journal>(ring: usize, config: ServerConfig, wrap: impl FnOnce(MemoryJournal) -> J) -> Self {
        let journal = MemoryJournal::new();
        let mut config = config;
        config.limits.ring_bytes = ring;
        let context = SessionContext::load(config, &mut wrap(journal.clone())).unwrap();
        let author = Arc::new(Author { id: 1, nickname: Nickname::new("Keen Bob").unwrap() });
        Self { context: Arc::new(context), journal, author }
    }

    pub(crate) fn post(&mut self, text: &str) {
        let text = Text::new(text).unwrap();
        self.journal.append(&[Draft::Post { author: Arc::clone(&self.author), id: None, text }]).unwrap();
        self.context.log.publish(&self.messages(self.journal.head()));
    }

    /// Stores an action and applies it, as the journal thread does.
    pub(crate) fn act(&mut self, draft: ActionDraft) {
        let appended = self.journal.append(&[Draft::Action(draft.clone())]).unwrap();
        let [Appended::Action { number, at }] = appended[..] else { panic!("not an action") };
        self.context.effects()(&ActionRecord { number, at, head: self.journal.head(), draft });
    }

    /// Removes old messages, as the journal thread does.
    pub(crate) fn expire(&mut self, keep: &Retention) -> u64 {
        self.journal.expire(keep).unwrap().removed
    }

    /// Returns all messages from a sequence number.
    pub(crate) fn messages(&self, from: Seq) -> Vec<MessageRecord> {
        let entries = self.journal.reader().read(from, ReadLimit::new(usize::MAX, usize::MAX)).unwrap();
        entries.iter().filter_map(|entry| entry.message().cloned()).collect()
    }
}
