//! The writer of one account, started when it is needed.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chat_client::{ClientConfig, ConnectionState, Nickname, PostId, SendOptions, Text, Token, Writer};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::post_state::{PostState, is_unknown_token};
use super::post_table::{Noted, PostTable};
use super::write_state::WriteState;
use crate::dialler::{Dialler, ForWhom};

/// How long a writer without posts keeps its connection: a conversation pauses for as long.
pub(crate) const IDLE: Duration = Duration::from_secs(60);

/// How many posts of one account are on their way at once.
const QUEUE: usize = 1_024;

/// One account in use. Pages share it.
#[derive(Debug)]
pub(crate) struct WebAccount {
    config: ClientConfig,
    dialler: Dialler,
    token: Token,
    inner: Mutex<SessionInner>,
    /// In boxes, because a channel has room for 32 of them from its start.
    posts: mpsc::UnboundedSender<Box<WaitingPost>>,
    state: watch::Sender<WriteState>,
    nickname: watch::Sender<Option<Nickname>>,
    /// The room refused the token.
    refused: watch::Sender<bool>,
    /// Counts the log-outs, each of which ends the pages of the account.
    logouts: watch::Sender<u64>,
}

#[derive(Debug)]
struct SessionInner {
    writer: Option<Writer>,
    table: PostTable,
    used: Instant,
}

/// A post on its way to the writer.
#[derive(Debug)]
struct WaitingPost {
    id: PostId,
    text: Text,
    resend: bool,
    from: IpAddr,
    state: watch::Sender<PostState>,
}

impl WebAccount {
    pub(crate) fn new(config: ClientConfig, dialler: Dialler, token: Token) -> Arc<Self> {
        let (posts, queued) = mpsc::unbounded_channel();
        let inner = SessionInner { writer: None, table: PostTable::default(), used: Instant::now() };
        let session = Arc::new(Self {
            config,
            dialler,
            token,
            inner: Mutex::new(inner),
            posts,
            state: watch::Sender::new(WriteState::Idle),
            nickname: watch::Sender::new(None),
            refused: watch::Sender::new(false),
            logouts: watch::Sender::new(0),
        });
        tokio::spawn(send_in_order(Arc::downgrade(&session), queued));
        session
    }

    /// Sends a post, unless it is known. Returns its state, for watching.
    pub(crate) fn post(&self, id: PostId, text: Text, resend: bool, from: IpAddr) -> watch::Receiver<PostState> {
        let noted = self.inner().table.note(&id);
        match noted {
            Noted::Known(state) => state,
            Noted::Full => watch::channel(PostState::refused("busy")).1,
            Noted::New(state) => {
                let watched = state.subscribe();
                // An error means that the session ends; the sender of the state is dropped with the post.
                let _ = self.posts.send(Box::new(WaitingPost { id, text, resend, from, state }));
                watched
            }
        }
    }

    /// Starts the writer unless it runs.
    pub(crate) fn start(self: &Arc<Self>, from: IpAddr) -> Writer {
        let mut inner = self.inner();
        inner.used = Instant::now();
        if let Some(writer) = inner.writer.as_ref().filter(|writer| !writer.state().borrow().is_closed()) {
            return writer.clone();
        }
        let dial = self.dialler.dial(ForWhom::Browser(from));
        let builder = Writer::builder(self.config.clone()).token(self.token.clone()).dial(dial).queue_size(QUEUE);
        let writer = builder.start();
        inner.writer = Some(writer.clone());
        self.refused.send_replace(false);
        // The room has to accept the token again.
        self.nickname.send_replace(None);
        tokio::spawn(follow(Arc::downgrade(self), writer.clone()));
        writer
    }

    /// Returns whether the writer runs.
    pub(crate) fn is_running(&self) -> bool {
        self.inner().writer.is_some()
    }

    /// Ends the writer if it was not used for this long and nothing is unanswered.
    pub(crate) fn close_if_idle(&self, idle: Duration) -> bool {
        let mut inner = self.inner();
        if inner.table.unanswered() > 0 || inner.used.elapsed() < idle {
            return false;
        }
        let Some(writer) = inner.writer.take() else { return false };
        self.state.send_replace(WriteState::Idle);
        tokio::spawn(writer.close(Duration::from_secs(1)));
        true
    }

    /// Returns when the session was last used.
    pub(crate) fn used(&self) -> Instant {
        self.inner().used
    }

    /// Ends the writer for good; what is queued is sent for at most `within`.
    pub(crate) async fn close(&self, within: Duration) {
        let writer = self.inner().writer.clone();
        if let Some(writer) = writer {
            writer.close(within).await;
        }
    }

    /// Ends a wait for the next attempt.
    pub(crate) fn retry_now(&self) {
        if let Some(writer) = &self.inner().writer {
            writer.retry_now();
        }
    }

    /// Ends all pages of the account.
    pub(crate) fn log_out(&self) {
        self.logouts.send_modify(|count| *count += 1);
    }

    pub(crate) fn state(&self) -> watch::Receiver<WriteState> {
        self.state.subscribe()
    }

    pub(crate) fn nickname(&self) -> watch::Receiver<Option<Nickname>> {
        self.nickname.subscribe()
    }

    pub(crate) fn refused(&self) -> watch::Receiver<bool> {
        self.refused.subscribe()
    }

    pub(crate) fn logouts(&self) -> watch::Receiver<u64> {
        self.logouts.subscribe()
    }

    fn inner(&self) -> MutexGuard<'_, SessionInner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Passes the posts of all pages to the writer, one after the other.
async fn send_in_order(session: std::sync::Weak<WebAccount>, mut queued: mpsc::UnboundedReceiver<Box<WaitingPost>>) {
    while let Some(post) = queued.recv().await {
        // Each page of the account holds the session.
        let Some(session) = session.upgrade() else { return };
        let WaitingPost { id, text, resend, from, state } = *post;
        let writer = session.start(from);
        let options = SendOptions::with_id(id).may_be_delivered(resend);
        let delivery = match writer.send_with(text, options).await {
            Ok(delivery) => delivery,
            Err(error) => {
                state.send_replace(error.into());
                continue;
            }
        };
        tokio::spawn(async move {
            let outcome = delivery.await;
            state.send_replace(outcome.into());
            session.inner().used = Instant::now();
        });
    }
}

/// Reports the states of one writer until it ends.
async fn follow(session: std::sync::Weak<WebAccount>, writer: Writer) {
    let (mut state, mut hold, mut account) = (writer.state(), writer.hold(), writer.account());
    // Only the watches are held, so that the writer ends with its session.
    drop(writer);
    let mut ended = false;
    loop {
        {
            let Some(session) = session.upgrade() else { return };
            let now = state.borrow_and_update().clone();
            if let Some(account) = &*account.borrow_and_update() {
                session.nickname.send_replace(Some(account.nickname.clone()));
            }
            if now.cause().is_some_and(is_unknown_token) {
                session.refused.send_replace(true);
            }
            ended |= now.is_closed();
            let hold = hold.borrow_and_update().clone();
            // A writer that was closed because it was idle has already reported that.
            if !matches!(now, ConnectionState::Closed { cause: None }) {
                session.state.send_replace(WriteState::Running(now, hold));
            }
            if ended {
                return;
            }
        }
        // A change that comes first is seen with the others at the start of the loop. So is the last state, when the
        // writer has ended with all of its watches.
        let changed = tokio::select! {
            changed = state.changed() => changed,
            changed = hold.changed() => changed,
            changed = account.changed() => changed,
        };
        ended = changed.is_err();
    }
}
