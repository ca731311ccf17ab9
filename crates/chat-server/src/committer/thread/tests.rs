//! Revocations against what waits to be stored.

use chat_proto::{Nickname, Seq, Text};

use super::super::queue::{PostSequence, ReplySlot};
use super::*;
use crate::action::ActionDraft;
use crate::entry::{AccountRecord, Author, LogStream};
use crate::journal::{JournalReader, MemoryJournal};
use crate::limits::Limits;

fn parts(log: Arc<SharedLog>) -> CommitterParts {
    let limits = LiveLimits::new(Limits::default());
    CommitterParts {
        log,
        meters: Arc::default(),
        hooks: None,
        effects: Box::new(|_| {}),
        registered: Box::new(|_| {}),
        posted: Box::new(|_| {}),
        limits,
    }
}

/// A journal that records what is done with it.
struct Recording(MemoryJournal, Arc<Mutex<Vec<&'static str>>>);

impl Recording {
    fn note(&self, what: &'static str) {
        self.1.lock().unwrap().push(what);
    }
}

impl Journal for Recording {
    fn streams(&self) -> &[LogStream] {
        self.0.streams()
    }

    fn head(&self) -> Seq {
        self.0.head()
    }

    fn accounts(&mut self) -> Result<Vec<AccountRecord>, JournalError> {
        self.0.accounts()
    }

    fn append(&mut self, drafts: &[Draft]) -> Result<Vec<Appended>, JournalError> {
        self.note("append");
        self.0.append(drafts)
    }

    fn reader(&self) -> Arc<dyn JournalReader> {
        self.0.reader()
    }

    fn probe(&mut self) -> Result<(), JournalError> {
        self.0.probe()
    }

    fn revoked_elsewhere(&mut self) -> Result<Vec<AccountId>, JournalError> {
        self.note("revocations");
        self.0.revoked_elsewhere()
    }
}

#[test]
fn nothing_follows_a_revocation() {
    let mut queue = CommitQueue::default();
    let author = Arc::new(Author { id: 1, nickname: Nickname::new("Keen Bob").unwrap() });
    let mut push = |account, draft| {
        let (to, result) = oneshot::channel();
        let reply = ReplySlot { to, _permits: Vec::new() };
        let request = CommitRequest { drafts: vec![draft], sequence: PostSequence::default(), reply };
        assert!(queue.push(account, request).is_ok());
        result
    };
    let post = || Draft::Post { author: Arc::clone(&author), id: None, text: Text::new("x").unwrap() };
    let act = |action| Draft::Action(ActionDraft { actor: Nickname::new("root").unwrap(), reason: None, action });
    let nickname = || "Keen Bob".to_owned();
    // In one queue, so that their order is known.
    let mut results = vec![push(0, post())];
    results.push(push(0, act(OperatorAction::Revoke { account: 1, nickname: nickname() })));
    results.push(push(0, post()));
    results.push(push(0, act(OperatorAction::Restore { account: 1, nickname: nickname() })));
    results.push(push(0, post()));
    let log = Arc::new(SharedLog::new(0, 1 << 20));
    let journal = MemoryJournal::new();
    let queue = Arc::new(Mutex::new(queue));
    let mut owner = JournalOwner::new(journal.clone(), queue, parts(log));
    owner.serve().unwrap();
    let stored: Vec<bool> = results.iter_mut().map(|result| result.try_recv().unwrap().is_ok()).collect();
    assert_eq!(stored, [true, true, false, true, true]);
    assert_eq!(journal.head(), 2);
}

#[test]
fn revocations_come_before_what_waits() {
    let (mut queue, done) = (CommitQueue::default(), Arc::default());
    let author = Arc::new(Author { id: 1, nickname: Nickname::new("Keen Bob").unwrap() });
    for _ in 0..1_000 {
        let text = Text::new(&"x".repeat(16_000)).unwrap();
        let drafts = vec![Draft::Post { author: Arc::clone(&author), id: None, text }];
        let reply = ReplySlot { to: oneshot::channel().0, _permits: Vec::new() };
        assert!(queue.push(1, CommitRequest { drafts, sequence: PostSequence::default(), reply }).is_ok());
    }
    queue.push_maintenance(Maintenance { probe: false, revoked: oneshot::channel().0 });
    let log = Arc::new(SharedLog::new(0, 1 << 20));
    let journal = Recording(MemoryJournal::new(), Arc::clone(&done));
    let mut owner = JournalOwner::new(journal, Arc::new(Mutex::new(queue)), parts(log));
    owner.serve().unwrap();
    let done = done.lock().unwrap();
    assert!(done.len() > 2 && done[0] == "revocations", "{done:?}");
}
