//! Does what the application asks for: the only place with sockets, files and tasks. Nothing here
//! keeps the caller waiting; answers come as messages, in order, through one bounded channel.

mod files;
mod history;
mod listener;
mod translate;
mod writer;

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat_client::{ClientConfig, ListenerHandle, Nickname, Outbox, Token};
use tokio::sync::mpsc::{Receiver, Sender, UnboundedSender, channel, unbounded_channel};
use tokio::sync::watch;

use crate::effect::Effect;
use crate::event::{AppEvent, KnownAccount, NoticeText};
use crate::local_room::{LocalRoom, LocalRoomPolicy};
use writer::WriterCommand;

/// How many messages wait for the application before the listener is held back.
const BACKLOG: usize = 256;

/// What every service needs.
#[derive(Debug)]
pub(crate) struct ServiceContext {
    pub(crate) config: ClientConfig,
    pub(crate) history_path: PathBuf,
    pub(crate) credentials_path: PathBuf,
    pub(crate) outbox_path: PathBuf,
    /// Where messages for the application go.
    news: Sender<AppEvent>,
    /// The search that runs; 0 for none.
    searching: AtomicU64,
    /// Whose messages are under way, for settling them by their echo.
    posting_as: Mutex<Option<(Nickname, Outbox)>>,
    listener: Mutex<Option<ListenerHandle>>,
}

/// The running services.
#[derive(Debug)]
pub(crate) struct Services {
    shared: Arc<ServiceContext>,
    posting: UnboundedSender<WriterCommand>,
    room: LocalRoom,
    listening: bool,
}

/// Where everything is.
#[derive(Debug)]
pub(crate) struct Paths {
    #[cfg_attr(not(feature = "local-room"), allow(dead_code))]
    pub(crate) data_dir: PathBuf,
    pub(crate) history: PathBuf,
    pub(crate) credentials: PathBuf,
    pub(crate) outbox: PathBuf,
}

/// What was left undone when the services closed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Unsent {
    pub(crate) unconfirmed: usize,
    /// What was under way and has not arrived, by the names that the application has for it.
    pub(crate) undone: Vec<String>,
    /// What the outbox keeps for the next run.
    pub(crate) kept: Vec<String>,
}

impl Services {
    /// Starts what needs no account: the local room, where one is wanted, and the reading of the
    /// accounts. Must be called within the runtime.
    pub(crate) fn open(config: ClientConfig, paths: Paths, local_room: LocalRoomPolicy) -> (Self, Receiver<AppEvent>) {
        let (news, receiver) = channel(BACKLOG);
        let room = LocalRoom::keep(local_room, &config, &paths, news.clone());
        let shared = Arc::new(ServiceContext {
            config,
            history_path: paths.history,
            credentials_path: paths.credentials,
            outbox_path: paths.outbox,
            news,
            searching: AtomicU64::new(0),
            posting_as: Mutex::new(None),
            listener: Mutex::new(None),
        });
        let (posting, commands) = unbounded_channel();
        tokio::spawn(writer::run(shared.clone(), commands));
        tokio::spawn(greet_new_rooms(shared.clone(), posting.clone(), room.started()));
        shared.blocking(|shared| {
            // Before the accounts, and so before anybody can register or log in.
            if shared.config.exposes_token() {
                let text = NoticeText::InTheClear(shared.config.write_addr_text());
                shared.tell_blocking(AppEvent::Notice { text, error: false });
            }
            shared.tell_blocking(AppEvent::ReadTo(files::read_mark(&shared.history_path)));
            files::load_accounts(shared);
        });
        (Self { shared, posting, room, listening: false }, receiver)
    }

    /// Starts one effect. Those that belong to the screen are not done here.
    pub(crate) fn start(&mut self, effect: Effect) {
        match effect {
            Effect::Register(nickname) => {
                let ready = self.room.ready();
                let shared = self.shared.clone();
                tokio::spawn(async move {
                    wait_for(ready).await;
                    let result = files::register(&shared, nickname).await;
                    shared.tell(AppEvent::Registered(result)).await;
                });
            }
            Effect::Enter(known) => self.enter(known.account.token, Some(known.account.nickname)),
            Effect::EnterWithToken(token) => self.enter(token, None),
            Effect::ForgetAccount(account) => {
                self.shared.blocking(move |shared| files::forget_account(shared, &account));
            }
            Effect::Send { id, text } => self.post(WriterCommand::Send { id, text }),
            Effect::Resend { id, text } => self.post(WriterCommand::Resend { id, text }),
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
            // Some bytes, and the program may be about to end: not worth a task.
            Effect::Remember(place) => files::remember(&self.shared.history_path, place),
            Effect::Notify(_)
            | Effect::Title(_)
            | Effect::CopyToken(_)
            | Effect::Redraw
            | Effect::Suspend
            | Effect::Quit => {}
        }
    }

    /// Ends everything: what is under way gets a moment to be confirmed, a local room is drained.
    /// `None`: it is not known in time what is left.
    pub(crate) async fn close(self) -> Option<Unsent> {
        let (answer, report) = tokio::sync::oneshot::channel();
        self.post(WriterCommand::Close(answer));
        let left = tokio::time::timeout(Duration::from_secs(4), report).await;
        let listener = self.shared.listener.lock().ok().and_then(|mut listener| listener.take());
        drop(listener);
        self.room.close().await;
        left.ok().and_then(Result::ok)
    }

    fn enter(&mut self, token: Token, nickname: Option<Nickname>) {
        self.post(WriterCommand::Enter { token, nickname, ready: self.room.ready() });
        if !self.listening {
            self.listening = true;
            tokio::spawn(listener::run(self.shared.clone(), self.room.ready(), self.room.refusals()));
        }
    }

    fn post(&self, command: WriterCommand) {
        // It ends only with the program.
        let _ = self.posting.send(command);
    }
}

impl ServiceContext {
    /// Hands a message to the application; where that has gone, nobody wants to know.
    async fn tell(&self, message: AppEvent) {
        let _ = self.news.send(message).await;
    }

    fn tell_blocking(&self, message: AppEvent) {
        let _ = self.news.blocking_send(message);
    }

    fn retry_listening(&self) {
        if let Ok(listener) = self.listener.lock()
            && let Some(listener) = &*listener
        {
            listener.retry_now();
        }
    }

    /// Does something with files in a thread that may wait for them.
    fn blocking(self: &Arc<Self>, work: impl FnOnce(&Self) + Send + 'static) {
        let shared = self.clone();
        tokio::task::spawn_blocking(move || work(&shared));
    }
}

/// A room that has just been started here need not be waited for.
async fn greet_new_rooms(
    shared: Arc<ServiceContext>,
    posting: UnboundedSender<WriterCommand>,
    mut started: watch::Receiver<u64>,
) {
    while started.changed().await.is_ok() {
        shared.retry_listening();
        let _ = posting.send(WriterCommand::RetryNow);
    }
}

/// Waits until it is known whether there is a room.
async fn wait_for(mut ready: watch::Receiver<bool>) {
    // An end of the channel means that nobody looks after a room, so there is nothing to wait for.
    let _ = ready.wait_for(|ready| *ready).await;
}

/// An account as the application knows it.
fn known(stored: &chat_client::CachedAccount) -> KnownAccount {
    KnownAccount { account: stored.account().clone(), asked: stored.asked().map(str::to_owned) }
}
