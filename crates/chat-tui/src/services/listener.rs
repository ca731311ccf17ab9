//! The listener, and the history file that it fills: what has been said is written down first and
//! shown then.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chat_client::{
    DeliveryState, EchoMatcher, History, HistoryError, Listener, ListenerEvent, Message, Recorder, Resume,
};
use chat_frontend::report::chain;
use tokio::sync::mpsc::Sender;
use tokio::sync::watch;

use super::context::{ServiceContext, wait_for};
use super::translate;
use crate::event::{AppEvent, Incoming, NoticeText};
use crate::link::{LinkError, LinkSide};
use crate::timeline::FileSpan;

/// How often what could not be written is tried again, and whether another program has let go of the
/// history.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// How many messages are kept for the history while another program holds it.
const MAX_UNWRITTEN: usize = 1_000;

/// How many messages a newcomer is shown, where the server has them.
const FIRST_RUN_MESSAGES: u64 = 100;

/// Listens until the program ends. `refusals` is told when nothing listens at the address.
pub(super) async fn run(shared: Arc<ServiceContext>, ready: watch::Receiver<bool>, refusals: Sender<()>) {
    let mut book = HistorySink::open(&shared).await;
    wait_for(ready).await;
    let mut config = shared.config.clone();
    config.resume = book.resume();
    let mut listener = Listener::builder(config).start();
    if let Ok(mut handle) = shared.listener.lock() {
        *handle = Some(listener.handle());
    }
    tokio::spawn(watch_listener(shared.clone(), listener.state(), refusals));
    let mut events = Vec::new();
    let mut again = tokio::time::interval(RETRY_INTERVAL);
    loop {
        tokio::select! {
            count = listener.next_batch(&mut events) => {
                if count == 0 {
                    return;
                }
                let heard = book.take(&shared, events.drain(..)).await;
                if !heard.is_empty() {
                    shared.send(AppEvent::Incoming(heard)).await;
                }
            }
            _ = again.tick() => book.try_again(&shared).await,
        }
    }
}

/// The history file, as far as this program may write it.
struct HistorySink {
    recorder: Option<Recorder>,
    /// What is to be written once the file is ours.
    kept: VecDeque<Message>,
    /// What could not be written has been said.
    error_reported: bool,
}

impl HistorySink {
    async fn open(shared: &Arc<ServiceContext>) -> Self {
        let mut book = Self { recorder: None, kept: VecDeque::new(), error_reported: false };
        match open(shared).await {
            Ok(recorder) => {
                for warning in recorder.warnings() {
                    shared.send(AppEvent::Notice { text: NoticeText::File(warning.to_string()), error: false }).await;
                }
                book.recorder = Some(recorder);
            }
            Err(HistoryError::Locked(error)) => {
                let text = NoticeText::HistoryElsewhere(chain(&error));
                shared.send(AppEvent::Notice { text, error: false }).await;
            }
            Err(error) => book.report_error(shared, &error).await,
        }
        book
    }

    fn resume(&self) -> Resume {
        match &self.recorder {
            Some(recorder) => {
                recorder.resume(if recorder.end() == 0 { Resume::Last(FIRST_RUN_MESSAGES) } else { Resume::Live })
            }
            None => Resume::Live,
        }
    }

    /// Writes a batch down and gives each message its place.
    async fn take(&mut self, shared: &ServiceContext, events: impl Iterator<Item = ListenerEvent>) -> Vec<Incoming> {
        let mut heard = Vec::new();
        let mut run = Vec::new();
        for event in events {
            match event {
                ListenerEvent::Message(message) => run.push(message),
                ListenerEvent::Gap(gap) => {
                    self.write(shared, &mut run, &mut heard).await;
                    if let Some(recorder) = &mut self.recorder
                        && let Err(error) = recorder.gap(&gap)
                    {
                        self.report_error(shared, &error).await;
                    }
                    heard.push(translate::gap(&gap));
                }
                ListenerEvent::Joined(position) => {
                    // Kept, so that what is said after a quiet run is not missed by the next one.
                    if let Some(recorder) = &mut self.recorder
                        && let Err(error) = recorder.joined(&position)
                    {
                        self.report_error(shared, &error).await;
                    }
                }
                _ => {}
            }
        }
        self.write(shared, &mut run, &mut heard).await;
        heard
    }

