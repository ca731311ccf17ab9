//! Posts while the store fails, restarts, or loses an account.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chat_proto::Nickname;
use chat_server::{
    AccountRecord, Appended, Draft, Journal, JournalError, JournalReader, LogStream, MemoryJournal, Readiness,
    SqliteJournal, revoke_account,
};
use serde_json::json;

use crate::peer::{CONFIRMED, GREETING, PROMPT, Peer, config, config_on_own_address, guarded, on_disk, start};

/// A journal whose disk can be filled.
pub(crate) struct Fillable {
    pub(crate) inner: MemoryJournal,
    pub(crate) full: Arc<AtomicBool>,
}

impl Journal for Fillable {
    fn streams(&self) -> &[LogStream] {
        self.inner.streams()
    }

    fn head(&self) -> u64 {
        self.inner.head()
    }

    fn accounts(&mut self) -> Result<Vec<AccountRecord>, JournalError> {
        self.inner.accounts()
    }

    fn append(&mut self, drafts: &[Draft]) -> Result<Vec<Appended>, JournalError> {
        if self.full.load(Ordering::SeqCst) {
            return Err(JournalError::Full);
        }
        self.inner.append(drafts)
    }

    fn reader(&self) -> Arc<dyn JournalReader> {
        self.inner.reader()
    }

    fn probe(&mut self) -> Result<(), JournalError> {
        if self.full.load(Ordering::SeqCst) { Err(JournalError::Full) } else { Ok(()) }
    }
}

/// A journal that breaks when it stores a certain text.
struct Breaking {
    inner: MemoryJournal,
    how: fn(Vec<Appended>) -> Vec<Appended>,
}

impl Journal for Breaking {
    fn streams(&self) -> &[LogStream] {
        self.inner.streams()
    }

    fn head(&self) -> u64 {
        self.inner.head()
    }

    fn accounts(&mut self) -> Result<Vec<AccountRecord>, JournalError> {
        self.inner.accounts()
    }

    fn append(&mut self, drafts: &[Draft]) -> Result<Vec<Appended>, JournalError> {
        let breaks = drafts.iter().any(|draft| matches!(draft, Draft::Post { text, .. } if text.as_str() == "break"));
        let appended = self.inner.append(drafts)?;
        Ok(if breaks { (self.how)(appended) } else { appended })
    }

    fn probe(&mut self) -> Result<(), JournalError> {
        Ok(())
    }

    fn reader(&self) -> Arc<dyn JournalReader> {
        self.inner.reader()
    }
}

