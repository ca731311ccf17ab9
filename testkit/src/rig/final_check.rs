//! The check at the end of a run: reads the whole log once without faults and all history files, and compares them
//! with the ledger.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use chat_client::{GapCause, History, Listener, ListenerEvent, Position, Resume, StreamId};

use super::ledger::State;
use super::post_text;
use super::timeouts::{GUARD, client_config};
use crate::checker::{DeliveryReport, ListenerLog, PostedMessage, Summary, check};

/// Prefix of a message that none of the writers can have posted.
const FOREIGN: &str = "foreign: ";

/// Reads the log from where it begins to `head`. A removed message stands in its place, with the text that it had.
///
/// # Errors
/// The log has a gap, ends early, or does not arrive in time.
pub(crate) async fn read_log(
    address: SocketAddr,
    stream: &StreamId,
    head: u64,
    nicks: &[Vec<String>],
    removals: &HashMap<u64, String>,
) -> anyhow::Result<ListenerLog> {
    let mut config = client_config(address.port(), 0);
    config.resume = Resume::after(Position { stream: stream.clone(), seq: 0 });
    let mut listener = Listener::builder(config).start();
    let mut log = ListenerLog { name: "the log".into(), ..ListenerLog::default() };
    let mut events = Vec::new();
    while log.seqs.last() != Some(&head) {
        events.clear();
        let count = tokio::time::timeout(GUARD, listener.next_batch(&mut events)).await.context("the log stalls")?;
        ensure!(count > 0, "the log ended: {:?}", listener.state().borrow().cause());
        for event in events.drain(..) {
            let message = match event {
                ListenerEvent::Message(message) => message,
                ListenerEvent::CaughtUp(_) => continue,
                ListenerEvent::Gap(gap) if gap.cause == GapCause::Expired && log.seqs.is_empty() => continue,
                ListenerEvent::Removed(removed) => {
                    let seq = removed.position.seq;
                    let text = removals.get(&seq).with_context(|| format!("message {seq} has gone, not removed"))?;
                    log.texts.push(text.clone());
                    log.removed.insert(text.clone());
                    log.seqs.push(seq);
                    continue;
                }
                event => bail!("the log has a gap: {event:?}"),
            };
            let sender = message.sender.as_ref().map(|sender| sender.as_str());
            log.texts.push(attributed_text(sender, message.text.to_string(), nicks));
            log.seqs.push(message.position.context("a message without a position")?.seq);
        }
    }
    listener.close().await;
    Ok(log)
}

/// Puts the confirmed messages that have expired before the log.
pub(crate) fn add_expired(seed: u64, state: &State, log: &mut ListenerLog) {
    let oldest = log.seqs.first().copied().unwrap_or(0);
    let mut expired = Vec::new();
    for (writer, record) in state.writers.iter().enumerate() {
        for (number, report) in record.reports.iter().enumerate() {
            match report {
                Some(DeliveryReport::Confirmed { seq: Some(seq) }) if *seq < oldest => {
                    expired.push((*seq, post_text::text(seed, writer, number as u64)));
                }
                _ => {}
            }
        }
    }
    expired.sort_unstable_by_key(|(seq, _)| *seq);
    // A listener may have got its tombstone, which has expired since.
    let removed = expired.iter().filter(|(seq, _)| state.removing.contains(seq));
    log.removed.extend(removed.map(|(_, text)| text.clone()));
    log.expired.extend(expired.iter().map(|(_, text)| text.clone()));
    let (seqs, texts): (Vec<_>, Vec<_>) = expired.into_iter().unzip();
    log.seqs.splice(..0, seqs);
    log.texts.splice(..0, texts);
}

/// Reads a history file.
///
/// # Errors
/// The file could not be read, or ends in a torn line.
pub(crate) fn read_history(name: String, path: &Path, nicks: &[Vec<String>]) -> anyhow::Result<ListenerLog> {
    let history = History::open(path)?;
    let mut log = ListenerLog { name, ..ListenerLog::default() };
    let mut offset = 0;
    loop {
        let lines = history.after(offset, 10_000)?;
        let Some(last) = lines.last() else { return Ok(log) };
        offset = last.end();
        ensure!(last.is_finished(), "{} ends in a torn line", log.name);
        log.texts.extend(lines.iter().map(|line| attributed_text(line.sender(), line.text().into_owned(), nicks)));
    }
}

/// Returns the text, marked as foreign unless its sender is a name of the writer that the text names.
pub(crate) fn attributed_text(sender: Option<&str>, text: String, nicks: &[Vec<String>]) -> String {
    let writer = text.split('-').next().and_then(|name| name.strip_prefix('w')?.parse::<usize>().ok());
    let names = writer.and_then(|writer| nicks.get(writer));
    let own = sender.is_some_and(|sender| names.is_some_and(|names| names.iter().any(|name| name == sender)));
    if own { text } else { format!("{FOREIGN}{sender:?}: {text}") }
}

/// Posts that have no order, because they were made at several nodes at once.
#[derive(Debug, Default)]
pub(crate) struct LoosePosts {
    /// A writer of the ledger.
    pub(crate) writer: Option<usize>,
    /// Texts that the ledger does not know, and that may be there once each.
    pub(crate) texts: Vec<String>,
}

/// Checks the ledger against all listeners. Returns the counts and every violation as text.
pub(crate) fn check_run(
    seed: u64,
    state: &State,
    listeners: &[ListenerLog],
    loose: &LoosePosts,
) -> (Summary, Vec<String>) {
    let mut posted = Vec::new();
    let mut violations = state.unexpected.clone();
    for (writer, record) in state.writers.iter().enumerate() {
        for (number, report) in record.reports.iter().enumerate() {
            let text = post_text::text(seed, writer, number as u64);
            if report.is_none() {
                violations.push(format!("no outcome was reported for {:?}", post_text::id(writer, number as u64)));
            }
            let sender = if loose.writer == Some(writer) { usize::MAX - number } else { writer };
            posted.push(PostedMessage { writer: sender, text, report: report.unwrap_or(DeliveryReport::Unconfirmed) });
        }
    }
    for (number, text) in loose.texts.iter().enumerate() {
        let writer = usize::MAX / 2 - number;
        posted.push(PostedMessage { writer, text: text.clone(), report: DeliveryReport::Unconfirmed });
    }
    if let Some(log) = listeners.first() {
        let texts = log.seqs.iter().zip(&log.texts);
        let kept = texts.filter(|(seq, text)| state.removed.contains(seq) && !log.removed.contains(*text));
        violations.extend(kept.map(|(seq, _)| format!("the confirmed removal of message {seq} was lost")));
    }
    let (summary, found) = check(&posted, listeners);
    violations.extend(found.iter().map(ToString::to_string));
    (summary, violations)
}
