//! A journal in memory, for tests, demonstrations, and rooms that must leave no trace. It drops its oldest messages
//! beyond a limit, and everything with its last clone.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use chat_proto::{Nickname, PostId, Seq};

use super::clock::now_ms;
use super::traits::{Journal, JournalReader, ReadLimit};
use crate::action::{AccountId, ActionDraft, ActionRecord, OperatorAction};
use crate::entry::{AccountRecord, Appended, Draft, LogEntry, LogStream, MessageRecord, Tombstone};
use crate::error::JournalError;
use crate::limits::{EXPIRY_MESSAGES, Limits};
use crate::retention::{ExpiryStep, Retention};

/// A bounded journal in memory. Clones share their content: a program that keeps a clone can start its next server on it,
/// and listeners resume where they stopped. One server at a time may use it.
///
/// ```
/// use chat_server::{MemoryJournal, Server, ServerConfig};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let journal = MemoryJournal::new();
/// for _ in 0..2 {
///     let server = Server::start(ServerConfig::on_free_ports(), journal.clone()).await?;
///     server.drain().await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct MemoryJournal {
    streams: Arc<[LogStream]>,
    content: Arc<RwLock<MemoryContent>>,
    limit: usize,
}

#[derive(Debug)]
struct MemoryContent {
    accounts: Vec<AccountRecord>,
    actions: Vec<ActionRecord>,
    posts: HashMap<(AccountId, PostId), Seq>,
    messages: VecDeque<KeptMessage>,
    oldest: Seq,
    bytes: usize,
    last_at: i64,
}

#[derive(Debug)]
struct KeptMessage {
    entry: LogEntry,
    account: AccountId,
    post: Option<(AccountId, PostId)>,
}

impl KeptMessage {
    /// Returns its share of the limit. The constant stands for the fields around the text.
    fn size(&self) -> usize {
        self.entry.text_bytes() + self.entry.message().map_or(0, |message| message.nickname.as_str().len()) + 128
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
        let content = MemoryContent {
            accounts: Vec::new(),
            actions: Vec::new(),
            posts: HashMap::new(),
            messages: VecDeque::new(),
            oldest: 1,
            bytes: 0,
            last_at: 0,
        };
        Self { streams: Arc::new([LogStream::starting_at(1)]), content: Arc::new(RwLock::new(content)), limit: bytes }
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
        read(&self.content).head()
    }

    fn accounts(&mut self) -> Result<Vec<AccountRecord>, JournalError> {
        Ok(read(&self.content).accounts.clone())
    }

    fn append(&mut self, drafts: &[Draft]) -> Result<Vec<Appended>, JournalError> {
        let mut content = self.content.write().unwrap_or_else(PoisonError::into_inner);
        let at = now_ms().max(content.last_at);
        content.last_at = at;
        let appended = drafts.iter().map(|draft| content.append(draft, at)).collect();
        while content.bytes > self.limit && content.messages.len() > 1 {
            content.forget_oldest();
        }
        Ok(appended)
    }

    fn expire(&mut self, keep: &Retention) -> Result<ExpiryStep, JournalError> {
        let mut content = self.content.write().unwrap_or_else(PoisonError::into_inner);
        let oldest_time = keep.oldest_time(now_ms());
        let (mut removed, before) = (0, content.bytes);
        let freed = |content: &MemoryContent| (before - content.bytes) as u64;
        while content.is_oldest_due(oldest_time, keep.bytes) {
            if removed == EXPIRY_MESSAGES as u64 {
                return Ok(ExpiryStep::new(removed, freed(&content), true));
            }
            content.forget_oldest();
            removed += 1;
        }
        Ok(ExpiryStep::new(removed, freed(&content), false))
    }

    fn probe(&mut self) -> Result<(), JournalError> {
        Ok(())
    }

    fn reader(&self) -> Arc<dyn JournalReader> {
        Arc::new(MemoryReader(Arc::clone(&self.content)))
    }
}

impl MemoryContent {
    fn head(&self) -> Seq {
        self.oldest + self.messages.len() as Seq - 1
    }

    fn append(&mut self, draft: &Draft, at: i64) -> Appended {
        match draft {
            Draft::Account { token, nickname } => {
                let id = AccountId::try_from(self.accounts.len()).unwrap_or(AccountId::MAX).saturating_add(1);
                let nickname = nickname.clone();
                self.accounts.push(AccountRecord { id, token: *token, nickname, at, revoked: false });
                Appended::Account(id)
            }
            Draft::Post { author, id, text } => {
                let post = id.clone().map(|id| (author.id, id));
                if let Some(&seq) = post.as_ref().and_then(|post| self.posts.get(post)) {
                    return Appended::Repeated { seq };
                }
                let seq = self.head() + 1;
                if let Some(post) = post.clone() {
                    self.posts.insert(post, seq);
                }
                let message = MessageRecord { seq, at, nickname: author.nickname.clone(), text: text.clone() };
                self.push(KeptMessage { entry: LogEntry::Message(message), account: author.id, post });
                Appended::Fresh { seq, at }
            }
            Draft::Action(draft) => {
                let number = self.actions.len() as u64 + 1;
                self.apply(draft, at);
                self.actions.push(ActionRecord { number, at, head: self.head(), draft: draft.clone() });
                Appended::Action { number, at }
            }
        }
    }

