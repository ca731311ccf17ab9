//! One simulated listener: records a history, is killed at any instant, sometimes with a power failure that truncates
//! the file, and resumes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chat_client::{Listener, ListenerEvent, Position, Recorder, Resume, StreamId};
use fastrand::Rng;

use super::network::{SimDialer, SimNetwork};
use super::writers::copy;
use crate::rig::ledger::{Ledger, Reporter, gap_line};
use crate::rig::timeouts::{LISTENER_ANSWER_TIMEOUT, client_config};

/// A listener of the simulation.
pub(super) struct SimListener {
    pub(super) number: usize,
    pub(super) stream: StreamId,
    pub(super) dir: PathBuf,
    pub(super) rng: Rng,
}

/// Runs the listener without end: the first `kills` lifetimes are short. The caller drops the future.
pub(super) async fn run(
    mut listener: SimListener,
    network: Arc<SimNetwork>,
    ledger: Arc<Ledger>,
    kills: usize,
) -> anyhow::Result<()> {
    for lifetime in 0.. {
        let history = path(&listener.dir, listener.number, lifetime);
        let mut recorder = Recorder::open(&history)?;
        {
            let mut state = ledger.lock();
            state.restarts[listener.number] = lifetime;
            state.listeners[listener.number] = recorder.position().map_or(0, |position| position.seq);
        }
        let (dialer, end) = SimDialer::new(&network, listener.rng.u64(..));
        let mut config = client_config(0, listener.rng.u64(..));
        config.answer_timeout = LISTENER_ANSWER_TIMEOUT;
        config.resume = recorder.resume(Resume::after(Position { stream: listener.stream.clone(), seq: 0 }));
        let mut service = Listener::builder(config).dial(dialer).start();
        let span = if lifetime < kills { Duration::from_millis(listener.rng.u64(1..900)) } else { Duration::MAX };
        let _ = tokio::time::timeout(span, record(&mut service, &mut recorder, listener.number, &ledger)).await;
        end.send_replace(false);
        let next = path(&listener.dir, listener.number, lifetime + 1);
        copy(&history, &next)?;
        copy(&cursor(&history), &cursor(&next))?;
        if listener.rng.u8(..3) == 0 {
            truncate_unsynced(&next, &mut listener.rng)?;
        }
    }
    Ok(())
}

async fn record(
    listener: &mut Listener,
    recorder: &mut Recorder,
    number: usize,
    ledger: &Ledger,
) -> anyhow::Result<()> {
    let mut events = Vec::new();
    loop {
        events.clear();
        if listener.next_batch(&mut events).await == 0 {
            ledger.lock().report_unexpected(format!("the service of listener {number} ended"));
            return std::future::pending().await;
        }
        for event in &events {
            if let ListenerEvent::Gap(gap) = event {
                ledger.record(Reporter::Listener(number), &gap_line(gap));
            }
        }
        recorder.record_events(&events)?;
        if let Some(position) = recorder.position() {
            ledger.record(Reporter::Listener(number), &format!("at {}", position.seq));
        }
    }
}

/// Truncates a history as a power failure may, but not below the length in its cursor: those bytes were synced before
/// the cursor was written.
fn truncate_unsynced(history: &Path, rng: &mut Rng) -> anyhow::Result<()> {
    let Ok(file) = std::fs::OpenOptions::new().write(true).open(history) else { return Ok(()) };
    let synced = std::fs::read_to_string(cursor(history)).ok().and_then(|cursor| {
        let (_, rest) = cursor.split_once("\"length\":")?;
        rest.split(',').next()?.parse().ok()
    });
    let length = file.metadata()?.len();
    // Without a cursor the synced length is unknown.
    let Some(synced) = synced else { return Ok(()) };
    file.set_len(length.saturating_sub(rng.u64(0..150)).max(synced))?;
    Ok(())
}

/// Returns the history file of one lifetime.
pub(super) fn path(dir: &Path, number: usize, lifetime: usize) -> PathBuf {
    dir.join(format!("history-{number}-{lifetime}.txt"))
}

fn cursor(history: &Path) -> PathBuf {
    history.with_extension("txt.cursor")
}
