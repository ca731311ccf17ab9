//! The lives of one simulated listener: it writes its history, dies at any instant, sometimes with a power failure
//! that takes the file's last bytes, and goes on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chat_client::{Listener, ListenerEvent, Position, Recorder, Resume, StreamId};
use fastrand::Rng;

use super::net::{Net, Way};
use super::writers::copy;
use crate::rig::ledger::{Ledger, Who};
use crate::rig::patience::{LISTENER_ANSWER, impatient};

/// What a listener is.
pub(super) struct Ear {
    pub(super) number: usize,
    pub(super) stream: StreamId,
    pub(super) dir: PathBuf,
    pub(super) rng: Rng,
}

/// Lives for ever; the first `deaths` lives are short. It is ended from outside.
pub(super) async fn live(mut ear: Ear, net: Arc<Net>, ledger: Arc<Ledger>, deaths: usize) -> anyhow::Result<()> {
    for life in 0.. {
        let history = path(&ear.dir, ear.number, life);
        let mut recorder = Recorder::open(&history)?;
        {
            let mut state = ledger.lock();
            state.lives[ear.number] = life;
            state.listeners[ear.number] = recorder.position().map_or(0, |position| position.seq);
        }
        let (way, end) = Way::new(&net, ear.rng.u64(..));
        let mut config = impatient(0, ear.rng.u64(..));
        config.answer_timeout = LISTENER_ANSWER;
        config.resume = recorder.resume(Resume::After(Position { stream: ear.stream.clone(), seq: 0 }));
        let mut listener = Listener::start_with(config, way);
        let span = if life < deaths { Duration::from_millis(ear.rng.u64(1..900)) } else { Duration::MAX };
        let _ = tokio::time::timeout(span, hear(&mut listener, &mut recorder, ear.number, &ledger)).await;
        end.send_replace(false);
        let next = path(&ear.dir, ear.number, life + 1);
        copy(&history, &next)?;
        copy(&cursor(&history), &cursor(&next))?;
        if ear.rng.u8(..3) == 0 {
            lose_power(&next, &mut ear.rng)?;
        }
    }
    Ok(())
}

async fn hear(listener: &mut Listener, recorder: &mut Recorder, number: usize, ledger: &Ledger) -> anyhow::Result<()> {
    let mut events = Vec::new();
    loop {
        events.clear();
        if listener.next_batch(&mut events).await == 0 {
            ledger.lock().odd(format!("listener {number} ended"));
            return std::future::pending().await;
        }
        for event in &events {
            if let ListenerEvent::Gap(gap) = event {
                ledger.take(Who::Listener(number), &format!("gap {gap}"));
            }
        }
        recorder.record_events(&events)?;
        if let Some(position) = recorder.position() {
            ledger.take(Who::Listener(number), &format!("at {}", position.seq));
        }
    }
}

/// Takes the last bytes of a history, but none that its cursor counts: those were synced before.
fn lose_power(history: &Path, rng: &mut Rng) -> anyhow::Result<()> {
    let Ok(file) = std::fs::OpenOptions::new().write(true).open(history) else { return Ok(()) };
    let synced = std::fs::read_to_string(cursor(history)).ok().and_then(|cursor| {
        let (_, rest) = cursor.split_once("\"length\":")?;
        rest.split(',').next()?.parse().ok()
    });
    let length = file.metadata()?.len();
    // Without a cursor nothing is known, and nothing was promised.
    let Some(synced) = synced else { return Ok(()) };
    file.set_len(length.saturating_sub(rng.u64(0..150)).max(synced))?;
    Ok(())
}

/// Where a life writes.
pub(super) fn path(dir: &Path, number: usize, life: usize) -> PathBuf {
    dir.join(format!("history-{number}-{life}.txt"))
}

fn cursor(history: &Path) -> PathBuf {
    history.with_extension("txt.cursor")
}
