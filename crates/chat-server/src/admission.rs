//! Who may connect: how many in all, how many from one address, and how many accounts one address
//! may make. It knows no sockets.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::limits::{Limits, Rate};
use crate::meters::{Meters, Port};
use crate::notice::Notice;
use crate::rate::Bucket;

/// Addresses whose registrations are remembered before the idle ones are looked for.
const REMEMBERED: usize = 4_096;

/// Counts connections and registrations by address.
#[derive(Debug)]
pub(crate) struct Admission {
    state: Mutex<State>,
    in_all: usize,
    per_address: usize,
    registrations: Option<Rate>,
    meters: Arc<Meters>,
}

#[derive(Debug, Default)]
struct State {
    in_all: usize,
    open: HashMap<IpAddr, usize>,
    registrations: HashMap<IpAddr, Bucket>,
}

/// The right to one connection; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Admitted {
    admission: Arc<Admission>,
    peer: IpAddr,
    port: Port,
}

impl Admission {
    pub(crate) fn new(limits: &Limits, meters: Arc<Meters>) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            in_all: limits.connections,
            per_address: limits.connections_per_address,
            registrations: limits.registrations,
            meters,
        })
    }

    /// Lets a connection in unless there are too many.
    pub(crate) fn admit(self: &Arc<Self>, peer: IpAddr, port: Port) -> Option<Admitted> {
        let admitted = self.count(peer, port);
        if admitted.is_none() {
            Notice::ConnectionRefused.tell();
        }
        admitted
    }

    fn count(self: &Arc<Self>, peer: IpAddr, port: Port) -> Option<Admitted> {
        let peer = counted(peer);
        let mut state = self.lock();
        if state.in_all >= self.in_all {
            self.meters.refused_in_all.one();
            return None;
        }
        if !peer.is_loopback() {
            let open = state.open.entry(peer).or_default();
            if *open >= self.per_address {
                self.meters.refused_by_address.one();
                return None;
            }
            *open += 1;
        }
        state.in_all += 1;
        self.meters.port(port).accepted.one();
        self.meters.port(port).open.up();
        Some(Admitted { admission: Arc::clone(self), peer, port })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admitted {
    /// Whether this address may make one more account now.
    pub(crate) fn may_register(&self, now: Instant) -> bool {
        let Some(rate) = self.admission.registrations else { return true };
        let mut state = self.admission.lock();
        if state.registrations.len() >= REMEMBERED {
            state.registrations.retain(|_, bucket| !bucket.is_empty(now));
        }
        let may = state.registrations.entry(self.peer).or_default().take(rate, now).is_ok();
        drop(state);
        if !may {
            Notice::RegistrationRefused.tell();
        }
        may
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut state = self.admission.lock();
        state.in_all -= 1;
        self.admission.meters.port(self.port).open.down();
        if let Some(open) = state.open.get_mut(&self.peer) {
            *open -= 1;
            if *open == 0 {
                state.open.remove(&self.peer);
            }
        }
    }
}

/// The address that counts: a host has a whole /64 of IPv6 to itself.
fn counted(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(in_all: usize, per_address: usize) -> Arc<Admission> {
        let limits = Limits {
            connections: in_all,
            connections_per_address: per_address,
            registrations: Some(Rate { per_second: 1.0, burst: 2 }),
            ..Limits::default()
        };
        Admission::new(&limits, Arc::default())
    }

    fn ip(address: &str) -> IpAddr {
        address.parse().unwrap()
    }

    #[test]
    fn one_address_cannot_take_all_and_gets_back_what_it_returns() {
        let admission = admission(10, 2);
        let first = admission.admit(ip("192.0.2.1"), Port::Listen).unwrap();
        let _second = admission.admit(ip("::ffff:192.0.2.1"), Port::Listen).unwrap();
        assert!(admission.admit(ip("192.0.2.1"), Port::Listen).is_none());
        assert!(admission.admit(ip("192.0.2.2"), Port::Listen).is_some());
        drop(first);
        assert!(admission.admit(ip("192.0.2.1"), Port::Listen).is_some());
        let meters = &admission.meters;
        assert_eq!((meters.listen.accepted.read(), meters.refused_by_address.read()), (4, 1));
        assert_eq!((meters.listen.open.read(), meters.write.open.read()), (1, 0));
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_and_loopback_only_in_all() {
        let admission = admission(4, 1);
        let _one = admission.admit(ip("2001:db8::1"), Port::Listen).unwrap();
        assert!(admission.admit(ip("2001:db8::2"), Port::Listen).is_none());
        let _local: Vec<_> = (0..3).map(|_| admission.admit(ip("127.0.0.1"), Port::Listen).unwrap()).collect();
        assert!(admission.admit(ip("127.0.0.1"), Port::Listen).is_none());
        drop(_local);
        assert_eq!(admission.lock().open.len(), 1);
    }

    #[test]
    fn registrations_have_a_rate() {
        let (admission, now) = (admission(4, 4), Instant::now());
        let (one, other) = (
            admission.admit(ip("127.0.0.1"), Port::Listen).unwrap(),
            admission.admit(ip("192.0.2.1"), Port::Listen).unwrap(),
        );
        assert!(one.may_register(now) && one.may_register(now) && !one.may_register(now));
        assert!(other.may_register(now));
    }
}
