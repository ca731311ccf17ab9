//! The task that has the connection to the log. It uses one server at a time, and the next one as soon as that one is of no
//! use: it is gone, shuts down, makes no progress, or lacks places.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Message, StatusCode, Subscriber};
use bytes::Bytes;
use chat_proto::display::clean_for_terminal;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::connection::NatsConnection;
use super::error::NatsError;
use super::fetch::{FetchedBatches, fetch, placed};
use super::options::NatsOptions;
use super::shared::SharedTail;
use super::stream::{self, LogStatus};
use crate::rate_limited_log::RateLimitedLog;
use crate::replication::rules::Divergence;
use crate::replication::{Generation, LogState};

/// How long nothing may be published before the log is asked: what was stored may have been published while the connection
/// was being made, or to a server that was cut off.
const SILENCE: Duration = Duration::from_millis(250);

/// How many requests for batches may have no answer, one after the other.
const FETCHES: u32 = 5;

/// How long a server may show nothing new although something was sent to it.
const NO_PROGRESS: Duration = Duration::from_secs(3);

/// How long a connection must be there to count as of use although it has brought nothing.
const OF_USE_AFTER: Duration = Duration::from_secs(5);

/// How often it is logged that the log still cannot be reached.
const LOGGED_EVERY: Duration = Duration::from_secs(60);

/// The pauses between two rounds over all servers, of which none could be used.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(250), Duration::from_millis(500), Duration::from_secs(1)];

/// How long all servers must say that the log has lost something until it is believed: one with a damaged copy may lead for
/// a while, and one that was just elected has not read all of its own log.
const BELIEVED_AFTER: Duration = Duration::from_secs(20);

/// How often they must say so meanwhile, without a server that cannot be asked in between.
const BELIEVED_TIMES: u32 = 5;

/// Keeps the connection.
pub(super) struct LogTask {
    options: NatsOptions,
    generation: Generation,
    shared: Arc<SharedTail>,
    appends: mpsc::Receiver<Bytes>,
    connections: u64,
    /// What the log seems to have lost.
    suspected: Option<Suspicion>,
    /// The connection has brought something, or was there for a while.
    of_use: bool,
    /// The last line of the log says that the log of the room is followed, not that it is lost.
    followed_said: bool,
    /// When it was logged last that the log cannot be reached.
    logged: Option<Instant>,
}

/// Why a connection is given up.
enum LinkEnd {
    /// The log was dropped.
    Dropped,
    /// This server is of no use now.
    Lost(String),
    /// The log is not the one that the store follows.
    Diverged(Divergence),
}

/// What all servers that were asked say that the log has lost.
struct Suspicion {
    what: Divergence,
    since: Instant,
    times: u32,
}

/// What one connection has.
struct ServerLink {
    connection: NatsConnection,
    stored: Subscriber,
    answers: Subscriber,
    inbox: String,
    fetching: Option<JoinHandle<Result<FetchedBatches, NatsError>>>,
    /// When something was read last, or first sent after that.
    progress: Instant,
    /// Something was sent that was not read yet.
    expects: bool,
    /// When the log was heard of last.
    heard: Instant,
    /// How many requests in a row had no answer.
    fetches_failed: u32,
}

impl LogTask {
    pub(super) fn new(
        options: NatsOptions,
        generation: Generation,
        shared: Arc<SharedTail>,
        appends: mpsc::Receiver<Bytes>,
    ) -> Self {
        Self {
            options,
            generation,
            shared,
            appends,
            connections: 0,
            suspected: None,
            of_use: false,
            followed_said: false,
            logged: None,
        }
    }

    /// Runs until the log is dropped, or is found to be another one.
    pub(super) async fn run(mut self) {
        let count = self.options.servers.len().max(1);
        // At random, so that the nodes of a room do not all use the first one.
        let (mut server, mut tried) = (fastrand::usize(..count), 0);
        loop {
            let began = Instant::now();
            self.of_use = false;
            let end = self.serve(server).await;
            self.of_use |= began.elapsed() >= OF_USE_AFTER;
            match end {
                LinkEnd::Dropped => return,
                LinkEnd::Diverged(why) => return self.shared.update(|inner| inner.state = LogState::Diverged(why)),
                LinkEnd::Lost(why) => {
                    self.log_loss(&why);
                    self.shared.update(|inner| inner.state = LogState::Away { why: why.into() });
                }
            }
            server = (server + 1) % count;
            // The next server at once, if this one had been of use.
            tried = if self.of_use { 0 } else { tried + 1 };
            if tried >= count {
                let round = (tried / count - 1).min(PAUSES.len() - 1);
                sleep(PAUSES.get(round).copied().unwrap_or(SILENCE)).await;
            }
        }
    }

