//! `chat history`: prints a history file forwards, backwards for `--last`, and follows it.

use std::borrow::Cow;
use std::path::Path;

use chat_client::history::LocalMinute;
use chat_client::{History, HistoryLine, Layer, display};
use chat_frontend::Exit;
use chat_frontend::time;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use regex::Regex;

use crate::args::{CommonArgs, HistoryArgs};
use crate::connection;
use crate::error::CliError;
use crate::json::{JsonObject, ObjectKind, rfc3339};
use crate::message_filter;
use crate::output::{self, Style, Wrote};
use crate::runtime;
use crate::signals::{Interrupt, OnHangup};
use crate::stdout_watch::StdoutWatch;

/// The number of lines that are read and printed at once.
const PAGE: usize = 4096;

pub(super) fn run(args: &HistoryArgs, common: &CommonArgs) -> Result<Exit, CliError> {
    let mut layer = Layer::default();
    layer.history_path.clone_from(&args.history_path);
    let path = connection::settings(layer, common)?.history_file()?.to_owned();
    match must_exist(&path) {
        Err(missing) if args.history_path.is_some() => return Err(missing),
        Err(_) => output::report(format_args!("no history yet in {}", path.display())),
        Ok(()) => {}
    }
    let reader = HistoryReader { filter: Filter::new(args)?, style: Style::new(common.json, args.raw) };
    let file = History::open(&path)?;
    // Before anything is printed, because the user may interrupt at the first line.
    let interrupt = args.follow.then(|| Interrupt::watch(OnHangup::End)).transpose().map_err(CliError::Runtime)?;
    let end = match args.last {
        Some(count) => reader.last(&file, count)?,
        None => reader.all(&file)?,
    };
    match (end, interrupt) {
        (Some(offset), Some(interrupt)) => runtime::block_on(reader.follow(file, offset, &interrupt)),
        _ => Ok(Exit::Done),
    }
}

/// Checks that the file exists. It is an error only if the user named the file; the default one may not exist yet.
fn must_exist(path: &Path) -> Result<(), CliError> {
    std::fs::metadata(path).map(|_| ()).map_err(|source| CliError::File { path: path.to_owned(), source })
}

struct HistoryReader {
    filter: Filter,
    style: Style,
}

impl HistoryReader {
    /// Prints the whole file. Returns where it ended, or `None` if the reader has closed the pipe.
    fn all(&self, file: &History) -> Result<Option<u64>, CliError> {
        let mut offset = 0;
        loop {
            let page = file.after(offset, PAGE)?;
            let Some(last) = page.last() else { return Ok(Some(offset)) };
            offset = last.end();
            let fitting: Vec<&HistoryLine> = page.iter().filter(|line| self.filter.fits(line)).collect();
            if self.print(&fitting)? == Wrote::PipeClosed {
                return Ok(None);
            }
        }
    }

    /// Prints the last matching lines, read from the end of the file.
    fn last(&self, file: &History, count: usize) -> Result<Option<u64>, CliError> {
        let end = file.tail(1)?.last().map_or(0, HistoryLine::end);
        let (mut offset, mut found) = (end, Vec::new());
        while found.len() < count {
            let page = file.before(offset, PAGE)?;
            let Some(first) = page.first() else { break };
            offset = first.offset();
            let too_old = self.filter.is_before(first);
            found.extend(page.into_iter().rev().filter(|line| self.filter.fits(line)).take(count - found.len()));
            if too_old {
                break;
            }
        }
        found.reverse();
        let found: Vec<&HistoryLine> = found.iter().collect();
        Ok((self.print(&found)? == Wrote::All).then_some(end))
    }

    async fn follow(&self, file: History, offset: u64, interrupt: &Interrupt) -> Result<Exit, CliError> {
        let mut follower = file.follow(offset);
        let reader = StdoutWatch::watch();
        loop {
            // All branches are cancel safe: the follower keeps its offset until it returns a batch.
            let batch = tokio::select! {
                batch = follower.next_batch() => batch?,
                () = interrupt.wait() => return Err(CliError::Interrupted),
                () = reader.gone() => return Ok(Exit::Done),
            };
            let fitting: Vec<&HistoryLine> = batch.iter().filter(|line| self.filter.fits(line)).collect();
            if self.print(&fitting)? == Wrote::PipeClosed {
                return Ok(Exit::Done);
            }
        }
    }

    fn print(&self, lines: &[&HistoryLine]) -> Result<Wrote, CliError> {
        let mut out = Vec::with_capacity(lines.len() * 80);
        for line in lines {
            if self.style.json {
                object(line, &mut out);
            } else {
                out.extend_from_slice(self.style.safe(&visible(line.raw())).as_bytes());
                out.push(b'\n');
            }
        }
        output::print(&out)
    }
}

/// Shows control characters as pictures: a file of the original has them as they were sent. Line breaks and tabs stay.
fn visible(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if hidden(c) { display::push_visible(&mut shown, c) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

fn object(line: &HistoryLine, out: &mut Vec<u8>) {
    let (sender, text) = (line.sender().map(visible), line.text());
    let (sender, text) = (sender.as_deref(), visible(&text));
    let at = said_at(line).and_then(|at| at.to_zoned(TimeZone::system()).ok()).map(|at| rfc3339(at.timestamp()));
    JsonObject::new(ObjectKind::Message {
        nick: sender,
        looks_like: None,
        text: sender.is_some().then_some(&text),
        line: sender.is_none().then_some(&text),
        at,
        seq: None,
        stream: None,
    })
    .write_to(out);
}

/// The lines to print. History files store local time to the minute.
struct Filter {
    since: Option<DateTime>,
    until: Option<DateTime>,
    grep: Option<Regex>,
}

impl Filter {
    fn new(args: &HistoryArgs) -> Result<Self, CliError> {
        let time = |name: &str, text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => local_minute(text)
                .map(Some)
                .map_err(|error| CliError::Usage(format!("{name} {text:?}: {error}").into())),
        };
        Ok(Self {
            since: time("--since", &args.since)?,
            until: time("--until", &args.until)?,
            grep: args.grep.as_deref().map(message_filter::regex).transpose()?,
        })
    }

    fn fits(&self, line: &HistoryLine) -> bool {
        // The original may end with a stamp and nothing behind it.
        if line.at().is_some() && line.body().trim().is_empty() {
            return false;
        }
        let in_time = match said_at(line) {
            Some(at) => self.since.is_none_or(|since| at >= since) && self.until.is_none_or(|until| at < until),
            // A line without a stamp has no known time, so it is shown only without a time filter.
            None => self.since.is_none() && self.until.is_none(),
        };
        in_time && self.grep.as_ref().is_none_or(|grep| grep.is_match(line.raw()))
    }

    /// Returns whether everything before this line is too old as well.
    fn is_before(&self, line: &HistoryLine) -> bool {
        matches!((said_at(line), self.since), (Some(at), Some(since)) if at < since)
    }
}

/// Returns the time of a line.
fn said_at(line: &HistoryLine) -> Option<DateTime> {
    let LocalMinute { year, month, day, hour, minute, .. } = line.at()?;
    DateTime::new(year, month, day, hour, minute, 0, 0).ok()
}

fn local_minute(text: &str) -> Result<DateTime, time::TimeError> {
    let zone = TimeZone::system();
    let time = time::time(text, Timestamp::now(), &zone)?;
    let local = time.to_zoned(zone).datetime();
    Ok(local.date().at(local.hour(), local.minute(), 0, 0))
}
