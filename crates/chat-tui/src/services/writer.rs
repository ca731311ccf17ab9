//! The account in the chat: its writer, its outbox, and the state of each of its messages. One task, so that messages
//! are sent in the order of typing.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat_client::{
    ConnectionState, Delivery, DeliveryState, FileWarning, Nickname, Outbox, OutboxEntry, OutboxError, PostId,
    SendError, SendOptions, Text, Token, Writer,
};
use chat_frontend::report::chain;
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::context::{ServiceContext, wait_for};
use super::translate;
use crate::event::{AppEvent, NoticeText, RestoredMessage};
use crate::link::LinkSide;
use crate::timeline::{FailureReason, OwnState, Unsent};

/// How long messages in transit may take to be confirmed when the account is left.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// How many terminals can have a separate outbox.
const TERMINALS: u32 = 8;

/// One command.
#[derive(Debug)]
pub(super) enum WriterCommand {
    Enter { token: Token, nickname: Option<Nickname>, ready: watch::Receiver<bool> },
    Send { id: String, text: Text },
    Resend { id: String, text: Text },
    Discard { id: String },
    RetryNow,
    Close(oneshot::Sender<Unsent>),
}

/// Carries out the commands in order.
pub(super) async fn run(shared: Arc<ServiceContext>, mut commands: UnboundedReceiver<WriterCommand>) {
    let mut session: Option<WriterSession> = None;
    while let Some(command) = commands.recv().await {
        match command {
            WriterCommand::Enter { token, nickname, ready } => {
                if let Some(old) = session.take() {
                    old.close(&shared).await;
                }
                wait_for(ready).await;
                session = Some(WriterSession::open(&shared, token, nickname).await);
            }
            WriterCommand::Close(answer) => {
                let left = match session.take() {
                    Some(session) => session.close(&shared).await,
                    None => Unsent::default(),
                };
                // An error means that the caller has stopped waiting.
                let _ = answer.send(left);
                break;
            }
            command => {
                if let Some(session) = &session {
                    session.act(&shared, command).await;
                }
            }
        }
    }
}

/// How a message is sent again.
#[derive(Debug, PartialEq, Eq)]
enum Resend {
    /// Under a new id.
    New,
    /// It was never written: the first time under its id.
    Unwritten(PostId),
    /// Under its id, by which a server recognises it. A server without ids gets nothing, and the user is asked again.
    Repeated(PostId),
    /// The server has no ids, and the user prefers a possible duplicate to a possible loss.
    Twice(PostId),
}

impl Resend {
    /// `ids`: whether the server supports message ids; `None` while there is no connection.
    fn of(known: Option<PostId>, never_written: bool, ids: Option<bool>) -> Self {
        match known {
            None => Self::New,
            Some(known) if never_written => Self::Unwritten(known),
            Some(known) if ids == Some(false) => Self::Twice(known),
            Some(known) => Self::Repeated(known),
        }
    }
}

struct WriterSession {
    writer: Writer,
    outbox: Option<Outbox>,
    /// The ids under which the server and the outbox know the messages.
    ids: Arc<Mutex<HashMap<String, PostId>>>,
    watcher: JoinHandle<()>,
}