    /// Logs why the log cannot be reached: at once for a connection that was of use, and then once a minute.
    fn log_loss(&mut self, why: &str) {
        if self.of_use || self.logged.is_none_or(|at| at.elapsed() >= LOGGED_EVERY) {
            (self.logged, self.followed_said) = (Some(Instant::now()), false);
            tracing::warn!(why, "lost the log of the room");
        }
    }

    /// Uses one server as long as it is of use.
    async fn serve(&mut self, server: usize) -> LinkEnd {
        let Some(address) = self.options.servers.get(server).cloned() else { return LinkEnd::Lost("no server".into()) };
        let mut link = match self.connect(&address).await {
            Ok(link) => link,
            Err(end) => return end,
        };
        self.connections += 1;
        let (connection, name) = (self.connections, Arc::clone(&link.connection.server));
        if !std::mem::replace(&mut self.followed_said, true) {
            tracing::info!(server = %name, "follows the log of the room");
        }
        self.shared.update(|inner| {
            inner.state = LogState::Connected { connection, at_end: false, server: name };
            inner.change_copy = false;
            inner.tail.set_behind(true);
        });
        let mut ticks = interval(SILENCE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.start_fetch(&mut link);
            let fetched = async {
                match &mut link.fetching {
                    Some(fetching) => fetching.await,
                    None => std::future::pending().await,
                }
            };
            // Every branch is cancel safe: channels and subscriptions keep what was not taken, and the fetch is a task.
            tokio::select! {
                biased;
                why = link.connection.ends.recv() => return LinkEnd::Lost(why.unwrap_or_default()),
                batch = self.appends.recv() => match batch {
                    Some(batch) => {
                        if let Err(end) = self.append(&mut link, batch).await {
                            return end;
                        }
                    }
                    None => return LinkEnd::Dropped,
                },
                message = link.stored.next() => match message {
                    Some(message) => self.take_stored(&mut link, message),
                    None => return LinkEnd::Lost("the subscription ended".into()),
                },
                fetched = fetched => {
                    link.fetching = None;
                    match fetched {
                        Ok(Ok(fetched)) => self.take_fetched(&mut link, fetched),
                        // Servers pass such a request on to any copy, also to one that does not answer any more.
                        Ok(Err(_)) if link.fetches_failed + 1 < FETCHES => {
                            link.fetches_failed += 1;
                            self.shared.lock().tail.set_behind(true);
                        }
                        Ok(Err(error)) => return LinkEnd::Lost(error_text(&error)),
                        Err(error) => return LinkEnd::Lost(error.to_string()),
                    }
                }
                answer = link.answers.next() => {
                    if let Some(answer) = answer {
                        note_refusal(&answer);
                    }
                }
                () = self.shared.changed.notified() => {}
                _ = ticks.tick() => {
                    if link.heard.elapsed() >= SILENCE {
                        self.shared.lock().tail.set_behind(true);
                    }
                }
            }
            if self.shared.lock().change_copy {
                return LinkEnd::Lost("its copy of the log lacks places".into());
            }
            if link.expects && link.progress.elapsed() >= NO_PROGRESS {
                return LinkEnd::Lost("nothing that was sent is stored".into());
            }
        }
    }

    /// Connects to a server, and checks its log.
    async fn connect(&mut self, address: &str) -> Result<ServerLink, LinkEnd> {
        let lost = |error: &NatsError| LinkEnd::Lost(format!("{address}: {}", error_text(error)));
        let asked = async {
            let connection = NatsConnection::open(&self.options, address).await?;
            let info = stream::info(&connection, &self.options).await?;
            stream::check(&info, &self.options)?;
            Ok((connection, info))
        };
        let asked: Result<_, NatsError> = asked.await;
        let (connection, info) = match asked {
            Ok(answered) => answered,
            Err(error) => {
                self.suspected = None;
                return Err(lost(&error));
            }
        };
        self.check_place(&LogStatus::of(&info, &connection.server))?;
        let subscribe = |subject: String| {
            let client = connection.client.clone();
            async move { client.subscribe(subject).await.map_err(|error| LinkEnd::Lost(error.to_string())) }
        };
        let inbox = connection.client.new_inbox();
        let stored = subscribe(self.options.name.stored_subject(self.generation)).await?;
        let answers = subscribe(inbox.clone()).await?;
        let now = Instant::now();
        Ok(ServerLink {
            connection,
            stored,
            answers,
            inbox,
            fetching: None,
            progress: now,
            expects: false,
            heard: now,
            fetches_failed: 0,
        })
    }

