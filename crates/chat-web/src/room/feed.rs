//! The one listener of the gateway, and what it heard.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chat_client::{
    ClientConfig, ConnectionState, Listener, ListenerCounters, ListenerEvent, ListenerHandle, Position, Resume,
    StreamId,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::encode::Encoder;
use super::ring::RecentRing;
use crate::dialler::{Dialler, ForWhom};

/// How many objects are kept: twice what a page shows, so that a page that returns usually finds its place.
const RING_ITEMS: usize = 4_096;

/// The same in bytes: as the log of the server.
const RING_BYTES: usize = 4 * 1024 * 1024;

/// How many messages a start asks the room for. What a page shows at first, several times over.
const REPLAY: u64 = 1_000;

/// How long to wait after the room refused for good, for example with a certificate that is not trusted. An operator
/// repairs that, and the pages should not need another start of the gateway.
const AFTER_CLOSED: Duration = Duration::from_secs(30);

/// The room as all pages share it. Clones share one listener.
#[derive(Clone, Debug)]
pub(crate) struct RoomFeed {
    shared: Arc<SharedFeed>,
    /// Ends the listener with the last clone.
    _task: Arc<AbortOnDrop>,
}

#[derive(Debug)]
struct SharedFeed {
    ring: Mutex<RecentRing>,
    /// The index of the next item.
    grown: watch::Sender<u64>,
    /// Whether the room numbers its messages; `None` while the ring lacks what the room has.
    numbered: watch::Sender<Option<bool>>,
    state: watch::Sender<ConnectionState>,
    handle: Mutex<Option<ListenerHandle>>,
}

#[derive(Debug)]
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl RoomFeed {
    /// Starts the listener. `own` is the stream of messages that the room does not number.
    pub(crate) fn start(config: ClientConfig, dialler: Dialler, own: StreamId) -> Self {
        let shared = Arc::new(SharedFeed {
            ring: Mutex::new(RecentRing::new(RING_ITEMS, RING_BYTES)),
            grown: watch::Sender::new(0),
            numbered: watch::Sender::new(None),
            state: watch::Sender::new(ConnectionState::Connecting { attempt: 1 }),
            handle: Mutex::new(None),
        });
        let _task = Arc::new(AbortOnDrop(tokio::spawn(run(shared.clone(), config, dialler, own))));
        Self { shared, _task }
    }

    /// Returns the ring. Hold it for a moment only.
    pub(crate) fn ring(&self) -> MutexGuard<'_, RecentRing> {
        self.shared.ring()
    }

    /// Returns the index of the next item, for watching.
    pub(crate) fn grown(&self) -> watch::Receiver<u64> {
        self.shared.grown.subscribe()
    }

    /// Returns whether the room numbers its messages, for watching; `None` until the ring has what the room has.
    pub(crate) fn numbered(&self) -> watch::Receiver<Option<bool>> {
        self.shared.numbered.subscribe()
    }

    /// Returns the state of the connection, for watching.
    pub(crate) fn state(&self) -> watch::Receiver<ConnectionState> {
        self.shared.state.subscribe()
    }

    /// Ends a wait for the next attempt.
    pub(crate) fn retry_now(&self) {
        if let Some(handle) = &*lock(&self.shared.handle) {
            handle.retry_now();
        }
    }

    /// Returns what the listener has done so far.
    pub(crate) fn counters(&self) -> ListenerCounters {
        lock(&self.shared.handle).as_ref().map(ListenerHandle::counters).unwrap_or_default()
    }
}

impl SharedFeed {
    fn ring(&self) -> MutexGuard<'_, RecentRing> {
        lock(&self.ring)
    }
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn run(shared: Arc<SharedFeed>, mut config: ClientConfig, dialler: Dialler, own: StreamId) {
    let mut encoder = Encoder::new(own);
    config.resume = Resume::Last(REPLAY);
    loop {
        let listener = Listener::builder(config.clone()).dial(dialler.dial(ForWhom::Gateway)).start();
        *lock(&shared.handle) = Some(listener.handle());
        let state = listener.state();
        tokio::join!(hear(&shared, listener, &mut encoder), forward_state(&shared, state));
        let newest: Option<Position> = shared.ring().newest().cloned();
        if let Some(position) = newest.filter(|_| *shared.numbered.borrow() == Some(true)) {
            config.resume = Resume::after(position);
        }
        sleep(AFTER_CLOSED).await;
    }
}

/// Puts what the listener hears into the ring until it ends.
async fn hear(shared: &SharedFeed, mut listener: Listener, encoder: &mut Encoder) {
    let mut numbered = listener.numbered();
    let mut events = Vec::new();
    loop {
        // Both futures can be dropped without loss.
        tokio::select! {
            count = listener.next_batch(&mut events) => {
                if count == 0 {
                    return;
                }
                let mut caught_up = false;
                let end = {
                    let mut ring = shared.ring();
                    for event in events.drain(..) {
                        match event {
                            ListenerEvent::Joined(position) => ring.begin_after(position),
                            ListenerEvent::CaughtUp(_) => caught_up = true,
                            event => encoder.event(event).into_iter().for_each(|item| ring.push(item)),
                        }
                    }
                    ring.end()
                };
                shared.grown.send_replace(end);
                if caught_up {
                    shared.numbered.send_replace(Some(true));
                }
            }
            Ok(()) = numbered.changed() => {
                if *numbered.borrow_and_update() == Some(false) {
                    shared.numbered.send_replace(Some(false));
                }
            }
        }
    }
}

async fn forward_state(shared: &SharedFeed, mut state: watch::Receiver<ConnectionState>) {
    loop {
        let now = state.borrow_and_update().clone();
        let is_closed = now.is_closed();
        shared.state.send_replace(now);
        if is_closed || state.changed().await.is_err() {
            return;
        }
    }
}
