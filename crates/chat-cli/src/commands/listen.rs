//! `chat listen`: prints messages as they arrive, or starts a program for each, and records them in a history file if
//! requested.

mod blocks;
mod sink;

use std::collections::VecDeque;
use std::time::Duration;

use chat_client::{
    ClientConfig, EventBatch, Gap, Listener, ListenerEvent, Message, NamesSeen, RemovedMessage, Resume, Side,
};
use chat_frontend::Exit;
use chat_frontend::time;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::time::{Instant, sleep_until};

use self::sink::MessageSink;
use crate::args::{CommonArgs, ListenArgs};
use crate::connection::{self, PortKind, StateReporter};
use crate::error::CliError;
use crate::json::JsonObject;
use crate::message_filter::MessageFilter;
use crate::output::{self, Style, Wrote};
use crate::persistence::Persistence;
use crate::room_key::LogNotes;
use crate::runtime;
use crate::signals::{Hangup, Interrupt, OnHangup};
use crate::stdout_watch::StdoutWatch;

/// How often an unwritable history is retried.
const RETRY_EVERY: Duration = Duration::from_secs(1);

pub(super) fn run(args: &ListenArgs, common: &CommonArgs) -> Result<Exit, CliError> {
    // With a history file SIGHUP opens it again.
    let on_hangup = if args.history_path.is_some() { OnHangup::Other } else { OnHangup::End };
    let interrupt = Interrupt::watch(on_hangup).map_err(CliError::Runtime)?;
    let filter = MessageFilter::new(&args.from, args.grep.as_deref())?;
    let sink = MessageSink::new(args, common)?;
    let settings = connection::settings(connection::layer(&args.connect, PortKind::Listen), common)?;
    let mut config = connection::client_config(&settings, &args.connect, &[Side::Listen], None)?;
    let notes = LogNotes::new(&settings, &config);
    let persistence = Persistence::open(args.history_path.as_deref(), args.cursor.as_deref())?;
    let asked = begin(args)?;
    config.resume = persistence.resume(asked.clone().unwrap_or(Resume::Live));
    if asked.is_some() && config.resume != asked.clone().unwrap_or(Resume::Live) {
        output::report("the history resumes where it ends: --last and --since apply only to a new one");
    }
    runtime::block_on(async {
        let run = ListenRun::new(args, common, config, persistence, asked.is_some(), filter, sink);
        ListenRun { notes: Some(notes), ..run }.run(&interrupt).await
    })
}

/// Returns where the options start; `None` is the next message.
fn begin(args: &ListenArgs) -> Result<Option<Resume>, CliError> {
    if let Some(count) = args.last {
        return Ok(Some(Resume::Last(count)));
    }
    let Some(since) = &args.since else { return Ok(None) };
    let time = time::time(since, Timestamp::now(), &TimeZone::system())
        .map_err(|error| CliError::Usage(format!("--since {since:?}: {error}").into()))?;
    Ok(Some(Resume::Since(time.into())))
}

/// One run, from the first connection to the end.
struct ListenRun {
    style: Style,
    listener: Listener,
    what: String,
    persistence: Persistence,
    /// Notes which log the room has.
    notes: Option<LogNotes>,
    /// The senders of this run, to mark look-alikes.
    names: NamesSeen,
    count: Option<u64>,
    got: u64,
    end_at: Option<Instant>,
    idle: Option<Duration>,
    idle_at: Option<Instant>,
    /// The user requested older messages, which a plain server cannot send.
    wants_past: bool,
    filter: MessageFilter,
    sink: MessageSink,
}

impl ListenRun {
    fn new(
        args: &ListenArgs,
        common: &CommonArgs,
        config: ClientConfig,
        persistence: Persistence,
        wants_past: bool,
        filter: MessageFilter,
        sink: MessageSink,
    ) -> Self {
        let now = Instant::now();
        Self {
            style: Style::new(common.json, args.raw),
            what: config.addresses_text(Side::Listen),
            listener: Listener::builder(config).start(),
            wants_past: wants_past || persistence.is_cursor(),
            persistence,
            notes: None,
            names: NamesSeen::new(),
            count: args.count,
            got: 0,
            end_at: args.timeout.map(|limit| now + limit),
            idle: args.idle_timeout,
            idle_at: args.idle_timeout.map(|limit| now + limit),
            filter,
            sink,
        }
    }