    /// Checks that the log has what the store needs next, and has had what the store has.
    fn check_place(&mut self, log: &LogStatus) -> Result<(), LinkEnd> {
        if log.generation != Some(self.generation) {
            return Err(LinkEnd::Diverged(Divergence::Generation));
        }
        let applied = self.shared.lock().applied;
        let problem = if log.last < applied {
            Some(Divergence::Rewound(log.last))
        } else if log.first > applied + 1 {
            Some(Divergence::Forgotten(log.first))
        } else {
            None
        };
        let Some(problem) = problem else {
            self.suspected = None;
            return Ok(());
        };
        // Another kind of loss is another suspicion.
        let same = |suspicion: &Suspicion| std::mem::discriminant(&suspicion.what) == std::mem::discriminant(&problem);
        let before = self.suspected.take().filter(same);
        let (since, times) = before.map_or((Instant::now(), 1), |before| (before.since, before.times + 1));
        self.suspected = Some(Suspicion { what: problem, since, times });
        let believed = since.elapsed() >= BELIEVED_AFTER && times >= BELIEVED_TIMES;
        Err(if believed { LinkEnd::Diverged(problem) } else { LinkEnd::Lost(problem.to_string()) })
    }

    async fn append(&self, link: &mut ServerLink, batch: Bytes) -> Result<(), LinkEnd> {
        if !link.expects {
            (link.expects, link.progress) = (true, Instant::now());
        }
        let sent = link.connection.client.publish_with_reply(
            self.options.name.subject(self.generation),
            link.inbox.clone(),
            batch,
        );
        sent.await.map_err(|error| LinkEnd::Lost(error.to_string()))
    }

    fn take_stored(&mut self, link: &mut ServerLink, message: Message) {
        let Some(batch) = placed(message, &self.options.name) else {
            // Published by something else than the log: the log is asked instead.
            return self.shared.lock().tail.set_behind(true);
        };
        link.heard = Instant::now();
        let mut kept = false;
        self.shared.update(|inner| kept = inner.tail.published(batch));
        if kept {
            self.note_progress(link);
        }
    }

    fn take_fetched(&mut self, link: &mut ServerLink, FetchedBatches { batches, more }: FetchedBatches) {
        (link.heard, link.fetches_failed) = (Instant::now(), 0);
        if !batches.is_empty() {
            self.note_progress(link);
        }
        let connection = self.connections;
        let name = Arc::clone(&link.connection.server);
        self.shared.update(|inner| {
            batches.into_iter().for_each(|batch| inner.tail.fetched(batch));
            inner.tail.set_behind(more);
            inner.state = LogState::Connected { connection, at_end: !more, server: name };
        });
    }

    fn note_progress(&mut self, link: &mut ServerLink) {
        self.of_use = true;
        (link.expects, link.progress) = (false, Instant::now());
    }

    fn start_fetch(&self, link: &mut ServerLink) {
        if link.fetching.is_none() {
            let from = {
                let inner = self.shared.lock();
                inner.tail.wants_fetch().then(|| inner.tail.next())
            };
            link.fetching =
                from.map(|from| tokio::spawn(fetch(link.connection.client.clone(), self.options.clone(), from)));
        }
    }
}

/// Logs why the log did not store a batch. The batch is sent again in any case.
fn note_refusal(answer: &Message) {
    let text = if answer.status == Some(StatusCode::NO_RESPONDERS) {
        Some("no server of NATS takes messages for it".to_owned())
    } else {
        let answer: Option<serde_json::Value> = serde_json::from_slice(&answer.payload).ok();
        answer.and_then(|answer| {
            Some(clean_for_terminal(answer.get("error")?.get("description")?.as_str()?).into_owned())
        })
    };
    if let Some(text) = text {
        RateLimitedLog::LogRefused.log_error(&NatsError::Refused(text));
    }
}

fn error_text(error: &NatsError) -> String {
    let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    format!("{error}{source}")
}
