//! Logins while the store takes its time to find an account.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat_server::{
    AccountId, AccountIndex, AccountRecord, Appended, Draft, Journal, JournalError, JournalReader, LogEntry, LogStream,
    ReadLimit, SqliteJournal, TokenHash,
};

use crate::peer::{CONFIRMED, GREETING, Peer, config, on_disk, start};

/// A journal that finds an account only when the test says so.
struct SlowAccounts {
    inner: SqliteJournal,
    found: Arc<Mutex<Receiver<()>>>,
}

struct SlowReader {
    inner: Arc<dyn JournalReader>,
    found: Arc<Mutex<Receiver<()>>>,
}

impl Journal for SlowAccounts {
    fn streams(&self) -> &[LogStream] {
        self.inner.streams()
    }

    fn head(&self) -> u64 {
        self.inner.head()
    }

    fn accounts(&mut self) -> Result<Vec<AccountRecord>, JournalError> {
        panic!("all accounts are read")
    }

    fn append(&mut self, drafts: &[Draft]) -> Result<Vec<Appended>, JournalError> {
        self.inner.append(drafts)
    }

    fn reader(&self) -> Arc<dyn JournalReader> {
        Arc::new(SlowReader { inner: self.inner.reader(), found: Arc::clone(&self.found) })
    }

    fn probe(&mut self) -> Result<(), JournalError> {
        self.inner.probe()
    }
}

impl JournalReader for SlowReader {
    fn oldest(&self) -> u64 {
        self.inner.oldest()
    }

    fn read(&self, from: u64, page: ReadLimit) -> Result<Vec<LogEntry>, JournalError> {
        self.inner.read(from, page)
    }

    fn first_after(&self, at: i64) -> Result<u64, JournalError> {
        self.inner.first_after(at)
    }

    fn accounts(&self) -> Option<&dyn AccountIndex> {
        Some(self)
    }
}

impl AccountIndex for SlowReader {
    fn by_token(&self, token: &TokenHash) -> Result<Option<AccountRecord>, JournalError> {
        let found = self.found.lock().unwrap().recv_timeout(Duration::from_secs(30));
        found.expect("the test was held up by this read");
        self.inner.accounts().unwrap().by_token(token)
    }

    fn by_id(&self, id: AccountId) -> Result<Option<AccountRecord>, JournalError> {
        self.inner.accounts().unwrap().by_id(id)
    }

    fn look_alikes(&self, name: &str) -> Result<Vec<AccountId>, JournalError> {
        self.inner.accounts().unwrap().look_alikes(name)
    }

    fn count(&self) -> Result<u64, JournalError> {
        self.inner.accounts().unwrap().count()
    }
}

/// The runtime of the test has one thread, so a read on it would hold up the test.
#[tokio::test]
async fn first_logins_wait_for_the_disk_and_nothing_else_does() {
    let dir = tempfile::tempdir().unwrap();
    let server = on_disk(&dir).await;
    let (_, bob) = Peer::registered(&server, "Bob").await;
    server.drain().await.unwrap();

    let (find, found) = mpsc::channel();
    let journal = SlowAccounts { inner: SqliteJournal::open(dir.path()).unwrap(), found: Arc::new(Mutex::new(found)) };
    let server = start(config(), journal).await;
    let mut waiting = Peer::connect(server.write_addr()).await;
    waiting.expect(GREETING).await;
    waiting.send(format!("{}\n", bob.token)).await;
    // Who registers and posts needs no account of the store.
    let (mut other, eve) = Peer::registered(&server, "Eve").await;
    other.send("hello\n\n").await;
    other.expect(CONFIRMED).await;
    assert!(waiting.has_nothing());
    find.send(()).unwrap();
    let known = waiting.record().await;
    assert_eq!(known.nickname, bob.nickname);
    // Both are in memory by now.
    Peer::logged_in(&server, &bob.token).await;
    Peer::logged_in(&server, &eve.token).await;
    drop((waiting, other));
    server.drain().await.unwrap();
}