impl WriterSession {
    async fn open(shared: &Arc<ServiceContext>, token: Token, nickname: Option<Nickname>) -> Self {
        let who = match &nickname {
            Some(nickname) => nickname.as_str().to_owned(),
            // A hash to tell tokens apart; the token cannot be derived from it.
            None => format!("token {:016x}", crate::theme::fnv(token.expose())),
        };
        let scope = format!("{} {who}", shared.config.write_addr_text());
        let path = shared.outbox_path.clone();
        let opened = tokio::task::spawn_blocking(move || open_outbox(&path, &scope)).await;
        let (outbox, news) = match opened {
            Ok(Ok((outbox, warnings))) => {
                let news = warnings.iter().map(|warning| NoticeText::File(warning.to_string())).collect();
                (Some(outbox), news)
            }
            Ok(Err(error)) => (None, vec![NoticeText::OutboxElsewhere(chain(&error))]),
            Err(error) => (None, vec![NoticeText::OutboxElsewhere(chain(&error))]),
        };
        for text in news {
            shared.send(AppEvent::Notice { text, error: false }).await;
        }
        let config = shared.config.clone();
        let writer = match &outbox {
            Some(outbox) => Writer::builder(config).token(token).outbox(outbox.clone()).start(),
            None => Writer::builder(config).token(token).start(),
        };
        if let Ok(mut posting_as) = shared.posting_as.lock() {
            *posting_as = nickname.zip(outbox.clone()).map(|(nickname, outbox)| (nickname, outbox, writer.clone()));
        }
        let watcher = tokio::spawn(watch_writer(shared.clone(), writer.clone()));
        let session = Self { writer, outbox, ids: Arc::default(), watcher };
        session.restore(shared).await;
        session
    }

    async fn act(&self, shared: &Arc<ServiceContext>, command: WriterCommand) {
        match command {
            WriterCommand::Send { id, text } => self.send(shared, id, text).await,
            WriterCommand::Resend { id, text } => self.resend(shared, id, text).await,
            WriterCommand::Discard { id } => self.discard(shared, &id).await,
            WriterCommand::RetryNow => self.writer.retry_now(),
            WriterCommand::Enter { .. } | WriterCommand::Close(_) => {}
        }
    }

    /// Restores what an earlier run left: recent messages are sent automatically, the others need a decision.
    async fn restore(&self, shared: &Arc<ServiceContext>) {
        let Some(outbox) = &self.outbox else { return };
        let fresh: Vec<PostId> = outbox.fresh().into_iter().map(|entry| entry.id).collect();
        let entries = outbox.entries();
        let state = |entry: &OutboxEntry| match entry.state {
            DeliveryState::Refused { .. } => OwnState::Failed(FailureReason::NeverSent),
            DeliveryState::Unconfirmed => OwnState::Unconfirmed,
            DeliveryState::Queued | DeliveryState::Written if fresh.contains(&entry.id) => OwnState::Queued,
            DeliveryState::Written => OwnState::Unconfirmed,
            _ => OwnState::Stale,
        };
        let restored = entries.iter().map(|entry| RestoredMessage {
            id: entry.id.as_str().to_owned(),
            text: entry.text.as_str().to_owned(),
            typed: Timestamp::try_from(entry.typed).unwrap_or_default(),
            state: state(entry),
        });
        let restored: Vec<RestoredMessage> = restored.collect();
        let again: Vec<OutboxEntry> = entries.iter().filter(|e| state(e) == OwnState::Queued).cloned().collect();
        if let Ok(mut ids) = self.ids.lock() {
            ids.extend(entries.iter().map(|entry| (entry.id.as_str().to_owned(), entry.id.clone())));
        }
        if !restored.is_empty() {
            shared.send(AppEvent::Restored(restored)).await;
        }
        for entry in again {
            let id = entry.id.as_str().to_owned();
            let sent = match self.writer.is_full() {
                true => Err(SendError::full(entry.text)),
                false => self.writer.send_entry(entry).await,
            };
            self.follow(shared, id, sent).await;
        }
    }

    async fn send(&self, shared: &Arc<ServiceContext>, id: String, text: Text) {
        // Do not wait for a full queue, because the end of the program would wait too.
        let sent = match self.writer.is_full() {
            true => Err(SendError::full(text)),
            false => self.writer.send(text).await,
        };
        self.follow(shared, id, sent).await;
    }

