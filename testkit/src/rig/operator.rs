//! The operator of a run: acts over the socket of the running server, and checks that what was confirmed is in force.
//! The server may be killed at any time, so an action without an answer may have happened or not.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chat_client::{GapCause, Listener, ListenerEvent, Position, PostId, Resume, StreamId, Text, Token, Writer};
use chat_server::admin::{AdminCall, AdminError, AdminRequest, call};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::fault_plan::OperatorAct;
use super::ledger::Ledger;
use super::post_text;
use super::standing::{ProbePost, Standing};
use super::timeouts::{GUARD, LOOK_FOR, client_config};

/// The account that is muted, banned and revoked. It has no client, which would end for good.
#[derive(Debug)]
pub(super) struct Guest {
    /// Its index among the writers of the ledger.
    pub(super) writer: usize,
    pub(super) nick: String,
    pub(super) token: Token,
}

/// The room as it is when an action begins.
#[derive(Debug, Clone)]
pub(super) struct Room {
    pub(super) stream: StreamId,
    pub(super) listen: SocketAddr,
    pub(super) write: SocketAddr,
    /// The nicknames of the writers.
    pub(super) nicks: Vec<String>,
}

/// Does one thing at a time.
#[derive(Debug)]
pub(super) struct Operator {
    /// `None` while it acts.
    idle: Option<OperatorState>,
    running: Option<JoinHandle<OperatorState>>,
}

impl Operator {
    pub(super) fn new(dir: PathBuf, seed: u64, ledger: &Arc<Ledger>, guest: Guest) -> Self {
        let ledger = Arc::clone(ledger);
        let state =
            OperatorState { dir, seed, ledger, guest, posts: 0, standing: Standing::clear(), muted: None, room: None };
        Self { idle: Some(state), running: None }
    }

    /// Begins an action. Returns false if the one before has not ended.
    pub(super) async fn begin(&mut self, act: OperatorAct, draw: u64, room: Room) -> bool {
        if self.running.as_ref().is_some_and(|running| !running.is_finished()) {
            return false;
        }
        self.settle().await;
        let Some(mut state) = self.idle.take() else { return false };
        state.room = Some(room);
        self.running = Some(tokio::spawn(async move {
            state.act(act, draw).await;
            state
        }));
        true
    }

    /// Waits until the last action has ended, and checks once more what is in force.
    pub(super) async fn finish(&mut self, room: Room, ledger: &Ledger) {
        self.settle().await;
        match &mut self.idle {
            Some(state) => {
                state.room = Some(room);
                state.check_guest().await;
                state.check_bans().await;
            }
            None => ledger.lock().report_unexpected("the operator panicked".to_owned()),
        }
    }

    async fn settle(&mut self) {
        if let Some(running) = self.running.take() {
            // It ends: each of its waits is bounded.
            self.idle = running.await.ok();
        }
    }
}

/// The answer to a request.
enum Answer {
    Done(Vec<String>),
    Refused(String),
    /// The disk is full, or the server was killed: the request may have been carried out or not.
    None,
}

#[derive(Debug)]
struct OperatorState {
    dir: PathBuf,
    seed: u64,
    ledger: Arc<Ledger>,
    guest: Guest,
    /// Number of posts of the guest.
    posts: u64,
    standing: Standing,
    /// The writer that may still be muted.
    muted: Option<String>,
    /// `None` before the first action.
    room: Option<Room>,
}

impl OperatorState {
    async fn act(&mut self, act: OperatorAct, draw: u64) {
        if let Some(nickname) = self.muted.clone() {
            self.unmute(nickname).await;
        }
        let nickname = self.guest.nick.clone();
        match act {
            OperatorAct::Remove => self.remove(draw).await,
            OperatorAct::Ban => {
                self.check_guest().await;
                self.check_bans().await;
                let ban = self.standing.banned != Some(true);
                let end = AdminRequest::Unban { nickname: nickname.clone() };
                let request = if ban { AdminRequest::Ban { nickname, for_ms: None } } else { end };
                self.standing.banned = self.done(request).await.then_some(ban);
                self.check_guest().await;
            }
            OperatorAct::Mute => {
                self.check_guest().await;
                let mute = self.standing.muted != Some(true);
                let end = AdminRequest::Unmute { nickname: nickname.clone() };
                let request = if mute { AdminRequest::Mute { nickname, for_ms: None } } else { end };
                self.ledger.lock().muted.insert(self.guest.writer);
                self.standing.muted = self.done(request).await.then_some(mute);
                self.check_guest().await;
            }
            OperatorAct::Revoke => {
                self.check_guest().await;
                let revoke = self.standing.revoked != Some(true);
                let end = AdminRequest::Restore { nickname: nickname.clone() };
                let request = if revoke { AdminRequest::Revoke { nickname } } else { end };
                self.standing.revoked = self.done(request).await.then_some(revoke);
                self.check_guest().await;
            }
            OperatorAct::MuteWriter => {
                let Some(nickname) = self.draw_writer(draw) else { return };
                self.muted = Some(nickname.clone());
                self.done(AdminRequest::Mute { nickname: nickname.clone(), for_ms: None }).await;
                sleep(Duration::from_millis(draw / 8191 % 100)).await;
                self.unmute(nickname).await;
            }
            OperatorAct::Kick => {
                let nickname = self.room.as_ref().map(|room| room.nicks[draw as usize % room.nicks.len()].clone());
                if let Some(nickname) = nickname {
                    self.done(AdminRequest::Kick { nickname }).await;
                }
            }
            OperatorAct::Resume => {
                let newest = self.ledger.lock().listeners.iter().copied().max().unwrap_or(0);
                self.resume_after(draw % (newest + 1)).await;
            }
        }
    }

