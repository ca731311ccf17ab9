//! The end of a run: the whole log is read once without faults, the histories are read back from
//! their files, and the checker holds them against the ledger.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use chat_client::{History, Listener, ListenerEvent, Position, Resume, StreamId};

use super::ledger::State;
use super::patience::{GUARD, impatient};
use super::said;
use crate::checker::{Heard, Posted, Summary, Told, check};

/// What a message that nobody of ours can have written is called by.
const FOREIGN: &str = "of a stranger: ";

/// Reads the log from its beginning to `head`.
pub(crate) async fn read_log(
    address: SocketAddr,
    stream: &StreamId,
    head: u64,
    nicks: &[String],
) -> anyhow::Result<Heard> {
    let mut config = impatient(address.port(), 0);
    config.resume = Resume::After(Position { stream: stream.clone(), seq: 0 });
    let mut listener = Listener::start(config);
    let mut heard = Heard { name: "the log".into(), ..Heard::default() };
    let mut events = Vec::new();
    while heard.places.last() != Some(&head) {
        events.clear();
        let count = tokio::time::timeout(GUARD, listener.next_batch(&mut events)).await.context("the log hangs")?;
        ensure!(count > 0, "the log ended: {:?}", listener.state().borrow().cause());
        for event in events.drain(..) {
            let ListenerEvent::Message(message) = event else { bail!("the log has a gap: {event:?}") };
            let sender = message.sender.as_ref().map(|sender| sender.as_str());
            heard.texts.push(attributed(sender, message.text.to_string(), nicks));
            heard.places.push(message.position.context("a message without a place")?.seq);
        }
    }
    listener.close().await;
    Ok(heard)
}

/// Reads a history file back.
pub(crate) fn read_history(name: String, path: &Path, nicks: &[String]) -> anyhow::Result<Heard> {
    let history = History::open(path)?;
    let mut heard = Heard { name, ..Heard::default() };
    let mut offset = 0;
    loop {
        let lines = history.after(offset, 10_000)?;
        let Some(last) = lines.last() else { return Ok(heard) };
        offset = last.end();
        ensure!(last.is_finished(), "{} ends in a torn line", heard.name);
        heard.texts.extend(lines.iter().map(|line| attributed(line.sender(), line.text().into_owned(), nicks)));
    }
}

/// The text, if it is in the name of the writer that it says.
pub(crate) fn attributed(sender: Option<&str>, text: String, nicks: &[String]) -> String {
    let writer = text.split('-').next().and_then(|name| name.strip_prefix('w')?.parse::<usize>().ok());
    let nick = writer.and_then(|writer| nicks.get(writer)).map(String::as_str);
    if nick.is_some() && nick == sender { text } else { format!("{FOREIGN}{sender:?}: {text}") }
}

/// Holds everything against everything.
pub(crate) fn judge(seed: u64, state: &State, heard: &[Heard]) -> (Summary, Vec<String>) {
    let mut posted = Vec::new();
    let mut violations = state.oddities.clone();
    for (writer, typed) in state.writers.iter().enumerate() {
        for (number, told) in typed.told.iter().enumerate() {
            let text = said::text(seed, writer, number as u64);
            if told.is_none() {
                violations.push(format!("nothing was told of {:?}", said::id(writer, number as u64)));
            }
            posted.push(Posted { writer, text, told: told.unwrap_or(Told::Unconfirmed) });
        }
    }
    let (summary, found) = check(&posted, heard);
    violations.extend(found.iter().map(ToString::to_string));
    (summary, violations)
}
