//! Starts the services, carries out effects, and closes everything.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat_client::{ClientConfig, Nickname, Token};
use chat_frontend::local_room::{LocalRoom, LocalRoomPolicy, RoomNotice};
use tokio::sync::mpsc::{Receiver, UnboundedSender, channel, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::context::{ServiceContext, wait_for};
use super::writer::WriterCommand;
use super::{files, history, listener, writer};
use crate::effect::Effect;
use crate::event::{AppEvent, NoticeText};
use crate::paths::Paths;
use crate::timeline::Unsent;

/// How long each part may take to end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(4);

/// How many events wait for the application before the listener is slowed down.
const BACKLOG: usize = 256;

/// The running services.
#[derive(Debug)]
pub(crate) struct Services {
    shared: Arc<ServiceContext>,
    posting: UnboundedSender<WriterCommand>,
    room: LocalRoom,
    listening: Option<JoinHandle<()>>,
    /// Tells the listener to end.
    closing: watch::Sender<bool>,
    /// The task that stores the read position.
    remembering: Option<JoinHandle<()>>,
    /// Saves the typed text.
    saving: Option<JoinHandle<()>>,
}

impl Services {
    /// Starts what needs no account: the local room, if wanted, and the loading of the accounts. Must be called within
    /// the runtime.
    pub(crate) fn open(config: ClientConfig, paths: Paths, local_room: LocalRoomPolicy) -> (Self, Receiver<AppEvent>) {
        let (news, receiver) = channel(BACKLOG);
        let (notices, room_notices) = channel(4);
        let room = LocalRoom::open(local_room, &config, &paths.data_dir, &paths.credentials, notices);
        let shared = Arc::new(ServiceContext {
            config,
            history_path: paths.history,
            credentials_path: paths.credentials,
            outbox_path: paths.outbox,
            news,
            searching: AtomicU64::new(0),
            listener: Mutex::new(None),
        });
        let (posting, commands) = unbounded_channel();
        tokio::spawn(writer::run(shared.clone(), commands));
        tokio::spawn(forward_room_notices(shared.clone(), room_notices));
        tokio::spawn(forward_guests(shared.clone(), room.guests()));
        tokio::spawn(retry_on_new_room(shared.clone(), posting.clone(), room.started()));
        shared.blocking(|shared| {
            // Before the accounts are loaded, and so before a token can be sent.
            if shared.config.exposes_token() {
                let text = NoticeText::InTheClear(shared.config.write_addr_text());
                shared.send_blocking(AppEvent::Notice { text, error: false });
            }
            shared.send_blocking(AppEvent::ReadTo(files::read_mark(&shared.history_path)));
            shared.send_blocking(AppEvent::Draft(files::load_draft(&shared.outbox_path)));
            files::load_accounts(shared);
        });
        (
            Self {
                shared,
                posting,
                room,
                listening: None,
                closing: watch::channel(false).0,
                remembering: None,
                saving: None,
            },
            receiver,
        )
    }

    /// Starts one effect. Effects of the screen are not handled here.
    pub(crate) fn start(&mut self, effect: Effect) {
        match effect {
            Effect::Register(nickname) => {
                let ready = self.room.ready();
                let shared = self.shared.clone();
                tokio::spawn(async move {
                    wait_for(ready).await;
                    let result = files::register(&shared, nickname).await;
                    shared.send(AppEvent::Registered(result)).await;
                });
            }
            Effect::Enter(known) => self.enter(known.account.token, Some(known.account.nickname)),
            Effect::EnterWithToken(token) => self.enter(token, None),
            Effect::ForgetAccount(account) => {
                self.shared.blocking(move |shared| files::forget_account(shared, &account));
            }
            Effect::Send { id, text } => self.post(WriterCommand::Send { id, text }),
            Effect::ConfirmEcho { id } => self.post(WriterCommand::ConfirmEcho { id }),
            Effect::SaveDraft(text) => {
                let path = self.shared.outbox_path.clone();
                self.saving = Some(tokio::task::spawn_blocking(move || files::save_draft(&path, &text)));
            }
            Effect::Resend { id, text, may_be_delivered, fresh } => {
                self.post(WriterCommand::Resend { id, text, may_be_delivered, fresh });
            }
            Effect::Discard { id } => self.post(WriterCommand::Discard { id }),
            Effect::RetryNow => {
                self.room.retry_now();
                self.shared.retry_listening();
                self.post(WriterCommand::RetryNow);
            }
            Effect::ReadPage(wanted) => self.shared.blocking(move |shared| history::page(shared, wanted)),
            Effect::Search { search, query } => {
                self.shared.searching.store(search, std::sync::atomic::Ordering::Release);
                self.shared.blocking(move |shared| history::search(shared, search, &query));
            }
            Effect::StopSearch => self.shared.searching.store(0, std::sync::atomic::Ordering::Release),
            Effect::Export(path) => self.shared.blocking(move |shared| files::export(shared, path)),
            Effect::Remember(place) => {
                let path = self.shared.history_path.clone();
                self.remembering = Some(tokio::task::spawn_blocking(move || files::remember(&path, place)));
            }
            Effect::Notify(_)
            | Effect::Title(_)
            | Effect::CopyToken(_)
            | Effect::Copy(_)
            | Effect::Redraw
            | Effect::Suspend
            | Effect::Quit => {}
        }
    }

    /// Ends everything: messages in transit get a moment to be confirmed, a local room is drained. Returns `None` if
    /// the state of the messages is not known in time.
    pub(crate) async fn close(self) -> Option<Unsent> {
        let (answer, report) = tokio::sync::oneshot::channel();
        self.post(WriterCommand::Close(answer));
        self.closing.send_replace(true);
        let left = tokio::time::timeout(CLOSE_TIMEOUT, report).await;
        for task in self.listening.into_iter().chain(self.remembering).chain(self.saving) {
            // A slower disk is not waited for.
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, task).await;
        }
        self.room.close().await;
        left.ok().and_then(Result::ok)
    }

    fn enter(&mut self, token: Token, nickname: Option<Nickname>) {
        self.post(WriterCommand::Enter { token, nickname, ready: self.room.ready() });
        if self.listening.is_none() {
            let listening =
                listener::run(self.shared.clone(), self.room.ready(), self.room.refusals(), self.closing.subscribe());
            self.listening = Some(tokio::spawn(listening));
        }
    }

    fn post(&self, command: WriterCommand) {
        // An error means that the program is ending.
        let _ = self.posting.send(command);
    }
}

/// Shows the notices of the local room.
async fn forward_room_notices(shared: Arc<ServiceContext>, mut notices: Receiver<RoomNotice>) {
    while let Some(notice) = notices.recv().await {
        let error = notice.is_error();
        shared.send(AppEvent::Notice { text: NoticeText::LocalRoom(notice), error }).await;
    }
}

/// Tells the application how many others use the room of this program.
async fn forward_guests(shared: Arc<ServiceContext>, mut guests: watch::Receiver<usize>) {
    while guests.changed().await.is_ok() {
        let count = *guests.borrow_and_update();
        shared.send(AppEvent::Guests(count)).await;
    }
}

/// Connects at once to a room that this program has started.
async fn retry_on_new_room(
    shared: Arc<ServiceContext>,
    posting: UnboundedSender<WriterCommand>,
    mut started: watch::Receiver<u64>,
) {
    while started.changed().await.is_ok() {
        shared.retry_listening();
        let _ = posting.send(WriterCommand::RetryNow);
    }
}
