//! Limits of connections and registrations, per address and in total.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::limits::{Limits, Rate};
use crate::live_limits::LiveLimits;
use crate::meters::{Meters, Port};
use crate::rate::Bucket;
use crate::rate_limited_log::RateLimitedLog;

/// The number of networks whose registrations are remembered before idle ones are dropped.
const REMEMBERED: usize = 8_192;

/// The limit of a larger network, as a multiple of the limit of one address. A provider assigns a /56 to a home and a
/// /48 to a server, which would count as 256 and 65,536 addresses; a /24 of IPv4 has 256. A provider itself has a /32, or
/// a /16 of IPv4.
const WIDER: [(Network, usize); 5] =
    [(Network::V6(56), 2), (Network::V6(48), 4), (Network::V6(32), 16), (Network::V4(24), 4), (Network::V4(16), 16)];

/// The part of all connections, and of the registrations of all addresses, that is reserved for networks with few of
/// them: one in eight.
const RESERVED_PART: usize = 8;

/// An address with fewer connections than this has few; a wider network has the multiple of its limit.
const FEW: usize = 4;

/// Counts connections and registrations per address.
#[derive(Debug)]
pub(crate) struct Admission {
    state: Mutex<AdmissionState>,
    limits: Arc<LiveLimits>,
    meters: Arc<Meters>,
}

#[derive(Debug, Default)]
struct AdmissionState {
    in_all: usize,
    open: HashMap<CountedNetwork, usize>,
    registrations: HashMap<CountedNetwork, Bucket>,
    registrations_in_all: Bucket,
}

/// A kind of network, by the length of its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Network {
    V4(u32),
    V6(u32),
}

/// A network for which connections are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CountedNetwork {
    prefix: IpAddr,
    network: Network,
}

/// The permission for one connection, returned when dropped.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    admission: Arc<Admission>,
    peer: IpAddr,
    port: Port,
}

impl Admission {
    pub(crate) fn new(limits: Arc<LiveLimits>, meters: Arc<Meters>) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), limits, meters })
    }

    /// Returns a permit, or `None` if a limit is reached.
    pub(crate) fn admit(self: &Arc<Self>, peer: IpAddr, port: Port) -> Option<ConnectionPermit> {
        let peer = peer.to_canonical();
        let permit = self.count(peer, port);
        if permit.is_none() {
            RateLimitedLog::ConnectionRefused.log_peer(peer);
        }
        permit
    }

    fn count(self: &Arc<Self>, peer: IpAddr, port: Port) -> Option<ConnectionPermit> {
        let limits = self.limits.load();
        let mut state = self.lock();
        if state.in_all >= limits.connections {
            self.meters.port(port).refused_in_all.one();
            return None;
        }
        // Local proxies and local users share the loopback address, so it counts only towards the total.
        if !peer.is_loopback() {
            let open = |network: &CountedNetwork| state.open.get(network).copied().unwrap_or_default();
            let has_many = networks(peer).any(|(network, times)| open(&network) >= FEW * times);
            if has_many && state.in_all >= limits.connections - limits.connections / RESERVED_PART {
                self.meters.port(port).refused_in_all.one();
                return None;
            }
            if networks(peer)
                .any(|(network, times)| open(&network) >= limits.connections_per_address.saturating_mul(times))
            {
                self.meters.port(port).refused_by_address.one();
                return None;
            }
            for (network, _) in networks(peer) {
                *state.open.entry(network).or_default() += 1;
            }
        }
        state.in_all += 1;
        self.meters.port(port).accepted.one();
        self.meters.port(port).open.up();
        Some(ConnectionPermit { admission: Arc::clone(self), peer, port })
    }

    fn lock(&self) -> MutexGuard<'_, AdmissionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectionPermit {
    /// Returns the address of the peer.
    pub(crate) fn peer(&self) -> IpAddr {
        self.peer
    }

    /// Takes one registration from the rates of the address, of its networks and of all. Returns false, and takes
    /// nothing, if one of them is used up.
    pub(crate) fn may_register(&self, now: Instant) -> bool {
        let limits = self.admission.limits.load();
        let mut state = self.admission.lock();
        let may = state.take_registration(&limits, self.peer, now);
        // Released before writing to the log.
        drop(state);
        if !may {
            RateLimitedLog::RegistrationRefused.log_peer(self.peer);
        }
        may
    }
}