    /// Applies the effect of an action on messages and accounts.
    fn apply(&mut self, draft: &ActionDraft, at: i64) {
        match &draft.action {
            OperatorAction::Remove { seqs } => {
                for seq in seqs {
                    let Some(index) = seq.checked_sub(self.oldest).and_then(|index| usize::try_from(index).ok()) else {
                        continue;
                    };
                    let Some(kept) = self.messages.get_mut(index) else { continue };
                    let before = kept.size();
                    if let LogEntry::Message(message) = &kept.entry {
                        kept.entry = LogEntry::Removed(Tombstone {
                            seq: message.seq,
                            at: message.at,
                            removed_at: at,
                            by: draft.actor.clone(),
                            reason: draft.reason.clone(),
                        });
                    }
                    self.bytes = self.bytes - before + kept.size();
                }
            }
            OperatorAction::Revoke { account, .. } => self.set_revoked(*account, true),
            OperatorAction::Restore { account, .. } => self.set_revoked(*account, false),
            OperatorAction::Rename { account, to, .. } => {
                if let (Some(found), Ok(nickname)) = (self.account(*account), Nickname::new(to)) {
                    found.nickname = nickname;
                }
            }
            OperatorAction::Token { account, hash, .. } => {
                if let Some(found) = self.account(*account) {
                    found.token = *hash;
                }
            }
            OperatorAction::Erase { account } => {
                if let Some(found) = self.account(*account) {
                    *found = AccountRecord::erased(*account);
                }
                for record in &mut self.actions {
                    record.draft.action.forget_names(*account);
                }
            }
            _ => {}
        }
    }

    fn set_revoked(&mut self, account: AccountId, revoked: bool) {
        if let Some(found) = self.account(account) {
            found.revoked = revoked;
        }
    }

    /// Returns an account, unless it is erased.
    fn account(&mut self, id: AccountId) -> Option<&mut AccountRecord> {
        self.accounts.iter_mut().find(|found| found.id == id && !found.is_erased())
    }

    fn push(&mut self, kept: KeptMessage) {
        self.bytes += kept.size();
        self.messages.push_back(kept);
    }

    /// Returns true if the oldest message is older than a time, or if all of them have too many bytes.
    fn is_oldest_due(&self, oldest_time: Option<i64>, bytes: Option<u64>) -> bool {
        let Some(oldest) = self.messages.front() else { return false };
        let too_many = bytes.is_some_and(|bytes| self.bytes as u64 > bytes) && self.messages.len() > 1;
        too_many || oldest_time.is_some_and(|time| oldest.entry.at() < time)
    }

    fn forget_oldest(&mut self) {
        let Some(kept) = self.messages.pop_front() else { return };
        self.oldest += 1;
        self.bytes -= kept.size();
        if let Some(post) = kept.post {
            self.posts.remove(&post);
        }
    }
}

/// Locks the content. Its holders only copy in memory, so a reader waits for microseconds and never for a disk.
fn read(content: &RwLock<MemoryContent>) -> RwLockReadGuard<'_, MemoryContent> {
    content.read().unwrap_or_else(PoisonError::into_inner)
}

struct MemoryReader(Arc<RwLock<MemoryContent>>);

impl JournalReader for MemoryReader {
    fn waits(&self) -> bool {
        false
    }

    fn oldest(&self) -> Seq {
        read(&self.0).oldest
    }

    fn read(&self, from: Seq, page: ReadLimit) -> Result<Vec<LogEntry>, JournalError> {
        let content = read(&self.0);
        let skip = usize::try_from(from.saturating_sub(content.oldest)).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let mut messages = Vec::new();
        for kept in content.messages.iter().skip(skip).take(page.messages) {
            bytes += kept.entry.text_bytes();
            messages.push(kept.entry.clone());
            if bytes >= page.bytes {
                break;
            }
        }
        Ok(messages)
    }

    fn first_after(&self, at: i64) -> Result<Seq, JournalError> {
        let content = read(&self.0);
        Ok(content.oldest + content.messages.partition_point(|kept| kept.entry.at() <= at) as Seq)
    }

    fn actions(&self) -> Result<Vec<ActionRecord>, JournalError> {
        Ok(read(&self.0).actions.clone())
    }

    fn of_account(&self, account: AccountId, since: i64) -> Result<Vec<MessageRecord>, JournalError> {
        let content = read(&self.0);
        let wanted = |kept: &&KeptMessage| kept.account == account && kept.entry.at() >= since;
        Ok(content.messages.iter().filter(wanted).filter_map(|kept| kept.entry.message().cloned()).collect())
    }
}