    async fn resend(&self, shared: &Arc<ServiceContext>, id: String, text: Text) {
        let kept = self.outbox.as_ref().map(Outbox::entries).unwrap_or_default();
        let known = self.known(&id);
        let never_written = kept.iter().any(|e| Some(&e.id) == known.as_ref() && !e.state.may_be_delivered());
        let ids = match &*self.writer.state().borrow() {
            ConnectionState::Online { extensions, .. } => Some(extensions.id),
            _ => None,
        };
        if self.writer.is_full() {
            return self.follow(shared, id, Err(SendError::full(text))).await;
        }
        let sent = match Resend::of(known, never_written, ids) {
            Resend::New => self.writer.send(text).await,
            Resend::Unwritten(known) => self.writer.send_with(text, SendOptions::with_id(known)).await,
            Resend::Repeated(known) => {
                self.writer.send_with(text, SendOptions::with_id(known).may_be_delivered(true)).await
            }
            Resend::Twice(known) => {
                let sent = self.writer.send(text).await;
                // Only now: if the new message was not accepted, the old one is all there is.
                if sent.is_ok() {
                    self.report_error(shared, self.writer.discard(&known).await.map(drop)).await;
                }
                sent
            }
        };
        self.follow(shared, id, sent).await;
    }

    async fn discard(&self, shared: &Arc<ServiceContext>, id: &str) {
        let Some(known) = self.known(id) else { return };
        self.report_error(shared, self.writer.discard(&known).await.map(drop)).await;
    }

    fn known(&self, id: &str) -> Option<PostId> {
        self.ids.lock().ok()?.get(id).cloned()
    }

    /// Reports the states of a message until the final one.
    async fn follow(&self, shared: &Arc<ServiceContext>, id: String, sent: Result<Delivery, SendError>) {
        let delivery = match sent {
            Ok(delivery) => delivery,
            Err(error) => {
                let failure = match &error {
                    SendError::Closed { .. } => FailureReason::NeverSent,
                    SendError::Full { .. } => FailureReason::Full,
                    error => FailureReason::Other(chain(error)),
                };
                if let SendError::Closed { text, .. } | SendError::Full { text, .. } = error {
                    self.keep(&id, text).await;
                }
                return shared.send(AppEvent::Own { id, state: OwnState::Failed(failure), position: None }).await;
            }
        };
        if let Ok(mut ids) = self.ids.lock() {
            ids.insert(id.clone(), delivery.id().clone());
        }
        let (shared, ids) = (shared.clone(), self.ids.clone());
        tokio::spawn(async move {
            if delivery.written().await {
                shared.send(AppEvent::Own { id: id.clone(), state: OwnState::Sent, position: None }).await;
            }
            let (state, position) = translate::outcome(&delivery.await);
            if state == OwnState::Confirmed
                && let Ok(mut ids) = ids.lock()
            {
                ids.remove(&id);
            }
            shared.send(AppEvent::Own { id, state, position }).await;
        });
    }

    /// Saves a message that could not be queued, so that it outlives the program.
    async fn keep(&self, id: &str, text: Text) {
        if self.known(id).is_some() {
            return;
        }
        let fresh = chat_client::fresh_post_id();
        if self.writer.save(fresh.clone(), text).await.is_ok()
            && let Ok(mut ids) = self.ids.lock()
        {
            ids.insert(id.to_owned(), fresh);
        }
    }

    async fn report_error(&self, shared: &ServiceContext, result: Result<(), OutboxError>) {
        if let Err(error) = result {
            shared.send(AppEvent::Notice { text: NoticeText::File(chain(&error)), error: true }).await;
        }
    }

    async fn close(self, shared: &ServiceContext) -> Unsent {
        self.watcher.abort();
        if let Ok(mut posting_as) = shared.posting_as.lock() {
            *posting_as = None;
        }
        // Without a connection there is nothing to wait for: the outbox keeps the messages.
        let online = self.writer.state().borrow().is_online();
        let within = if online { CLOSE_TIMEOUT } else { Duration::ZERO };
        let report = self.writer.close(within).await;
        let ids = self.ids.lock().map(|ids| ids.clone()).unwrap_or_default();
        let kept = self.outbox.as_ref().map(Outbox::entries).unwrap_or_default();
        let among = |wanted: &dyn Fn(&PostId) -> bool| -> Vec<String> {
            ids.iter().filter(|(_, post)| wanted(post)).map(|(id, _)| id.clone()).collect()
        };
        Unsent {
            unconfirmed: report.unconfirmed().count(),
            undone: among(&|post| report.unconfirmed().chain(report.never_sent()).any(|id| id == post)),
            kept: among(&|post| kept.iter().any(|entry| entry.id == *post)),
        }
    }
}

