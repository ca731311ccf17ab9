//! The listener: received messages are recorded in the history first, and then shown.

use std::sync::Arc;
use std::time::Duration;

use chat_client::{ConnectionState, Listener, ListenerEvent};
use tokio::sync::mpsc::Sender;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::context::{ServiceContext, wait_for};
use super::history_sink::HistorySink;
use super::translate;
use crate::event::AppEvent;
use crate::link::{LinkError, LinkSide};

/// How often a failed write is retried, and a locked history is tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Listens until `closing` becomes true. `refusals` is notified when no server listens at the address.
pub(super) async fn run(
    shared: Arc<ServiceContext>,
    ready: watch::Receiver<bool>,
    refusals: Sender<()>,
    mut closing: watch::Receiver<bool>,
) {
    let opening = shared.clone();
    let Ok(sink) = tokio::task::spawn_blocking(move || HistorySink::open(&opening)).await else { return };
    let Some(mut sink) = listen(&shared, sink, ready, refusals, &mut closing).await else { return };
    let last = shared.clone();
    // The end of the program waits for this, so that no file is left half replaced.
    let closed = tokio::task::spawn_blocking(move || {
        sink.retry(&last);
        sink.close();
    });
    let _ = closed.await;
}

/// Returns the sink, unless the runtime is ending.
async fn listen(
    shared: &Arc<ServiceContext>,
    mut sink: HistorySink,
    ready: watch::Receiver<bool>,
    refusals: Sender<()>,
    closing: &mut watch::Receiver<bool>,
) -> Option<HistorySink> {
    // Both branches watch a value, so the dropped one loses nothing.
    tokio::select! {
        () = wait_for(ready) => {}
        _ = closing.wait_for(|closing| *closing) => return Some(sink),
    }
    let mut config = shared.config.clone();
    config.resume = sink.resume();
    let mut listener = Listener::builder(config).start();
    if let Ok(mut handle) = shared.listener.lock() {
        *handle = Some(listener.handle());
    }
    tokio::spawn(watch_listener(shared.clone(), listener.state(), refusals));
    let mut events = Vec::new();
    let mut log = None;
    // Events that the disk did not accept.
    let mut backlog = Vec::new();
    let mut again = tokio::time::interval(RETRY_INTERVAL);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        // All three can be dropped: a batch that was not returned stays with the listener.
        let retry = tokio::select! {
            _ = closing.wait_for(|closing| *closing) => break,
            count = listener.next_batch(&mut events), if backlog.is_empty() => {
                if count == 0 {
                    break;
                }
                false
            }
            _ = again.tick() => true,
        };
        let heard = if backlog.is_empty() { std::mem::take(&mut events) } else { std::mem::take(&mut backlog) };
        let working = shared.clone();
        let new_log =
            heard.iter().rev().find_map(ListenerEvent::log).filter(|found| log.as_ref() != Some(*found)).cloned();
        log = new_log.clone().or(log);
        let work = move || {
            if let Some(log) = new_log {
                working.note_log(&log);
            }
            if retry {
                sink.retry(&working);
            }
            let (incoming, rest) = sink.take(&working, heard);
            (sink, incoming, rest)
        };
        let (returned, incoming, rest) = tokio::task::spawn_blocking(work).await.ok()?;
        (sink, backlog) = (returned, rest);
        if !incoming.is_empty() {
            shared.send(AppEvent::Incoming(incoming)).await;
        }
    }
    listener.close().await;
    Some(sink)
}

async fn watch_listener(
    shared: Arc<ServiceContext>,
    mut state: watch::Receiver<ConnectionState>,
    refusals: Sender<()>,
) {
    loop {
        let now = translate::link_state(&state.borrow_and_update());
        if now.cause() == Some(&LinkError::ConnectionRefused) {
            // A full channel already contains an unanswered request.
            let _ = refusals.try_send(());
        }
        shared.send(AppEvent::Link(LinkSide::Listening, now)).await;
        if state.changed().await.is_err() {
            return;
        }
    }
}
