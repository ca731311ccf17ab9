//! What becomes of posts when the store fails, restarts, or loses an account.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chat_proto::Nickname;
use chat_server::{
    AccountRecord, Appended, Draft, Journal, JournalError, JournalReader, LogStream, MemoryJournal, revoke_account,
};
use serde_json::json;

use crate::peer::{CONFIRMED, GREETING, PROMPT, Peer, config, on_disk, start};

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

#[tokio::test]
async fn what_was_posted_behind_a_declined_post_is_declined_until_that_comes_again() {
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
async fn a_full_disk_is_said_and_the_service_goes_on_when_there_is_room() {
    let full = Arc::new(AtomicBool::new(false));
    let server = start(config(), Fillable { inner: MemoryJournal::new(), full: Arc::clone(&full) }).await;
    let mut listener = Peer::listening(&server).await;
    let (mut with_ids, _) = Peer::registered(&server, "Bob").await;
    let (mut plain, record) = Peer::registered(&server, "Eve").await;
    full.store(true, Ordering::SeqCst);
    let declined = json!({ "no": "p1", "code": "storage", "retry_after_ms": 1000 });
    assert_eq!(with_ids.post("p1", "x").await, declined);
    // The plain protocol cannot say it, so nothing is confirmed and the connection ends.
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
async fn accounts_and_messages_outlive_a_server_that_was_just_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let server = on_disk(&dir).await;
    let (mut writer, record) = Peer::registered(&server, "Bob").await;
    writer.send("kept\n\n").await;
    writer.expect(CONFIRMED).await;
    drop(server);
    writer.expect_end().await;
    // The storing thread closes the store on its own time.
    let journal = loop {
        match chat_server::SqliteJournal::open(dir.path()) {
            Ok(journal) => break journal,
            Err(JournalError::Locked { .. }) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    let server = start(config(), journal).await;
    let mut writer = Peer::logged_in(&server, &record.token).await;
    writer.send("\n").await;
    writer.expect(CONFIRMED).await;
    let (mut listener, _) = Peer::resuming(&server, "{\"last\": 5}").await;
    let message = listener.numbered().await;
    assert_eq!((message.seq, message.nick, message.text.as_str()), (1, record.nickname, "kept"));
}

#[tokio::test]
async fn a_revoked_account_is_closed_and_cannot_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let server = on_disk(&dir).await;
    let (mut writer, record) = Peer::registered(&server, "Bob").await;
    let (mut other, _) = Peer::registered(&server, "Eve").await;
    assert!(revoke_account(dir.path(), &Nickname::new(&record.nickname).unwrap()).unwrap());
    assert!(!revoke_account(dir.path(), &Nickname::new("Nobody At All").unwrap()).unwrap());
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