/// Opens the outbox; if another program has locked it, another one next to it, so that messages typed in a second
/// terminal survive too.
fn open_outbox(first: &Path, scope: &str) -> Result<(Outbox, Vec<FileWarning>), OutboxError> {
    let mut number = 1;
    loop {
        let path = if number == 1 { first.to_owned() } else { numbered(first, number) };
        match Outbox::open(&path, scope) {
            Ok(outbox) => {
                if number == 1 {
                    adopt(&outbox, first, scope);
                }
                let warnings = outbox.warnings();
                return Ok((outbox, warnings));
            }
            Err(OutboxError::Locked(_)) if number < TERMINALS => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Takes over what ended terminals have left in the other outboxes.
fn adopt(outbox: &Outbox, first: &Path, scope: &str) {
    for number in 2..=TERMINALS {
        let path = numbered(first, number);
        if !path.exists() {
            continue;
        }
        // A locked one belongs to a terminal that is still running.
        if let Ok(other) = Outbox::open(&path, scope)
            && let Err(error) = outbox.adopt(&other)
        {
            tracing::warn!(path = %path.display(), error = chain(&error), "could not take over the messages of another outbox");
        }
    }
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    private_files::file::with_suffix(path, format!(".{number}"))
}

async fn watch_writer(shared: Arc<ServiceContext>, writer: Writer) {
    let (mut state, mut account, mut pace) = (writer.state(), writer.account(), writer.round_trip());
    // Drop this handle, so that the writer can end with its session.
    drop(writer);
    let now = translate::link_state(&state.borrow_and_update());
    shared.send(AppEvent::Link(LinkSide::Writing, now)).await;
    loop {
        // All branches watch a value: a change that is not handled now is handled in the next turn.
        let message = tokio::select! {
            changed = state.changed() => {
                if changed.is_err() {
                    return;
                }
                AppEvent::Link(LinkSide::Writing, translate::link_state(&state.borrow_and_update()))
            }
            Ok(()) = account.changed() => {
                let Some(account) = account.borrow_and_update().clone() else { continue };
                AppEvent::Entered(account)
            }
            Ok(()) = pace.changed() => {
                let Some(time) = *pace.borrow_and_update() else { continue };
                AppEvent::RoundTrip(time)
            }
        };
        shared.send(message).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_over_the_outbox_of_an_ended_run() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("outbox");
        let (first, _) = open_outbox(&path, "room").unwrap();
        let (second, _) = open_outbox(&path, "room").unwrap();
        let (third, _) = open_outbox(&path, "room").unwrap();
        second.add(&PostId::new("2").unwrap(), &Text::new("two").unwrap()).unwrap();
        third.add(&PostId::new("3").unwrap(), &Text::new("three").unwrap()).unwrap();
        drop((first, second));
        let (first, _) = open_outbox(&path, "room").unwrap();
        let taken = first.entries();
        assert_eq!(taken.iter().map(|entry| entry.text.as_str()).collect::<Vec<_>>(), ["two"]);
        assert_eq!(third.entries().len(), 1, "its terminal is still there");
        let (second, _) = open_outbox(&path, "room").unwrap();
        assert_eq!(second.entries(), []);
    }

    #[test]
    fn new_id_only_for_a_server_without_ids() {
        let known = PostId::new("7").unwrap();
        let again = |written: bool, ids| Resend::of(Some(known.clone()), !written, ids);
        assert_eq!(again(true, None), Resend::Repeated(known.clone()));
        assert_eq!(again(true, Some(true)), Resend::Repeated(known.clone()));
        assert_eq!(again(true, Some(false)), Resend::Twice(known.clone()));
        assert_eq!(again(false, Some(false)), Resend::Unwritten(known.clone()));
        assert_eq!(Resend::of(None, false, None), Resend::New);
    }
}