    async fn run(mut self, interrupt: &Interrupt) -> Result<Exit, CliError> {
        let outcome = self.listen(interrupt).await;
        // Messages that wait for the disk matter more than how the listener ended.
        self.persistence.close().await?;
        outcome
    }

    async fn listen(&mut self, interrupt: &Interrupt) -> Result<Exit, CliError> {
        let mut reporter = StateReporter::new(PortKind::Listen, self.listener.state(), self.style.json);
        let mut numbered = self.listener.numbered();
        let reader = StdoutWatch::watch();
        // Without a history file SIGHUP ends the program, as it does by default.
        let hangup =
            if self.persistence.is_history() { Some(Hangup::watch().map_err(CliError::Runtime)?) } else { None };
        let mut backlog = VecDeque::new();
        loop {
            let retry_at = (self.persistence.is_waiting() || !backlog.is_empty()).then(|| Instant::now() + RETRY_EVERY);
            // A fixed order: a signal or a deadline must not wait behind a busy room. All branches are cancel-safe, and
            // events stay with the listener until they are returned. Files are used in the arms, which nothing drops
            // half-way.
            tokio::select! {
                biased;
                () = interrupt.wait() => return Err(CliError::Interrupted),
                () = reader.gone() => return Ok(Exit::Done),
                () = next_hangup(hangup.as_ref()) => self.persistence.reopen().await?,
                () = at(self.end_at) => return self.out_of_time(),
                () = at(self.idle_at) => return Err(CliError::Idle(self.idle.unwrap_or_default())),
                () = reporter.next() => {}
                Ok(()) = numbered.changed(), if self.wants_past => {
                    if *numbered.borrow_and_update() == Some(false) {
                        self.wants_past = false;
                        output::report(
                            "the server did not answer the request for older messages, as one that keeps none: starting \
                             with the next one",
                        );
                    }
                }
                () = at(retry_at) => {
                    self.persistence.retry().await?;
                    if let Some(exit) = self.take(&mut backlog, interrupt).await? {
                        return Ok(exit);
                    }
                }
                heard = self.listener.next_event_batch(), if backlog.is_empty() => {
                    let Some(heard) = heard else {
                        return match connection::closed(&self.listener.state(), self.what.clone()) {
                            Some(failure) => Err(failure),
                            None => Ok(Exit::Done),
                        };
                    };
                    let (blocks, rest) = self.blocks_that_wait(heard);
                    if let Some(exit) = self.take_blocks(&blocks, &mut backlog).await? {
                        return Ok(exit);
                    }
                    backlog.extend(rest.into_iter().flat_map(EventBatch::into_events));
                    if let Some(exit) = self.take(&mut backlog, interrupt).await? {
                        return Ok(exit);
                    }
                }
            }
        }
    }

    /// Records and prints events in order; stops at a gap, to report it in its place. Events that could not be recorded
    /// stay in `events`.
    async fn take(
        &mut self,
        events: &mut VecDeque<ListenerEvent>,
        interrupt: &Interrupt,
    ) -> Result<Option<Exit>, CliError> {
        if let (Some(notes), Some(log)) = (&mut self.notes, events.iter().rev().find_map(ListenerEvent::log)) {
            notes.note(log).await;
        }
        while let Some(first) = events.front() {
            if let ListenerEvent::Gap(gap) = first {
                let gap = gap.clone();
                events.pop_front();
                if self.report_gap(&gap).await? == Wrote::PipeClosed {
                    return Ok(Some(Exit::Done));
                }
                continue;
            }
            if let ListenerEvent::Removed(removed) = first {
                let removed = removed.clone();
                events.pop_front();
                if self.report_removed(&removed)? == Wrote::PipeClosed {
                    return Ok(Some(Exit::Done));
                }
                continue;
            }
            if let ListenerEvent::Joined(position) = first {
                self.persistence.joined(position).await?;
                events.pop_front();
                continue;
            }
            let messages = self.next_messages(events);
            if !messages.is_empty() && !self.persistence.before_print(&messages).await? {
                return Ok(None);
            }
            // Skips an event of a kind that this version does not know.
            events.drain(..messages.len().max(1));
            if let Some(exit) = self.pass_on(&messages, interrupt).await? {
                return Ok(Some(exit));
            }
        }
        Ok(None)
    }

