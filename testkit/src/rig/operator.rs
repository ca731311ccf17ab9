//! The operator of a run: removes confirmed messages and bans a guest, over the socket of the running server. The server
//! may be killed at any time, so an action without an answer may have happened or not.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chat_client::{Listener, ListenerEvent, Position, Resume, StreamId};
use chat_server::admin::{AdminCall, AdminError, AdminRequest, call};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::ledger::Ledger;
use super::timeouts::{GUARD, client_config};

/// How long a removed message is looked for: the server may have been killed meanwhile.
const LOOK_FOR: Duration = Duration::from_secs(2);

/// One action at a time.
#[derive(Debug)]
pub(super) struct Operator {
    dir: PathBuf,
    ledger: Arc<Ledger>,
    /// The account that is banned. It has no client, which would end for good.
    pub(super) guest: String,
    running: Option<JoinHandle<Option<bool>>>,
    /// Whether the guest is banned; `None` if that is not known.
    banned: Option<bool>,
}

impl Operator {
    pub(super) fn new(dir: PathBuf, ledger: &Arc<Ledger>) -> Self {
        Self { dir, ledger: Arc::clone(ledger), guest: String::new(), running: None, banned: None }
    }

    /// Begins an action that `draw` chooses. Returns false if the one before has not ended, or there is no message yet.
    pub(super) async fn begin(&mut self, draw: u64, nick: &str, stream: &str, listen: SocketAddr) -> bool {
        if self.running.as_ref().is_some_and(|running| !running.is_finished()) {
            return false;
        }
        self.settle().await;
        let connection = self.call();
        let (nick, stream, known) = (nick.to_owned(), stream.to_owned(), self.banned);
        let task = match draw % 8 {
            0 => tokio::spawn(async move {
                connection.ask(AdminRequest::Kick { nickname: nick }).await;
                known
            }),
            1 | 2 => tokio::spawn(async move { connection.ban(known).await }),
            _ => {
                let Some(seq) = self.ledger.lock().begin_removal(draw) else { return false };
                tokio::spawn(async move {
                    connection.remove(seq, &stream, listen).await;
                    known
                })
            }
        };
        self.running = Some(task);
        true
    }

    /// Waits until the last action has ended, and checks that the guest is banned, or not, as was confirmed.
    pub(super) async fn finish(&mut self) {
        self.settle().await;
        let connection = self.call();
        connection.check_ban(self.banned).await;
    }

    fn call(&self) -> OperatorCall {
        OperatorCall { dir: self.dir.clone(), ledger: Arc::clone(&self.ledger), guest: self.guest.clone() }
    }

    async fn settle(&mut self) {
        if let Some(running) = self.running.take() {
            // It ends: each of its waits is bounded.
            self.banned = running.await.unwrap_or_default();
        }
    }
}

/// One action and its check.
struct OperatorCall {
    dir: PathBuf,
    ledger: Arc<Ledger>,
    guest: String,
}

impl OperatorCall {
    /// Returns the lines of the answer; `None` if none has come, which says nothing about what happened.
    async fn ask(&self, request: AdminRequest) -> Option<Vec<String>> {
        let request = AdminCall { actor: "operator".to_owned(), reason: None, request };
        match timeout(GUARD, call(&self.dir, &request)).await {
            Ok(Ok(Some(Ok(replies)))) => Some(replies.into_iter().map(|reply| reply.text).collect()),
            Ok(Ok(Some(Err(AdminError::Usage(why))))) => {
                self.ledger.lock().report_unexpected(format!("{:?} was refused: {why}", request.request));
                None
            }
            // A full disk, or the server was killed.
            Ok(Ok(Some(Err(_)) | None) | Err(_)) => None,
            Err(_) => {
                self.ledger.lock().report_unexpected(format!("{:?} got no answer", request.request));
                None
            }
        }
    }

    async fn remove(&self, seq: u64, stream: &str, listen: SocketAddr) {
        if self.ask(AdminRequest::Remove { seqs: vec![seq] }).await.is_none() {
            return;
        }
        self.ledger.lock().removed.insert(seq);
        // A listener that comes now must not get the text, from memory or from the store.
        let Ok(Some(ListenerEvent::Message(message))) = timeout(LOOK_FOR, first_after(stream, seq - 1, listen)).await
        else {
            return;
        };
        if message.position.is_some_and(|position| position.seq == seq) {
            self.ledger.lock().report_unexpected(format!("message {seq} was delivered after its confirmed removal"));
        }
    }

    /// Bans the guest, or ends its ban. Returns what is known then.
    async fn ban(&self, known: Option<bool>) -> Option<bool> {
        self.check_ban(known).await;
        let (nickname, ban) = (self.guest.clone(), known != Some(true));
        let request = if ban { AdminRequest::Ban { nickname, for_ms: None } } else { AdminRequest::Unban { nickname } };
        self.ask(request).await.map(|_| ban)
    }

    async fn check_ban(&self, known: Option<bool>) {
        let (Some(known), Some(bans)) = (known, self.ask(AdminRequest::Bans).await) else { return };
        if bans.contains(&self.guest) != known {
            self.ledger
                .lock()
                .report_unexpected(format!("the ban of the guest, which was {known}, was lost: {bans:?}"));
        }
    }
}

/// Returns the first message or tombstone after a position.
async fn first_after(stream: &str, seq: u64, listen: SocketAddr) -> Option<ListenerEvent> {
    let mut config = client_config(listen.port(), 0);
    config.resume = Resume::after(Position { stream: StreamId::new(stream).ok()?, seq });
    let mut listener = Listener::builder(config).start();
    let mut events = Vec::new();
    loop {
        if listener.next_batch(&mut events).await == 0 {
            return None;
        }
        let mut found = events.drain(..);
        let item = found.find(|event| matches!(event, ListenerEvent::Message(_) | ListenerEvent::Removed(_)));
        if item.is_some() {
            return item;
        }
    }
}