impl AdmissionState {
    fn take_registration(&mut self, limits: &Limits, peer: IpAddr, now: Instant) -> bool {
        if self.registrations.len() >= REMEMBERED {
            self.registrations.retain(|_, bucket| !bucket.is_empty(now));
        }
        let wider = |rate: Rate, times: usize| {
            // At most 4, so the conversion cannot fail.
            let times = u32::try_from(times).unwrap_or(u32::MAX);
            Rate { per_second: rate.per_second * f64::from(times), burst: rate.burst.saturating_mul(times) }
        };
        if let Some(rate) = limits.registrations {
            let full = |(network, times): (CountedNetwork, usize)| {
                self.registrations.get(&network).is_some_and(|bucket| bucket.is_full(wider(rate, times), now))
            };
            if networks(peer).any(full) {
                return false;
            }
        }
        if let Some(rate) = limits.registrations_in_all
            && !self.take_registration_in_all(rate, peer, now)
        {
            return false;
        }
        if let Some(rate) = limits.registrations {
            for (network, times) in networks(peer) {
                // It has room, as was checked above.
                let _ = self.registrations.entry(network).or_default().take(wider(rate, times), now);
            }
        }
        true
    }

    /// Takes one registration from the rate of all addresses. Its last part is reserved for networks that have not
    /// registered lately.
    fn take_registration_in_all(&mut self, rate: Rate, peer: IpAddr, now: Instant) -> bool {
        let is_new =
            networks(peer).all(|(network, _)| self.registrations.get(&network).is_none_or(|known| known.is_empty(now)));
        let reserved = rate.burst / u32::try_from(RESERVED_PART).unwrap_or(u32::MAX);
        let open_to_all = Rate { burst: rate.burst - reserved, ..rate };
        if !is_new && self.registrations_in_all.is_full(open_to_all, now) {
            return false;
        }
        self.registrations_in_all.take(rate, now).is_ok()
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut state = self.admission.lock();
        state.in_all -= 1;
        self.admission.meters.port(self.port).open.down();
        if self.peer.is_loopback() {
            return;
        }
        for (network, _) in networks(self.peer) {
            if let Some(open) = state.open.get_mut(&network) {
                *open -= 1;
                if *open == 0 {
                    state.open.remove(&network);
                }
            }
        }
    }
}

/// Returns the narrowest network in which an address is counted.
pub(crate) fn own_network(peer: IpAddr) -> CountedNetwork {
    if peer.is_ipv4() { counted(peer, Network::V4(32)) } else { counted(peer, Network::V6(64)) }
}

fn counted(peer: IpAddr, network: Network) -> CountedNetwork {
    let prefix = match (peer, network) {
        (IpAddr::V4(peer), Network::V4(bits)) => Ipv4Addr::from_bits(peer.to_bits() & (!0 << (32 - bits))).into(),
        (IpAddr::V6(peer), Network::V6(bits)) => Ipv6Addr::from_bits(peer.to_bits() & (!0 << (128 - bits))).into(),
        _ => peer,
    };
    CountedNetwork { prefix, network }
}