    /// Chooses a writer, and notes that it is muted from now on.
    fn draw_writer(&self, draw: u64) -> Option<String> {
        let room = self.room.as_ref()?;
        let writer = draw as usize % room.nicks.len();
        self.ledger.lock().muted.insert(writer);
        Some(room.nicks[writer].clone())
    }

    async fn unmute(&mut self, nickname: String) {
        if self.done(AdminRequest::Unmute { nickname }).await {
            self.muted = None;
        }
    }

    async fn ask(&self, request: AdminRequest) -> Answer {
        let request = AdminCall { actor: "operator".to_owned(), reason: None, request };
        match timeout(GUARD, call(&self.dir, &request)).await {
            Ok(Ok(Some(Ok(replies)))) => Answer::Done(replies.into_iter().map(|reply| reply.text).collect()),
            Ok(Ok(Some(Err(AdminError::Usage(why))))) => Answer::Refused(why),
            Ok(Ok(Some(Err(_)) | None) | Err(_)) => Answer::None,
            Err(_) => {
                self.ledger.lock().report_unexpected(format!("{:?} got no answer", request.request));
                Answer::None
            }
        }
    }

    /// Returns whether a request that must be possible was carried out.
    async fn done(&self, request: AdminRequest) -> bool {
        match self.ask(request.clone()).await {
            Answer::Done(_) => true,
            Answer::Refused(why) => {
                self.ledger.lock().report_unexpected(format!("{request:?} was refused: {why}"));
                false
            }
            Answer::None => false,
        }
    }

    async fn remove(&self, draw: u64) {
        let Some(seq) = self.ledger.lock().begin_removal(draw) else { return };
        match self.ask(AdminRequest::Remove { seqs: vec![seq] }).await {
            Answer::Done(_) => {
                self.ledger.lock().removed.insert(seq);
                // A listener that comes now must not get the text, from memory or from the store.
                if let Some(Next::Message(next)) = self.resume_after(seq - 1).await
                    && next == seq
                {
                    let what = format!("message {seq} was delivered after its confirmed removal");
                    self.ledger.lock().report_unexpected(what);
                }
            }
            Answer::Refused(why) => {
                if let Some(next) = self.resume_after(seq - 1).await
                    && next.seq() == seq
                {
                    self.ledger.lock().report_unexpected(format!("the removal of message {seq} was refused: {why}"));
                }
            }
            Answer::None => {}
        }
    }

    /// Posts as the guest, and checks what the server does with it.
    async fn check_guest(&mut self) {
        let Some(room) = &self.room else { return };
        let (writer, number) = (self.guest.writer, self.posts);
        let id = PostId::new(&post_text::id(writer, number));
        let text = Text::new(&post_text::text(self.seed, writer, number));
        let (Ok(id), Ok(text)) = (id, text) else { return };
        self.posts += 1;
        let config = client_config(room.write.port(), self.seed ^ number);
        let client = Writer::builder(config).token(self.guest.token.clone()).start();
        ProbePost { writer, number, id, text }.check(self.standing, LOOK_FOR, client, &self.ledger).await;
    }

    async fn check_bans(&self) {
        let Some(known) = self.standing.banned else { return };
        let Answer::Done(bans) = self.ask(AdminRequest::Bans).await else { return };
        if bans.contains(&self.guest.nick) != known {
            let what = format!("the ban of the guest, which was {known}, was lost: {bans:?}");
            self.ledger.lock().report_unexpected(what);
        }
    }

    /// Resumes behind a position. Returns what comes first, after a gap that covers exactly what has expired.
    async fn resume_after(&self, seq: u64) -> Option<Next> {
        let room = self.room.as_ref()?;
        let (first, next) = timeout(LOOK_FOR, next_after(room, seq)).await.ok()??;
        if first != next.seq() {
            let what = format!("a listener behind {seq} was told to continue at {first} and got {}", next.seq());
            self.ledger.lock().report_unexpected(what);
        }
        let mut state = self.ledger.lock();
        if first < state.oldest && next.seq() > seq + 1 {
            let what = format!("the log began at {} and later at {first}", state.oldest);
            state.report_unexpected(what);
        } else if next.seq() > seq + 1 {
            state.oldest = first;
        }
        Some(next)
    }
}

/// What a listener gets next.
enum Next {
    Message(u64),
    Tombstone(u64),
}

impl Next {
    fn seq(&self) -> u64 {
        match self {
            Self::Message(seq) | Self::Tombstone(seq) => *seq,
        }
    }
}

/// Returns the number that must come next, after a gap with the cause `expired` or without one, and what does.
async fn next_after(room: &Room, seq: u64) -> Option<(u64, Next)> {
    let mut config = client_config(room.listen.port(), 0);
    config.resume = Resume::after(Position { stream: room.stream.clone(), seq });
    let mut listener = Listener::builder(config).start();
    let (mut events, mut first) = (Vec::new(), seq + 1);
    loop {
        if listener.next_batch(&mut events).await == 0 {
            return None;
        }
        for event in events.drain(..) {
            match event {
                ListenerEvent::Gap(gap) if gap.cause == GapCause::Expired => first = gap.before?.seq,
                ListenerEvent::Message(message) => return Some((first, Next::Message(message.position?.seq))),
                // Any other one is the news that an earlier or later message was removed.
                ListenerEvent::Removed(removed) if removed.position.seq == first => {
                    return Some((first, Next::Tombstone(first)));
                }
                _ => {}
            }
        }
    }
}