#[tokio::test]
async fn broken_journal_ends_the_server() {
    let panics = |_| panic!("as the test wants it");
    let short = |mut appended: Vec<Appended>| {
        appended.pop();
        appended
    };
    let hole = |_| vec![Appended::Fresh { seq: 7, at: 0 }];
    let ways: [fn(Vec<Appended>) -> Vec<Appended>; 3] = [panics, short, hole];
    for how in ways {
        let server = start(config_on_own_address(), Breaking { inner: MemoryJournal::new(), how }).await;
        let observer = server.observer();
        let mut listener = Peer::listening(&server).await;
        let (mut bob, _) = Peer::registered(&server, "Bob").await;
        let (mut plain, _) = Peer::registered(&server, "Eve").await;
        assert_eq!(bob.post("p1", "one").await["ok"], "p1");
        assert!(listener.line().await.ends_with(": one\n"));
        assert_eq!(bob.post("p2", "break").await["no"], "p2");
        guarded("the failure", server.failed()).await;
        assert_eq!(observer.readiness(), Readiness::StoreFails);
        bob.expect_end().await;
        plain.expect_end().await;
        listener.expect_end().await;
        for port in [server.listen_addr(), server.write_addr()] {
            assert!(tokio::net::TcpStream::connect(port).await.is_err());
        }
        let error = guarded("draining", server.drain()).await.unwrap_err();
        assert!(error.to_string().starts_with("the journal failed: "), "{error}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn removed_store_is_noticed() {
    type Change = fn(&std::path::Path);
    let changes: [(&str, Change); 5] = [
        ("removed", |dir| {
            for name in ["room.db", "room.db-wal", "room.db-shm"] {
                std::fs::remove_file(dir.join(name)).unwrap();
            }
        }),
        ("moved", |dir| std::fs::rename(dir, dir.with_extension("moved")).unwrap()),
        ("replaced", |dir| {
            std::fs::copy(dir.join("room.db"), dir.join("copy")).unwrap();
            std::fs::rename(dir.join("copy"), dir.join("room.db")).unwrap();
        }),
        ("without its lock", |dir| std::fs::remove_file(dir.join("lock")).unwrap()),
        ("cut short", |dir| {
            std::fs::File::options().write(true).open(dir.join("room.db")).unwrap().set_len(0).unwrap();
        }),
    ];
    for (what, change) in changes {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("store");
        let server = start(config(), SqliteJournal::open(&dir).unwrap()).await;
        let observer = server.observer();
        let (mut bob, _) = Peer::registered(&server, "Bob").await;
        assert_eq!(bob.post("p1", "one").await["ok"], "p1");
        change(&dir);
        let unready = async {
            while observer.readiness() != Readiness::StoreFails {
                tokio::task::yield_now().await;
            }
        };
        guarded(what, unready).await;
        assert_eq!(bob.post("p2", "lost").await["code"], "storage", "{what}");
        if what == "moved" {
            std::fs::rename(dir.with_extension("moved"), &dir).unwrap();
            let stored = async { while bob.post("p2", "kept").await["ok"] != "p2" {} };
            guarded("it is stored again", stored).await;
        }
    }
}

#[tokio::test]
async fn declines_posts_after_a_declined_one() {
    let full = Arc::new(AtomicBool::new(false));
    let server = start(config(), Fillable { inner: MemoryJournal::new(), full: Arc::clone(&full) }).await;
    let mut listener = Peer::listening(&server).await;
    let (mut bob, _) = Peer::registered(&server, "Bob").await;
    full.store(true, Ordering::SeqCst);
    assert_eq!(bob.post("p1", "one").await["no"], "p1");
    full.store(false, Ordering::SeqCst);
    // Written before the answer was read, so it must not overtake.
    assert_eq!(bob.post("p2", "two").await, json!({ "no": "p2", "code": "storage", "retry_after_ms": 1000 }));
    for (id, text) in [("p1", "one"), ("p2", "two"), ("p3", "three")] {
        assert_eq!(bob.post(id, text).await["ok"], id);
    }
    for text in ["one", "two", "three"] {
        assert!(listener.line().await.contains(text));
    }
}

#[tokio::test]
async fn reports_a_full_disk_and_recovers() {
    let full = Arc::new(AtomicBool::new(false));
    let server = start(config(), Fillable { inner: MemoryJournal::new(), full: Arc::clone(&full) }).await;
    let mut listener = Peer::listening(&server).await;
    let (mut with_ids, _) = Peer::registered(&server, "Bob").await;
    let (mut plain, record) = Peer::registered(&server, "Eve").await;
    full.store(true, Ordering::SeqCst);
    let declined = json!({ "no": "p1", "code": "storage", "retry_after_ms": 1000 });
    assert_eq!(with_ids.post("p1", "x").await, declined);
    // The plain protocol cannot report it, so nothing is confirmed and the connection ends.
    plain.send("lost\n\nlost too\n\n").await;
    plain.expect_end().await;
    let mut newcomer = Peer::connect(server.write_addr()).await;
    newcomer.send("\nNew\n").await;
    newcomer.expect(format!("{GREETING}{PROMPT}")).await;
    newcomer.expect_end().await;

    full.store(false, Ordering::SeqCst);
    assert_eq!(with_ids.post("p1", "x").await["seq"], 1);
    let mut plain = Peer::logged_in(&server, &record.token).await;
    plain.send("kept\n\n").await;
    plain.expect(CONFIRMED).await;
    assert!(listener.line().await.ends_with(": x\n"));
    assert!(listener.line().await.ends_with(": kept\n"));
}

#[tokio::test]
async fn data_survives_a_dropped_server() {
    let dir = tempfile::tempdir().unwrap();
    let server = on_disk(&dir).await;
    let (mut writer, record) = Peer::registered(&server, "Bob").await;
    writer.send("kept\n\n").await;
    writer.expect(CONFIRMED).await;
    drop(server);
    writer.expect_end().await;
    // The journal thread closes the store in the background.
    let reopened = async {
        loop {
            match SqliteJournal::open(dir.path()) {
                Ok(journal) => return journal,
                Err(JournalError::Locked { .. }) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    };
    let journal = guarded("the store is free", reopened).await;
    let server = start(config(), journal).await;
    let mut writer = Peer::logged_in(&server, &record.token).await;
    writer.send("\n").await;
    writer.expect(CONFIRMED).await;
    let (mut listener, _) = Peer::resuming(&server, "{\"last\": 5}").await;
    let message = listener.numbered().await;
    assert_eq!((message.seq, message.nick, message.text.as_str()), (1, record.nickname, "kept"));
}

#[tokio::test]
async fn closes_and_refuses_a_revoked_account() {
    let dir = tempfile::tempdir().unwrap();
    let server = on_disk(&dir).await;
    let (mut writer, record) = Peer::registered(&server, "Bob").await;
    let (mut other, _) = Peer::registered(&server, "Eve").await;
    assert!(
        revoke_account(dir.path(), &Nickname::new(&record.nickname).unwrap(), &Nickname::new("root").unwrap()).unwrap()
    );
    assert!(
        !revoke_account(dir.path(), &Nickname::new("Unknown Name").unwrap(), &Nickname::new("root").unwrap()).unwrap()
    );
    writer.expect_end().await;
    let mut again = Peer::connect(server.write_addr()).await;
    again.send(format!("{}\n", record.token)).await;
    again.expect(format!("{GREETING}null\n{PROMPT}")).await;
    other.send("\n").await;
    other.expect(CONFIRMED).await;
    server.drain().await.unwrap();
    let server = on_disk(&dir).await;
    let mut again = Peer::connect(server.write_addr()).await;
    again.send(format!("{}\n", record.token)).await;
    again.expect(format!("{GREETING}null\n{PROMPT}")).await;
}
