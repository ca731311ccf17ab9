//! The turns of sessions that read the journal: listeners read pages, and writers their accounts. A few reads are made at
//! the same time, in rotation by address, so that one host with a thousand connections delays another by a few reads; and
//! each address has a rate of pages.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use crate::limits::{PAGE_RATE, READS_AT_ONCE, Rate};
use crate::rate::Bucket;

/// How many addresses are remembered before the buckets that are empty again are dropped.
const REMEMBERED: usize = 16_384;

/// The turns of all sessions of a server for one kind of reads.
#[derive(Debug)]
pub(super) struct ReadTurns {
    state: Arc<Mutex<TurnState>>,
    rate: Option<Rate>,
}

impl Default for ReadTurns {
    /// Those of listeners.
    fn default() -> Self {
        Self { state: Arc::default(), rate: Some(PAGE_RATE) }
    }
}

#[derive(Debug, Default)]
struct TurnState {
    running: usize,
    /// Addresses with waiting listeners, in the order of their turns.
    rotation: VecDeque<IpAddr>,
    waiting: HashMap<IpAddr, VecDeque<oneshot::Sender<ReadTurn>>>,
    rates: HashMap<IpAddr, Bucket>,
}

/// The permission to read one page, passed on when dropped.
#[derive(Debug)]
pub(super) struct ReadTurn {
    /// `None` for a turn that has been passed on.
    state: Option<Arc<Mutex<TurnState>>>,
}

impl ReadTurns {
    /// Creates turns without a rate, for reads that cost little: a gateway logs in all its users from one address.
    pub(super) fn without_rate() -> Self {
        Self { rate: None, ..Self::default() }
    }

    /// Waits for the rate of the address, and then for its turn.
    ///
    /// # Cancel safety
    /// If the future is dropped, the turn goes to the next listener; a page that was taken from the rate stays taken.
    pub(super) async fn acquire(&self, peer: IpAddr) -> ReadTurn {
        let peer = host(peer);
        loop {
            // A separate statement, so that the lock is not held while waiting.
            let taken = self.rate.map_or(Ok(()), |rate| self.lock().take(rate, peer, Instant::now()));
            match taken {
                Ok(()) => break,
                Err(wait) => sleep(wait).await,
            }
        }
        let turn = {
            let mut state = self.lock();
            if state.running < READS_AT_ONCE {
                state.running += 1;
                return ReadTurn { state: Some(Arc::clone(&self.state)) };
            }
            let (to, turn) = oneshot::channel();
            let waiting = state.waiting.entry(peer).or_default();
            let is_first = waiting.is_empty();
            if waiting.len() == waiting.capacity() {
                // It must not grow for those who are gone.
                waiting.retain(|one| !one.is_closed());
            }
            waiting.push_back(to);
            if is_first {
                state.rotation.push_back(peer);
            }
            turn
        };
        // The sender is dropped only after its turn, so the error cannot happen.
        turn.await.unwrap_or(ReadTurn { state: None })
    }

    fn lock(&self) -> MutexGuard<'_, TurnState> {
        lock(&self.state)
    }
}

/// Locks the state. It is held for a few operations in memory, never across an await.
fn lock(state: &Mutex<TurnState>) -> MutexGuard<'_, TurnState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TurnState {
    /// Takes a page from the rate of an address.
    fn take(&mut self, rate: Rate, peer: IpAddr, now: Instant) -> Result<(), std::time::Duration> {
        if peer.is_loopback() {
            return Ok(());
        }
        let now = now.into_std();
        if self.rates.len() >= REMEMBERED {
            self.rates.retain(|_, bucket| !bucket.is_empty(now));
        }
        self.rates.entry(peer).or_default().take(rate, now)
    }

    /// Removes the listener whose turn is next: the first one of the address that waits longest.
    fn next(&mut self) -> Option<oneshot::Sender<ReadTurn>> {
        let peer = self.rotation.pop_front()?;
        let waiting = self.waiting.get_mut(&peer)?;
        let next = waiting.pop_front();
        if waiting.is_empty() {
            self.waiting.remove(&peer);
        } else {
            self.rotation.push_back(peer);
        }
        next
    }
}

