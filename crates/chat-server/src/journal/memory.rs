//! A journal in memory, for tests, demonstrations, and rooms that must leave no trace. It drops its oldest messages
//! beyond a limit, and everything at the end of the process.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};

use chat_proto::{PostId, Seq};

use super::clock::now_ms;
use super::traits::{Journal, JournalReader, ReadLimit};
use crate::entry::{AccountId, AccountRecord, Appended, Draft, LogStream, MessageRecord};
use crate::error::JournalError;
use crate::limits::Limits;

/// A bounded journal in memory.
#[derive(Debug)]
pub struct MemoryJournal {
    streams: [LogStream; 1],
    accounts: Vec<AccountRecord>,
    posts: HashMap<(AccountId, PostId), Seq>,
    log: Arc<RwLock<MemoryLog>>,
    limit: usize,
}

#[derive(Debug)]
struct MemoryLog {
    messages: VecDeque<KeptMessage>,
    oldest: Seq,
    bytes: usize,
    last_at: i64,
}

#[derive(Debug)]
struct KeptMessage {
    message: MessageRecord,
    post: Option<(AccountId, PostId)>,
}

impl KeptMessage {
    /// Returns its share of the limit. The constant stands for the fields around the text.
    fn size(&self) -> usize {
        self.message.text.as_str().len() + self.message.nickname.as_str().len() + 128
    }
}

impl MemoryJournal {
    /// Creates an empty journal with the default limit.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(Limits::default().memory_journal_bytes)
    }

    /// Creates an empty journal that keeps about `bytes` of messages. The ids of dropped messages are dropped with
    /// them.
    #[must_use]
    pub fn with_limit(bytes: usize) -> Self {
        let log = MemoryLog { messages: VecDeque::new(), oldest: 1, bytes: 0, last_at: 0 };
        Self {
            streams: [LogStream::starting_at(1)],
            accounts: Vec::new(),
            posts: HashMap::new(),
            log: Arc::new(RwLock::new(log)),
            limit: bytes,
        }
    }
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self::new()
    }
}

impl Journal for MemoryJournal {
    fn streams(&self) -> &[LogStream] {
        &self.streams
    }

    fn head(&self) -> Seq {
        self.log.read().unwrap_or_else(PoisonError::into_inner).head()
    }

    fn accounts(&mut self) -> Result<Vec<AccountRecord>, JournalError> {
        Ok(self.accounts.clone())
    }

    fn append(&mut self, drafts: &[Draft]) -> Result<Vec<Appended>, JournalError> {
        let mut log = self.log.write().unwrap_or_else(PoisonError::into_inner);
        let at = now_ms().max(log.last_at);
        log.last_at = at;
        let mut appended = Vec::with_capacity(drafts.len());
        for draft in drafts {
            appended.push(match draft {
                Draft::Account { token, nickname } => {
                    let id = AccountId::try_from(self.accounts.len()).unwrap_or(AccountId::MAX).saturating_add(1);
                    let nickname = nickname.clone();
                    self.accounts.push(AccountRecord { id, token: *token, nickname, at, revoked: false });
                    Appended::Account(id)
                }
                Draft::Post { author, id, text } => {
                    let post = id.clone().map(|id| (author.id, id));
                    if let Some(&seq) = post.as_ref().and_then(|post| self.posts.get(post)) {
                        appended.push(Appended::Repeated { seq });
                        continue;
                    }
                    let seq = log.head() + 1;
                    if let Some(post) = post.clone() {
                        self.posts.insert(post, seq);
                    }
                    let message = MessageRecord { seq, at, nickname: author.nickname.clone(), text: text.clone() };
                    log.push(KeptMessage { message, post });
                    Appended::Fresh { seq, at }
                }
            });
        }
        while log.bytes > self.limit && log.messages.len() > 1 {
            if let Some(post) = log.forget_oldest() {
                self.posts.remove(&post);
            }
        }
        Ok(appended)
    }

    fn probe(&mut self) -> Result<(), JournalError> {
        Ok(())
    }

    fn reader(&self) -> Arc<dyn JournalReader> {
        Arc::new(MemoryReader(Arc::clone(&self.log)))
    }
}

impl MemoryLog {
    fn head(&self) -> Seq {
        self.oldest + self.messages.len() as Seq - 1
    }

    fn push(&mut self, kept: KeptMessage) {
        self.bytes += kept.size();
        self.messages.push_back(kept);
    }

    fn forget_oldest(&mut self) -> Option<(AccountId, PostId)> {
        let kept = self.messages.pop_front()?;
        self.oldest += 1;
        self.bytes -= kept.size();
        kept.post
    }
}

struct MemoryReader(Arc<RwLock<MemoryLog>>);

impl JournalReader for MemoryReader {
    fn waits(&self) -> bool {
        false
    }

    fn oldest(&self) -> Result<Seq, JournalError> {
        Ok(self.0.read().unwrap_or_else(PoisonError::into_inner).oldest)
    }

    fn read(&self, from: Seq, page: ReadLimit) -> Result<Vec<MessageRecord>, JournalError> {
        let log = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let skip = usize::try_from(from.saturating_sub(log.oldest)).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let mut messages = Vec::new();
        for kept in log.messages.iter().skip(skip).take(page.messages) {
            bytes += kept.message.text.as_str().len();
            messages.push(kept.message.clone());
            if bytes >= page.bytes {
                break;
            }
        }
        Ok(messages)
    }

    fn first_after(&self, at: i64) -> Result<Seq, JournalError> {
        let log = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Ok(log.oldest + log.messages.partition_point(|kept| kept.message.at <= at) as Seq)
    }
}
