//! Chooses the node of each attempt: a random order, and the next one each time.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::config::Side;
use crate::net::dial::{Dial, DialFuture};

/// Dials the nodes of another dialler in turn. The order is random and not only the start: otherwise all clients of a node
/// that dies would go to the same next one.
pub(crate) struct DialInTurn<D> {
    inner: D,
    order: Vec<usize>,
    next: AtomicUsize,
}

impl<D: Dial> DialInTurn<D> {
    pub(crate) fn new(inner: D, seed: Option<u64>) -> Self {
        let order = order(inner.nodes(), seed);
        Self { inner, order, next: AtomicUsize::new(0) }
    }
}

impl<D: Dial> Dial for DialInTurn<D> {
    fn dial(&self, side: Side) -> DialFuture<'_> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.inner.dial_node(self.order[turn % self.order.len()], side)
    }

    fn nodes(&self) -> usize {
        self.order.len()
    }
}

/// Returns the nodes in a random order.
fn order(nodes: usize, seed: Option<u64>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..nodes.max(1)).collect();
    // One node takes nothing from the system's source, so that a simulation replays.
    if nodes > 1 {
        seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed).shuffle(&mut order);
    }
    order
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;

    use super::*;
    use crate::net::error::ConnectError;

    /// Notes the nodes and connects to none.
    struct Notes(usize, Arc<Mutex<Vec<usize>>>);

    impl Dial for Notes {
        fn dial(&self, _: Side) -> DialFuture<'_> {
            Box::pin(async { Err(ConnectError::NoGreeting) })
        }

        fn nodes(&self) -> usize {
            self.0
        }

        fn dial_node(&self, node: usize, side: Side) -> DialFuture<'_> {
            self.1.lock().unwrap().push(node);
            self.dial(side)
        }
    }

    fn dialled(nodes: usize, seed: u64, times: usize) -> Vec<usize> {
        let noted = Arc::default();
        let dial = DialInTurn::new(Notes(nodes, Arc::clone(&noted)), Some(seed));
        for _ in 0..times {
            drop(dial.dial(Side::Listen));
        }
        noted.lock().unwrap().clone()
    }

    proptest! {
        #[test]
        fn each_round_has_every_node(nodes in 1usize..9, seed: u64, rounds in 1usize..4) {
            let dialled = dialled(nodes, seed, nodes * rounds);
            // Any run of as many attempts as there are nodes.
            for window in dialled.windows(nodes) {
                let mut window = window.to_vec();
                window.sort_unstable();
                prop_assert_eq!(window, (0..nodes).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn spreads_starts_and_successors() {
        let mut pairs = [[0; 3]; 3];
        for seed in 0..6000 {
            let dialled = dialled(3, seed, 2);
            pairs[dialled[0]][dialled[1]] += 1;
        }
        for (first, seconds) in pairs.iter().enumerate() {
            for (second, count) in seconds.iter().enumerate() {
                assert_eq!(first == second, *count == 0, "{pairs:?}");
                assert!(first == second || (850..1150).contains(count), "{pairs:?}");
            }
        }
    }
}