    async fn write(&mut self, shared: &ServiceContext, run: &mut Vec<Message>, heard: &mut Vec<Incoming>) {
        if run.is_empty() {
            return;
        }
        settle_echoes(shared, run);
        let Some(recorder) = &mut self.recorder else {
            heard.extend(run.iter().map(|message| translate::said(message, None)));
            self.kept.extend(run.drain(..));
            let over = self.kept.len().saturating_sub(MAX_UNWRITTEN);
            self.kept.drain(..over);
            return;
        };
        // What the file has already comes with its page.
        let written = recorder.position().cloned();
        run.retain(|message| match (&message.position, &written) {
            (Some(new), Some(old)) => new.stream != old.stream || new.seq > old.seq,
            _ => true,
        });
        while let Some(recorder) = &mut self.recorder {
            match recorder.record(run) {
                Ok(()) => {
                    let marks = marks(recorder, run.len());
                    heard.extend(run.iter().enumerate().map(|(at, message)| {
                        translate::said(message, marks.as_ref().and_then(|marks| marks.get(at).copied()))
                    }));
                    break;
                }
                Err(error @ HistoryError::Backlog { .. }) => {
                    // Nothing more is taken from the server until there is room: it has the messages.
                    self.report_error(shared, &error).await;
                    tokio::time::sleep(RETRY_INTERVAL).await;
                    self.try_again(shared).await;
                }
                Err(error) => {
                    heard.extend(run.iter().map(|message| translate::said(message, None)));
                    self.report_error(shared, &error).await;
                    break;
                }
            }
        }
        run.clear();
    }

    async fn try_again(&mut self, shared: &ServiceContext) {
        match &mut self.recorder {
            Some(recorder) if recorder.waiting() > 0 => {
                if recorder.retry().is_ok() && self.error_reported {
                    self.error_reported = false;
                    shared.send(AppEvent::Notice { text: NoticeText::FileWorksAgain, error: false }).await;
                }
            }
            Some(_) => {}
            None => {
                let path = shared.history_path.clone();
                // The other program may have ended: then it is for this one to write the history.
                if let Ok(Ok(mut recorder)) = tokio::task::spawn_blocking(move || Recorder::open(path)).await {
                    // Only numbered messages: the file tells which of those it has.
                    let numbered: Vec<Message> = self.kept.drain(..).filter(|said| said.position.is_some()).collect();
                    if let Err(error) = recorder.record(&numbered) {
                        self.report_error(shared, &error).await;
                    }
                    self.recorder = Some(recorder);
                }
            }
        }
    }

    async fn report_error(&mut self, shared: &ServiceContext, error: &HistoryError) {
        if !self.error_reported {
            self.error_reported = true;
            shared.send(AppEvent::Notice { text: NoticeText::File(chain(error)), error: true }).await;
        }
    }
}

/// The places of the last `count` lines, which have just been written.
fn marks(recorder: &Recorder, count: usize) -> Option<Vec<FileSpan>> {
    let lines = History::open(recorder.path()).ok()?.before(recorder.end(), count).ok()?;
    (lines.len() == count).then(|| lines.iter().map(translate::mark).collect())
}

/// On a server that does not number, the echo says which own messages have arrived.
fn settle_echoes(shared: &ServiceContext, run: &[Message]) {
    let Ok(posting_as) = shared.posting_as.lock() else { return };
    let Some((nickname, outbox, writer)) = &*posting_as else { return };
    for message in run.iter().filter(|said| said.position.is_none() && said.sender.as_ref() == Some(nickname)) {
        let mut entries = outbox.entries();
        // One that is under way comes before one that was given up.
        entries.sort_by_key(|entry| entry.state == DeliveryState::Unconfirmed);
        let mut echoes = EchoMatcher::new();
        echoes.set_nickname(Some(nickname.clone()));
        entries.into_iter().for_each(|entry| echoes.add_earlier(entry.id, &entry.text, entry.state));
        // The application finds the same message by itself; the file forgets it here.
        echoes.on_message(message, ()).into_iter().for_each(|outcome| writer.confirm_echo(outcome.id));
    }
}

async fn open(shared: &Arc<ServiceContext>) -> Result<Recorder, HistoryError> {
    let path = shared.history_path.clone();
    match tokio::task::spawn_blocking(move || Recorder::open(path)).await {
        Ok(result) => result,
        // Only at the end of the program is such a task not run.
        Err(_) => std::future::pending().await,
    }
}

async fn watch_listener(
    shared: Arc<ServiceContext>,
    mut state: watch::Receiver<chat_client::ConnectionState>,
    refusals: Sender<()>,
) {
    loop {
        let now = translate::link_state(&state.borrow_and_update());
        if now.cause() == Some(&LinkError::ConnectionRefused) {
            // One unanswered request is enough.
            let _ = refusals.try_send(());
        }
        shared.send(AppEvent::Link(LinkSide::Listening, now)).await;
        if state.changed().await.is_err() {
            return;
        }
    }
}
