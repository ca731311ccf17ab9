//! `chat listen`: prints messages as they arrive, and records them in a history file if requested.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use chat_client::{
    ClientConfig, Cursor, EventBatch, Gap, Listener, ListenerEvent, Message, NamesSeen, PlainLines, Position, Recorder,
    Resume,
};
use chat_frontend::Exit;
use chat_frontend::time;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::time::{Instant, sleep_until};

use crate::args::{CommonArgs, ListenArgs};
use crate::connection::{self, PortKind, StateReporter};
use crate::error::CliError;
use crate::json::JsonObject;
use crate::output::{self, Style, Wrote};
use crate::signals::{Hangup, Interrupt};
use crate::stdout_watch::StdoutWatch;

/// How often an unwritable history is retried.
const RETRY_EVERY: Duration = Duration::from_secs(1);

pub(super) async fn run(args: &ListenArgs, common: &CommonArgs) -> Result<Exit, CliError> {
    let interrupt = Interrupt::watch().map_err(CliError::Runtime)?;
    let settings = connection::settings(connection::layer(&args.connect, PortKind::Listen), common)?;
    let mut config = connection::client_config(&settings, &args.connect, None);
    let persistence = Persistence::open(args)?;
    let asked = begin(args)?;
    config.resume = persistence.resume(asked.clone().unwrap_or(Resume::Live));
    if asked.is_some() && config.resume != asked.clone().unwrap_or(Resume::Live) {
        output::report("the history resumes where it ends: --last and --since apply only to a new one");
    }
    ListenRun::new(args, common, config, persistence, asked.is_some()).run(&interrupt).await
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

/// How the position is stored between runs.
enum Persistence {
    Nothing,
    Cursor(Cursor),
    History { recorder: Box<Recorder>, troubled: bool },
}

impl Persistence {
    fn open(args: &ListenArgs) -> Result<Self, CliError> {
        let (keep, warnings) = match (&args.history_path, &args.cursor) {
            (Some(path), _) => Self::history(path)?,
            (None, Some(path)) => {
                let cursor = Cursor::open(path)?;
                let warnings = cursor.warnings().iter().map(ToString::to_string).collect();
                (Self::Cursor(cursor), warnings)
            }
            (None, None) => (Self::Nothing, Vec::new()),
        };
        for warning in warnings {
            output::report(format_args!("warning: {warning}"));
        }
        Ok(keep)
    }

    fn history(path: &Path) -> Result<(Self, Vec<String>), CliError> {
        let mut recorder = Box::new(Recorder::open(path)?);
        let warnings = recorder.take_warnings().iter().map(ToString::to_string).collect();
        Ok((Self::History { recorder, troubled: false }, warnings))
    }

    fn resume(&self, otherwise: Resume) -> Resume {
        match self {
            Self::Nothing => otherwise,
            Self::Cursor(cursor) => cursor.resume(otherwise),
            Self::History { recorder, .. } => recorder.resume(otherwise),
        }
    }

    /// Records a batch in the history before it is printed. Returns `false` if it was not accepted, because too much
    /// already waits for the disk.
    fn before_print(&mut self, messages: &[Message]) -> Result<bool, CliError> {
        let Self::History { recorder, troubled } = self else { return Ok(true) };
        let recorded = recorder.record(messages);
        report_warnings(recorder);
        match recorded {
            Ok(()) => {
                *troubled = false;
                Ok(true)
            }
            Err(error) => Self::waiting(troubled, error),
        }
    }

    /// Records a block of plain lines, as [`before_print`](Self::before_print) does for messages.
    fn lines_before_print(&mut self, lines: &PlainLines) -> Result<bool, CliError> {
        let Self::History { recorder, troubled } = self else { return Ok(true) };
        let recorded = recorder.record_lines(lines);
        report_warnings(recorder);
        match recorded {
            Ok(()) => {
                *troubled = false;
                Ok(true)
            }
            Err(error) => Self::waiting(troubled, error),
        }
    }

    /// Stores the position after a batch is printed.
    fn after_print(&mut self, messages: &[Message]) -> Result<(), CliError> {
        if let (Self::Cursor(cursor), Some(position)) =
            (self, messages.iter().rev().find_map(|message| message.position.as_ref()))
        {
            cursor.save(position)?;
        }
        Ok(())
    }

    /// Stores the position at which the listener joined, so that messages after a run without any are not missed.
    fn joined(&mut self, position: &Position) -> Result<(), CliError> {
        match self {
            Self::Nothing => Ok(()),
            Self::Cursor(cursor) => Ok(cursor.save(position)?),
            Self::History { recorder, troubled } => match recorder.joined(position) {
                Ok(()) => Ok(()),
                Err(error) => Self::waiting(troubled, error).map(|_| ()),
            },
        }
    }

    fn gap(&mut self, gap: &Gap) {
        if let Self::History { recorder, troubled } = self
            && let Err(error) = recorder.gap(gap)
        {
            let _ = Self::waiting(troubled, error);
        }
    }

    /// Begins a history file again that was moved away.
    fn reopen(&mut self) -> Result<(), CliError> {
        if let Self::History { recorder, troubled } = self {
            let reopened = recorder.reopen();
            report_warnings(recorder);
            if let Err(error) = reopened {
                Self::waiting(troubled, error)?;
            }
        }
        Ok(())
    }

    fn is_waiting(&self) -> bool {
        matches!(self, Self::History { recorder, .. } if recorder.waiting() > 0)
    }

    fn retry(&mut self) -> Result<(), CliError> {
        if let Self::History { recorder, troubled } = self {
            match recorder.retry() {
                Ok(()) => {
                    *troubled = false;
                    output::report("the history can be written again");
                }
                Err(error) => {
                    Self::waiting(troubled, error)?;
                }
            }
        }
        Ok(())
    }

    /// Reports a full disk once. The messages wait in memory, and writing is retried.
    fn waiting(troubled: &mut bool, error: chat_client::HistoryError) -> Result<bool, CliError> {
        let taken = match error {
            chat_client::HistoryError::Waiting { .. } => true,
            chat_client::HistoryError::Backlog { .. } => false,
            other => return Err(other.into()),
        };
        if !std::mem::replace(troubled, true) {
            output::report(&error);
        }
        Ok(taken)
    }

    fn close(self) -> Result<(), CliError> {
        match self {
            Self::History { recorder, .. } => Ok(recorder.close()?),
            Self::Nothing | Self::Cursor(_) => Ok(()),
        }
    }
}

fn report_warnings(recorder: &mut Recorder) {
    for warning in recorder.take_warnings() {
        output::report(format_args!("warning: {warning}"));
    }
}

/// One run, from the first connection to the end.
struct ListenRun {
    style: Style,
    listener: Listener,
    what: String,
    persistence: Persistence,
    /// The senders of this run, to mark look-alikes.
    names: NamesSeen,
    count: Option<u64>,
    got: u64,
    end_at: Option<Instant>,
    idle: Option<Duration>,
    idle_at: Option<Instant>,
    /// The user requested older messages, which a plain server cannot send.
    wants_past: bool,
}

impl ListenRun {
    fn new(
        args: &ListenArgs,
        common: &CommonArgs,
        config: ClientConfig,
        persistence: Persistence,
        wants_past: bool,
    ) -> Self {
        let now = Instant::now();
        Self {
            style: Style::new(common.json, args.raw),
            what: config.listen_addr_text(),
            listener: Listener::builder(config).start(),
            wants_past: wants_past || matches!(persistence, Persistence::Cursor(_)),
            persistence,
            names: NamesSeen::new(),
            count: args.count,
            got: 0,
            end_at: args.timeout.map(|limit| now + limit),
            idle: args.idle_timeout,
            idle_at: args.idle_timeout.map(|limit| now + limit),
        }
    }

    async fn run(mut self, interrupt: &Interrupt) -> Result<Exit, CliError> {
        let outcome = self.listen(interrupt).await;
        // Messages that wait for the disk matter more than how the listener ended.
        self.persistence.close()?;
        outcome
    }

    async fn listen(&mut self, interrupt: &Interrupt) -> Result<Exit, CliError> {
        let mut reporter = StateReporter::new(PortKind::Listen, self.listener.state(), self.style.json);
        let mut numbered = self.listener.numbered();
        let reader = StdoutWatch::watch();
        // Without a history file SIGHUP ends the program, as it does by default.
        let hangup = match self.persistence {
            Persistence::History { .. } => Some(Hangup::watch().map_err(CliError::Runtime)?),
            _ => None,
        };
        let mut backlog = VecDeque::new();
        loop {
            let retry_at = (self.persistence.is_waiting() || !backlog.is_empty()).then(|| Instant::now() + RETRY_EVERY);
            // A fixed order: a signal or a deadline must not wait behind a busy room. All branches are cancel safe, and
            // events stay with the listener until they are returned.
            tokio::select! {
                biased;
                () = interrupt.wait() => return Err(CliError::Interrupted),
                () = reader.gone() => return Ok(Exit::Done),
                () = next_hangup(hangup.as_ref()) => self.persistence.reopen()?,
                () = at(self.end_at) => return self.out_of_time(),
                () = at(self.idle_at) => return Err(CliError::Idle(self.idle.unwrap_or_default())),
                () = reporter.next() => {}
                Ok(()) = numbered.changed(), if self.wants_past => {
                    if *numbered.borrow_and_update() == Some(false) {
                        self.wants_past = false;
                        output::report("this server does not keep messages: starting with the next one");
                    }
                }
                () = at(retry_at) => {
                    self.persistence.retry()?;
                    if let Some(exit) = self.take(&mut backlog)? {
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
                    if let EventBatch::Lines(lines) = &heard
                        && self.takes_in_one_piece(lines)
                        && self.persistence.lines_before_print(lines)?
                    {
                        if let Some(exit) = self.print_lines(lines)? {
                            return Ok(exit);
                        }
                        continue;
                    }
                    backlog.extend(heard.into_events());
                    if let Some(exit) = self.take(&mut backlog)? {
                        return Ok(exit);
                    }
                }
            }
        }
    }

    /// Records and prints events in order; stops at a gap, to report it in its place. Events that could not be recorded
    /// stay in `events`.
    fn take(&mut self, events: &mut VecDeque<ListenerEvent>) -> Result<Option<Exit>, CliError> {
        while let Some(first) = events.front() {
            if let ListenerEvent::Gap(gap) = first {
                let gap = gap.clone();
                events.pop_front();
                if self.report_gap(&gap)? == Wrote::PipeClosed {
                    return Ok(Some(Exit::Done));
                }
                continue;
            }
            if let ListenerEvent::Joined(position) = first {
                self.persistence.joined(position)?;
                events.pop_front();
                continue;
            }
            let room = self.count.map_or(usize::MAX, |count| usize::try_from(count - self.got).unwrap_or(usize::MAX));
            let messages: Vec<Message> = events
                .iter()
                .map_while(|event| match event {
                    ListenerEvent::Message(message) => Some(message.clone()),
                    _ => None,
                })
                .take(room)
                .collect();
            if !messages.is_empty() && !self.persistence.before_print(&messages)? {
                return Ok(None);
            }
            // Skips an event of a kind that this version does not know.
            events.drain(..messages.len().max(1));
            if let Some(exit) = self.print(&messages)? {
                return Ok(Some(exit));
            }
        }
        Ok(None)
    }

    /// Returns whether lines can be printed unchanged as one block: no cleaning, no other format, and all of them are
    /// wanted.
    fn takes_in_one_piece(&self, lines: &PlainLines) -> bool {
        self.style.is_plain() && self.count.is_none_or(|count| lines.count() as u64 <= count - self.got)
    }

    fn print_lines(&mut self, lines: &PlainLines) -> Result<Option<Exit>, CliError> {
        if output::print(lines.as_str().as_bytes())? == Wrote::PipeClosed {
            return Ok(Some(Exit::Done));
        }
        Ok(self.printed(lines.count()))
    }

    fn print(&mut self, messages: &[Message]) -> Result<Option<Exit>, CliError> {
        let mut out = Vec::with_capacity(messages.len() * 64);
        for message in messages {
            let sender = message.sender.as_ref().filter(|_| self.style.marks_look_alikes());
            let looks_like = sender.and_then(|sender| self.names.meet(sender.as_str()));
            self.style.message(message, looks_like.as_deref(), &mut out);
        }
        if output::print(&out)? == Wrote::PipeClosed {
            return Ok(Some(Exit::Done));
        }
        self.persistence.after_print(messages)?;
        Ok(self.printed(messages.len()))
    }

    fn printed(&mut self, count: usize) -> Option<Exit> {
        self.got += count as u64;
        if count > 0 {
            self.idle_at = self.idle.map(|limit| Instant::now() + limit);
        }
        self.count.is_some_and(|wanted| self.got >= wanted).then_some(Exit::Done)
    }

    fn report_gap(&mut self, gap: &Gap) -> Result<Wrote, CliError> {
        self.persistence.gap(gap);
        if self.style.json {
            let mut out = Vec::new();
            JsonObject::gap(gap).write_to(&mut out);
            return output::print(&out);
        }
        output::report(gap);
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