impl Drop for ReadTurn {
    fn drop(&mut self) {
        let Some(shared) = self.state.take() else { return };
        let mut turn = ReadTurn { state: Some(Arc::clone(&shared)) };
        loop {
            let next = {
                let mut state = lock(&shared);
                let next = state.next();
                // Under the same lock, so that no listener queues in between and finds no turn to wait for.
                if next.is_none() {
                    state.running -= 1;
                }
                next
            };
            let Some(next) = next else { break };
            // A listener that is gone returns the turn. It must not be dropped here, which would pass it on twice.
            match next.send(turn) {
                Ok(()) => return,
                Err(returned) => turn = returned,
            }
        }
        turn.state = None;
    }
}

/// Returns the address under which a host takes its turns: one host has a whole /64 of IPv6.
fn host(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(peer) if !peer.is_loopback() => Ipv6Addr::from_bits(peer.to_bits() & (!0 << 64)).into(),
        peer => peer,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn ip(address: &str) -> IpAddr {
        address.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn turns_rotate_between_addresses() {
        let turns = ReadTurns::default();
        let mut held = Vec::new();
        for _ in 0..READS_AT_ONCE {
            held.push(turns.acquire(ip("192.0.2.1")).await);
        }
        let mut flood: Vec<_> = (0..100).map(|_| Box::pin(turns.acquire(ip("192.0.2.1")))).collect();
        assert!(flood.iter_mut().all(|turn| turn.as_mut().now_or_never().is_none()));
        let mut other = Box::pin(turns.acquire(ip("198.51.100.7")));
        assert!(other.as_mut().now_or_never().is_none());
        // One page of the flood, then the other address.
        held.truncate(READS_AT_ONCE - 2);
        let served: Vec<_> = flood.iter_mut().filter_map(|turn| turn.as_mut().now_or_never()).collect();
        assert!(other.as_mut().now_or_never().is_some(), "it waits behind the flood");
        assert_eq!(served.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_wait_passes_its_turn_on() {
        let turns = ReadTurns::default();
        let mut held = Vec::new();
        for _ in 0..READS_AT_ONCE {
            held.push(turns.acquire(ip("127.0.0.1")).await);
        }
        let mut gone = Box::pin(turns.acquire(ip("127.0.0.1")));
        assert!(gone.as_mut().now_or_never().is_none());
        let mut last = Box::pin(turns.acquire(ip("127.0.0.1")));
        assert!(last.as_mut().now_or_never().is_none());
        drop(gone);
        held.pop();
        held.push(last.now_or_never().expect("its turn"));
        // A turn that was given and never taken is passed on too.
        let mut given = Box::pin(turns.acquire(ip("127.0.0.1")));
        assert!(given.as_mut().now_or_never().is_none());
        held.pop();
        drop(given);
        drop(held);
        assert_eq!(turns.lock().running, 0);
        assert!(turns.lock().waiting.is_empty() && turns.lock().rotation.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn dropped_waits_do_not_add_up() {
        let turns = ReadTurns::default();
        let mut held = Vec::new();
        for _ in 0..READS_AT_ONCE {
            held.push(turns.acquire(ip("127.0.0.1")).await);
        }
        for _ in 0..10_000 {
            assert!(turns.acquire(ip("127.0.0.1")).now_or_never().is_none());
        }
        assert!(turns.lock().waiting[&ip("127.0.0.1")].len() < 100);
        assert_eq!(turns.lock().rotation.len(), 1);
        let mut last = Box::pin(turns.acquire(ip("127.0.0.1")));
        assert!(last.as_mut().now_or_never().is_none());
        held.pop();
        assert!(last.now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn each_address_has_a_rate() {
        let turns = ReadTurns::default();
        for _ in 0..PAGE_RATE.burst {
            turns.acquire(ip("2001:db8::1")).await;
        }
        assert!(turns.acquire(ip("2001:db8::2")).now_or_never().is_none(), "the same host");
        assert!(turns.acquire(ip("2001:db8:0:1::1")).now_or_never().is_some());
        let before = Instant::now();
        turns.acquire(ip("2001:db8::1")).await;
        // In paused time this is the rate, not a measurement.
        assert_eq!(before.elapsed().as_millis(), 10);
    }
}
