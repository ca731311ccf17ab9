//! The listener process: records the log from its beginning into a history file, resumes after every kill, and reports
//! on standard output how far it has read.

use std::io::Write as _;
use std::time::Duration;

use anyhow::bail;
use chat_client::{HistoryError, Listener, ListenerEvent, Position, Recorder, Resume, StreamId};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::ledger::gap_line;
use super::options::ListenerRole;
use super::timeouts::{LISTENER_ANSWER_TIMEOUT, client_config_of};

/// Pause before a retry while the disk is too full for the history.
const DISK_PAUSE: Duration = Duration::from_millis(10);

/// Listens until it gets a line on standard input, until the rig closes the pipe, or until it is killed.
///
/// # Errors
/// The history could not be opened, or the listener's service ended.
pub async fn listen(role: ListenerRole) -> anyhow::Result<()> {
    let mut commands = BufReader::new(tokio::io::stdin()).lines();
    let mut recorder = loop {
        match Recorder::open(&role.history) {
            Ok(recorder) => break recorder,
            Err(error @ HistoryError::Locked(_)) => return Err(error.into()),
            Err(_) => tokio::time::sleep(DISK_PAUSE).await,
        }
    };
    let mut config = client_config_of(&role.port, role.seed);
    config.answer_timeout = LISTENER_ANSWER_TIMEOUT;
    let beginning = Position { stream: StreamId::new(&role.stream)?, seq: 0 };
    config.resume = recorder.resume(Resume::after(beginning));
    let mut listener = Listener::builder(config).start();
    let mut events = Vec::new();
    report(&recorder);
    loop {
        events.clear();
        // Both branches are cancel safe: an unfinished line stays in the buffer of `commands`, and `next_batch` takes
        // events only when it completes.
        tokio::select! {
            _ = commands.next_line() => break,
            count = listener.next_batch(&mut events) => if count == 0 {
                bail!("the listener ended: {:?}", listener.state().borrow().cause());
            },
        }
        for event in &events {
            if let ListenerEvent::Gap(gap) = event {
                println!("{}", gap_line(gap));
            }
        }
        record(&mut recorder, &events).await;
        report(&recorder);
    }
    recorder.close()?;
    Ok(())
}

/// Records events, retrying for as long as the disk is full.
async fn record(recorder: &mut Recorder, events: &[ListenerEvent]) {
    let mut result = recorder.record_events(events);
    while let Err(error) = result {
        tokio::time::sleep(DISK_PAUSE).await;
        result = match error {
            HistoryError::Backlog { .. } => recorder.record_events(events),
            _ => recorder.retry(),
        };
    }
}

fn report(recorder: &Recorder) {
    let mut out = std::io::stdout().lock();
    if let Some(position) = recorder.position() {
        let _ = writeln!(out, "at {}", position.seq).and_then(|()| out.flush());
    }
}