/// Returns the networks in which an address is counted, the narrowest first, with the multiple of the limit for each.
/// One host has a whole /64 of IPv6.
fn networks(peer: IpAddr) -> impl Iterator<Item = (CountedNetwork, usize)> {
    let wider = WIDER.into_iter().filter(move |(network, _)| matches!(network, Network::V4(_)) == peer.is_ipv4());
    std::iter::once((own_network(peer), 1)).chain(wider.map(move |(network, times)| (counted(peer, network), times)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(in_all: usize, per_address: usize) -> Arc<Admission> {
        let limits = Limits {
            connections: in_all,
            connections_per_address: per_address,
            registrations: Some(Rate { per_second: 1.0, burst: 2 }),
            registrations_in_all: Some(Rate { per_second: 1.0, burst: 20 }),
            ..Limits::default()
        };
        Admission::new(LiveLimits::new(limits), Arc::default())
    }

    fn ip(address: &str) -> IpAddr {
        address.parse().unwrap()
    }

    #[test]
    fn limits_connections_of_one_address() {
        let admission = admission(10, 2);
        let first = admission.admit(ip("192.0.2.1"), Port::Listen).unwrap();
        let _second = admission.admit(ip("::ffff:192.0.2.1"), Port::Listen).unwrap();
        assert!(admission.admit(ip("192.0.2.1"), Port::Listen).is_none());
        assert!(admission.admit(ip("192.0.2.2"), Port::Listen).is_some());
        drop(first);
        assert!(admission.admit(ip("192.0.2.1"), Port::Listen).is_some());
        let meters = &admission.meters;
        assert_eq!((meters.listen.accepted.read(), meters.listen.refused_by_address.read()), (4, 1));
        assert_eq!((meters.listen.open.read(), meters.write.open.read()), (1, 0));
    }

    #[test]
    fn counts_a_64_as_one_and_loopback_in_total() {
        let admission = admission(4, 1);
        let _one = admission.admit(ip("2001:db8::1"), Port::Listen).unwrap();
        assert!(admission.admit(ip("2001:db8::2"), Port::Listen).is_none());
        let local: Vec<_> = (0..3).map(|_| admission.admit(ip("127.0.0.1"), Port::Listen).unwrap()).collect();
        assert!(admission.admit(ip("127.0.0.1"), Port::Listen).is_none());
        drop(local);
        assert_eq!(admission.lock().open.len(), 4, "the /64, /56, /48 and /32");
    }

    #[test]
    fn limits_one_host_with_many_networks() {
        let admission = admission(16_384, 1_024);
        let mut held = Vec::new();
        // A whole /48, as a rented server has.
        for network in 0..64 {
            for host in 0..1_024 {
                held.extend(admission.admit(ip(&format!("2001:db8:0:{network:x}::{host:x}")), Port::Listen));
            }
        }
        assert_eq!(held.len(), 2 * 1_024, "the limit of its /56");
        for network in 1..64 {
            for host in 0..1_024 {
                held.extend(admission.admit(ip(&format!("2001:db8:0:{network:x}00::{host:x}")), Port::Listen));
            }
        }
        assert_eq!(held.len(), 4 * 1_024, "the limit of its /48");
        drop(held);
        assert!(admission.lock().open.is_empty());
    }

    #[test]
    fn reserves_places_for_addresses_with_few() {
        let admission = admission(80, 1_000);
        let held: Vec<_> = (0..80).filter_map(|_| admission.admit(ip("192.0.2.1"), Port::Listen)).collect();
        assert_eq!(held.len(), 70);
        assert!(admission.admit(ip("198.51.100.7"), Port::Listen).is_some());
    }

    #[test]
    fn reserve_is_not_for_many_networks_of_one_host() {
        let admission = admission(800, 1_000);
        let mut held = Vec::new();
        // 800 addresses of one /48, each of which has few connections.
        for network in 0..800 {
            held.extend(admission.admit(ip(&format!("2001:db8:0:{network:x}::1")), Port::Listen));
        }
        assert_eq!(held.len(), 700);
        assert!(admission.admit(ip("2001:db9::1"), Port::Listen).is_some());
        assert!(admission.admit(ip("198.51.100.7"), Port::Listen).is_some());
    }

    #[test]
    fn registrations_leave_a_reserve_for_others() {
        let (admission, now) = (admission(400, 400), Instant::now());
        let permit = |address: &str| admission.admit(ip(address), Port::Write).unwrap();
        let permits: Vec<_> = (0..40).map(|network| permit(&format!("2001:db8:{network:x}::1"))).collect();
        // The first of each /48 and the second of some: 18 of 20, two are for networks that have not registered.
        let done = permits.iter().chain(&permits).filter(|permit| permit.may_register(now)).count();
        assert_eq!(done, 18);
        assert!(permit("198.51.100.7").may_register(now));
    }

    #[test]
    fn limits_registrations_at_all_levels() {
        let (admission, now) = (admission(40, 40), Instant::now());
        let permit = |address: &str| admission.admit(ip(address), Port::Write).unwrap();
        let (one, other) = (permit("127.0.0.1"), permit("192.0.2.1"));
        assert!(one.may_register(now) && one.may_register(now) && !one.may_register(now));
        assert!(other.may_register(now));
        // Two of each address, eight of its /24, twenty in total, two of them for networks that have not registered.
        let of = |network: u8| {
            let permits: Vec<_> = (2..30).map(|host| permit(&format!("198.51.{network}.{host}"))).collect();
            permits.iter().filter(|permit| permit.may_register(now)).count()
        };
        assert_eq!([of(1), of(2), of(3)], [8, 7, 0]);
        assert!(permit("203.0.113.1").may_register(now));
    }
}
