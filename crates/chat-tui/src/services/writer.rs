//! The account in the chat: its writer, its outbox, and the states of its messages. One task, so that messages go out
//! in the order of typing.

use std::sync::Arc;
use std::time::Duration;

use chat_client::{
    ConnectionState, Delivery, DeliveryError, DeliveryState, Nickname, Outbox, OutboxEntry, OutboxError, PostId,
    SendError, SendOptions, Text, Token, Writer,
};
use chat_frontend::report::chain;
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::context::{ServiceContext, wait_for};
use super::{outbox_files, writer_watch};
use crate::event::{AppEvent, NoticeText, RestoredMessage};
use crate::timeline::{Held, Unsent};

/// How long messages on their way may take to be confirmed when the account is left.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A command of the application.
#[derive(Debug)]
pub(super) enum WriterCommand {
    Enter { token: Token, nickname: Option<Nickname>, ready: watch::Receiver<bool> },
    Send { id: PostId, text: Text },
    Resend { id: PostId, text: Text, may_be_delivered: bool, fresh: PostId },
    Discard { id: PostId },
    ConfirmEcho { id: PostId },
    RetryNow,
    Close(oneshot::Sender<Unsent>),
}

/// Carries out the commands one after the other.
pub(super) async fn run(shared: Arc<ServiceContext>, mut commands: UnboundedReceiver<WriterCommand>) {
    let mut session: Option<AccountSession> = None;
    while let Some(command) = commands.recv().await {
        match command {
            WriterCommand::Enter { token, nickname, ready } => {
                if let Some(old) = session.take() {
                    old.close().await;
                }
                wait_for(ready).await;
                session = Some(AccountSession::open(&shared, token, nickname).await);
            }
            WriterCommand::Close(answer) => {
                let left = match session.take() {
                    Some(session) => session.close().await,
                    None => Unsent::default(),
                };
                // The caller may have stopped waiting.
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

/// How a message is sent once more.
#[derive(Debug, PartialEq, Eq)]
enum Resend {
    /// It was never written: for the first time.
    Unwritten,
    /// Under the same id, by which the server recognises it. A server without ids gets nothing, and the user is asked
    /// again.
    SameId,
    /// The server does not know ids, and the user prefers a second copy to none.
    NewId,
}

impl Resend {
    /// `ids`: whether the server knows ids; `None` without a connection.
    fn of(may_be_delivered: bool, ids: Option<bool>) -> Self {
        match (may_be_delivered, ids) {
            (false, _) => Self::Unwritten,
            (true, Some(false)) => Self::NewId,
            (true, _) => Self::SameId,
        }
    }
}

struct AccountSession {
    writer: Writer,
    outbox: Option<Outbox>,
    watcher: JoinHandle<()>,
}

impl AccountSession {
    async fn open(shared: &Arc<ServiceContext>, token: Token, nickname: Option<Nickname>) -> Self {
        let who = match &nickname {
            Some(nickname) => nickname.as_str().to_owned(),
            // A hash, from which the token cannot be recovered.
            None => format!("token {:016x}", crate::theme::fnv(token.expose())),
        };
        let opening = shared.clone();
        let open = move || outbox_files::open(&opening.outbox_path, &opening.room(), &who);
        let opened = tokio::task::spawn_blocking(open).await;
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
        let writer = Writer::builder(shared.config.clone()).token(token);
        let writer = match &outbox {
            Some(outbox) => writer.outbox(outbox.clone()).start(),
            None => writer.start(),
        };
        let watcher = tokio::spawn(writer_watch::run(shared.clone(), writer.clone()));
        let session = Self { writer, outbox, watcher };
        session.restore(shared).await;
        session
    }

    async fn act(&self, shared: &Arc<ServiceContext>, command: WriterCommand) {
        match command {
            WriterCommand::Send { id, text } => self.send(shared, id, text, false).await,
            WriterCommand::Resend { id, text, may_be_delivered, fresh } => {
                self.resend(shared, id, text, may_be_delivered, fresh).await;
            }
            WriterCommand::Discard { id } => self.report_error(shared, self.writer.discard(&id).await.map(drop)).await,
            WriterCommand::ConfirmEcho { id } => self.writer.confirm_echo(id),
            WriterCommand::RetryNow => self.writer.retry_now(),
            WriterCommand::Enter { .. } | WriterCommand::Close(_) => {}
        }
    }

    /// Restores the messages of an earlier run: recent ones are sent, the user is asked about the others.
    async fn restore(&self, shared: &Arc<ServiceContext>) {
        let Some(outbox) = &self.outbox else { return };
        let fresh = outbox.fresh();
        let is_fresh = |entry: &OutboxEntry| !entry.state.is_final() && fresh.iter().any(|other| other.id == entry.id);
        let entries = outbox.entries();
        let restored = entries.iter().map(|entry| {
            let (state, held) = match &entry.state {
                _ if is_fresh(entry) => (DeliveryState::Queued, None),
                DeliveryState::Written => (DeliveryState::Unconfirmed, None),
                DeliveryState::Queued => (DeliveryState::Queued, Some(Held::EarlierRun)),
                state => (state.clone(), None),
            };
            let typed = Timestamp::try_from(entry.typed).unwrap_or_default();
            RestoredMessage { id: entry.id.clone(), text: entry.text.clone(), typed, state, held }
        });
        let restored: Vec<RestoredMessage> = restored.collect();
        if !restored.is_empty() {
            shared.send(AppEvent::Restored(restored)).await;
        }
        for entry in entries.into_iter().filter(is_fresh) {
            let id = entry.id.clone();
            let sent = match self.writer.is_full() {
                true => Err(SendError::full(entry.text)),
                false => self.writer.send_entry(entry).await,
            };
            self.follow(shared, id, sent).await;
        }
    }

    async fn send(&self, shared: &Arc<ServiceContext>, id: PostId, text: Text, may_be_delivered: bool) {
        let options = SendOptions::with_id(id.clone()).may_be_delivered(may_be_delivered);
        // A full queue must not block this task, which also closes the program.
        let sent = match self.writer.is_full() {
            true => Err(SendError::full(text)),
            false => self.writer.send_with(text, options).await,
        };
        self.follow(shared, id, sent).await;
    }

    async fn resend(
        &self,
        shared: &Arc<ServiceContext>,
        id: PostId,
        text: Text,
        may_be_delivered: bool,
        fresh: PostId,
    ) {
        let ids = match &*self.writer.state().borrow() {
            ConnectionState::Online { extensions, .. } => Some(extensions.id),
            _ => None,
        };
        match Resend::of(may_be_delivered, ids) {
            Resend::Unwritten => self.send(shared, id, text, false).await,
            Resend::SameId => self.send(shared, id, text, true).await,
            Resend::NewId if self.writer.is_full() => {
                shared.send(AppEvent::NotSent { id, why: Held::QueueFull }).await;
            }
            Resend::NewId => {
                shared.send(AppEvent::Replaced { old: id.clone(), new: fresh.clone() }).await;
                let sent = self.writer.send_with(text, SendOptions::with_id(fresh.clone())).await;
                // Only now: where the copy was not taken, the old message is all there is.
                if sent.is_ok() {
                    self.report_error(shared, self.writer.discard(&id).await.map(drop)).await;
                }
                self.follow(shared, fresh, sent).await;
            }
        }
    }

    /// Reports the states of a message up to the final one.
    async fn follow(&self, shared: &Arc<ServiceContext>, id: PostId, sent: Result<Delivery, SendError>) {
        let delivery = match sent {
            Ok(delivery) => delivery,
            Err(error) => {
                let why = match &error {
                    SendError::Full { .. } => Held::QueueFull,
                    error => Held::Failed(chain(error)),
                };
                // A message that could not be queued must survive the program too.
                let known = self.outbox.as_ref().is_some_and(|outbox| outbox.entries().iter().any(|e| e.id == id));
                if !known && !matches!(error, SendError::Outbox { .. }) {
                    let _ = self.writer.save(id.clone(), error.into_text()).await;
                }
                return shared.send(AppEvent::NotSent { id, why }).await;
            }
        };
        let shared = shared.clone();
        tokio::spawn(async move {
            let mut states = delivery.state();
            loop {
                let state = states.borrow_and_update().clone();
                let is_final = state.is_final();
                if !is_final {
                    shared.send(AppEvent::Own { id: id.clone(), state }).await;
                }
                if is_final || states.changed().await.is_err() {
                    break;
                }
            }
            match delivery.await {
                Err(DeliveryError::Outbox { source, .. }) => {
                    let why = Held::Failed(chain(&*source));
                    shared.send(AppEvent::NotSent { id, why }).await;
                }
                _ => {
                    let state = states.borrow().clone();
                    shared.send(AppEvent::Own { id, state }).await;
                }
            }
        });
    }

    async fn report_error(&self, shared: &ServiceContext, result: Result<(), OutboxError>) {
        if let Err(error) = result {
            shared.send(AppEvent::Notice { text: NoticeText::File(chain(&error)), error: true }).await;
        }
    }

    async fn close(self) -> Unsent {
        self.watcher.abort();
        // Without a connection there is nothing to wait for: the outbox keeps the messages.
        let online = self.writer.state().borrow().is_online();
        let within = if online { CLOSE_TIMEOUT } else { Duration::ZERO };
        let report = self.writer.close(within).await;
        let kept = self.outbox.as_ref().map(Outbox::entries).unwrap_or_default();
        Unsent {
            unconfirmed: report.unconfirmed().count(),
            undone: report.unconfirmed().chain(report.never_sent()).cloned().collect(),
            kept: kept.into_iter().map(|entry| entry.id).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resends_under_a_new_id_only_without_ids() {
        assert_eq!(Resend::of(true, None), Resend::SameId);
        assert_eq!(Resend::of(true, Some(true)), Resend::SameId);
        assert_eq!(Resend::of(true, Some(false)), Resend::NewId);
        assert_eq!(Resend::of(false, Some(false)), Resend::Unwritten);
    }
}
