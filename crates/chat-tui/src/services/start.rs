//! Starts the services, carries out effects, and closes everything.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use chat_client::{ClientConfig, Nickname, Side, Token};
use chat_frontend::local_room::{LocalRoom, LocalRoomPolicy, RoomNotice};
use tokio::sync::mpsc::{Receiver, UnboundedSender, channel, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::context::{ServiceContext, wait_for};
use super::draft_file::DraftFile;
use super::files::RegistrationResult;
use super::history_log::HistoryLog;
use super::keeper::FileKeeper;
use super::writer::WriterCommand;
use super::{files, history, listener, share, writer};
use crate::effect::Effect;
use crate::event::{AppEvent, NoticeText};
use crate::paths::Paths;
use crate::timeline::Unsent;

/// How long each part may take to end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(4);

/// How long after a key the typed text is stored: what is typed in this time is lost when the computer stops.
const DRAFT_DELAY: Duration = Duration::from_millis(300);

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
    /// Stores the read position.
    read_position: FileKeeper<u64>,
    /// Stores the typed text, if there is an input line.
    draft: Option<FileKeeper<String>>,
}

impl Services {
    /// Starts what needs no account: the local room, if wanted, and the loading of the accounts. Must be called within
    /// the runtime.
    pub(crate) fn open(
        config: ClientConfig,
        paths: Paths,
        local_room: LocalRoomPolicy,
        keeps_draft: bool,
    ) -> (Self, Receiver<AppEvent>) {
        let (news, receiver) = channel(BACKLOG);
        let (notices, room_notices) = channel(4);
        let room = LocalRoom::open(local_room, &config, &paths.data_dir, &paths.credentials, notices);
        let shared = Arc::new(ServiceContext {
            config,
            history_log: Mutex::new(HistoryLog::new(paths.history.clone())),
            history_path: paths.history,
            credentials_path: paths.credentials,
            outbox_path: paths.outbox,
            rooms_path: paths.rooms,
            data_dir: paths.data_dir,
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
                let text = NoticeText::InTheClear(shared.config.addresses_text(Side::Write));
                shared.send_blocking(AppEvent::Notice { text, error: false });
            }
            shared.send_blocking(AppEvent::ReadTo(files::read_mark(&shared.history_path)));
            files::load_accounts(shared);
        });
        let keeping = shared.clone();
        let read_position = FileKeeper::start(Duration::ZERO, move |place| {
            // The next run knows only the current file.
            let offset = keeping.history_log().offset_in_file(place);
            files::remember(&keeping.history_path, offset);
        });
        let draft = keeps_draft.then(|| keep_draft(&shared));
        (
            Self { shared, posting, room, listening: None, closing: watch::channel(false).0, read_position, draft },
            receiver,
        )
    }

    /// Starts one effect. Effects of the screen are not handled here.
    pub(crate) fn start(&mut self, effect: Effect) {
        match effect {
            Effect::Register { nickname, only_missing } => {
                let ready = self.room.ready();
                let shared = self.shared.clone();
                tokio::spawn(async move {
                    wait_for(ready).await;
                    let event = match files::register(&shared, nickname, only_missing).await {
                        Ok(RegistrationResult::Found(known)) => AppEvent::FoundAccount(known),
                        Ok(RegistrationResult::New(registered)) => AppEvent::Registered(Ok(registered)),
                        Err(cause) => AppEvent::Registered(Err(cause)),
                    };
                    shared.send(event).await;
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
                if let Some(draft) = &self.draft {
                    draft.keep(text);
                }
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
            Effect::ListPaths(typed) => self.shared.blocking(move |shared| files::list_paths(shared, typed)),
            Effect::Export(path) => self.shared.blocking(move |shared| files::export(shared, path)),
            Effect::HowToJoin => self.shared.blocking(share::how_to_join),
            Effect::Remember(place) => self.read_position.keep(place),
            Effect::Notify(_)
            | Effect::BareView(_)
            | Effect::EndBareView
            | Effect::EditExternally(_)
            | Effect::CopyToken(_)
            | Effect::Copy(_)
            | Effect::Redraw
            | Effect::Mouse(_)
            | Effect::Suspend
            | Effect::Quit => {}
        }
    }

    /// Returns a directory that only this user can read.
    pub(crate) fn private_dir(&self) -> PathBuf {
        self.shared.outbox_path.parent().map(Path::to_owned).unwrap_or_default()
    }

    /// Ends everything: messages in transit get a moment to be confirmed, a local room is drained. Returns `None` if
    /// the state of the messages is not known in time.
    pub(crate) async fn close(self) -> Option<Unsent> {
        let (answer, report) = tokio::sync::oneshot::channel();
        self.post(WriterCommand::Close(answer));
        self.closing.send_replace(true);
        let left = tokio::time::timeout(CLOSE_TIMEOUT, report).await;
        let files = async {
            if let Some(task) = self.listening {
                // An error means that the task has panicked, and then there is nothing to wait for.
                let _ = task.await;
            }
            self.read_position.close().await;
            if let Some(draft) = self.draft {
                draft.close().await;
            }
        };
        // A slower disk is not waited for.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, files).await;
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

/// Loads the draft of the last run, and returns the task that keeps the next one.
fn keep_draft(shared: &Arc<ServiceContext>) -> FileKeeper<String> {
    let file: Arc<OnceLock<Option<DraftFile>>> = Arc::default();
    let opened = file.clone();
    shared.blocking(move |shared| {
        if let Some(draft) = opened.get_or_init(|| DraftFile::claim(&shared.outbox_path)) {
            shared.send_blocking(AppEvent::Draft(draft.load()));
        }
    });
    let outbox = shared.outbox_path.clone();
    FileKeeper::start(DRAFT_DELAY, move |text: String| {
        if let Some(draft) = file.get_or_init(|| DraftFile::claim(&outbox)) {
            draft.save(&text);
        }
    })
}

/// Shows the notices of the local room.
async fn forward_room_notices(shared: Arc<ServiceContext>, mut notices: Receiver<RoomNotice>) {
    while let Some(notice) = notices.recv().await {
        let error = notice.is_error();
        let notice = match notice {
            RoomNotice::Started(dir) => RoomNotice::Started(files::below_home(&dir).into()),
            other => other,
        };
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