    /// Returns the messages at the front of the events, up to the last one that `--count` wants.
    fn next_messages(&self, events: &VecDeque<ListenerEvent>) -> Vec<Message> {
        let mut left = self.count.map(|count| count - self.got);
        let mut messages = Vec::new();
        for event in events {
            let ListenerEvent::Message(message) = event else { break };
            if left == Some(0) {
                break;
            }
            if self.filter.fits(message) {
                left = left.map(|left| left - 1);
            }
            messages.push(message.clone());
        }
        messages
    }

    /// Prints the messages that fit, or starts the program for each, and stores the position.
    async fn pass_on(&mut self, messages: &[Message], interrupt: &Interrupt) -> Result<Option<Exit>, CliError> {
        let fitting = messages.iter().filter(|message| self.filter.fits(message));
        let mut count = 0;
        let mut out = Vec::with_capacity(messages.len() * 64);
        for message in fitting {
            count += 1;
            match &self.sink {
                MessageSink::Exec(command) => {
                    command.run(message, interrupt).await?;
                    self.persistence.after_print(std::slice::from_ref(message)).await?;
                }
                MessageSink::Format(template) => template.append(message, &self.style, Timestamp::now(), &mut out),
                MessageSink::Print => {
                    let sender = message.sender.as_ref().filter(|_| self.style.marks_look_alikes());
                    let looks_like = sender.and_then(|sender| self.names.meet(sender.as_str()));
                    self.style.message(message, looks_like.as_deref(), &mut out);
                }
            }
        }
        if !out.is_empty() && output::print(&out)? == Wrote::PipeClosed {
            return Ok(Some(Exit::Done));
        }
        self.persistence.after_print(messages).await?;
        Ok(self.printed(count))
    }

    fn printed(&mut self, count: usize) -> Option<Exit> {
        // Lossless: `usize` has at most 64 bits.
        self.got += count as u64;
        if count > 0 {
            self.idle_at = self.idle.map(|limit| Instant::now() + limit);
        }
        self.count.is_some_and(|wanted| self.got >= wanted).then_some(Exit::Done)
    }

    async fn report_gap(&mut self, gap: &Gap) -> Result<Wrote, CliError> {
        self.persistence.gap(gap).await?;
        if self.style.json && matches!(self.sink, MessageSink::Print) {
            let mut out = Vec::new();
            JsonObject::gap(gap).write_to(&mut out);
            return output::print(&out);
        }
        output::report(gap);
        Ok(Wrote::All)
    }

    /// Reports a removal: as an object, or in a sentence on standard error, because standard output has messages only.
    fn report_removed(&mut self, removed: &RemovedMessage) -> Result<Wrote, CliError> {
        if self.style.json {
            let mut out = Vec::new();
            JsonObject::removed(removed).write_to(&mut out);
            return output::print(&out);
        }
        let by = removed.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let reason = removed.reason.as_ref().map(|reason| format!(": {}", reason.flattened())).unwrap_or_default();
        output::report(format!("message {} was removed{by}{reason}", removed.position.seq));
        Ok(Wrote::All)
    }

    fn out_of_time(&self) -> Result<Exit, CliError> {
        match self.count {
            Some(wanted) => Err(CliError::Timeout { got: self.got, wanted }),
            None => Ok(Exit::Done),
        }
    }
}

async fn next_hangup(hangup: Option<&Hangup>) {
    match hangup {
        Some(hangup) => hangup.next().await,
        None => std::future::pending().await,
    }
}

/// Resolves at `instant`, or never.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
