//! Looks up the addresses of a host, and orders them so that none is favoured.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash as _, Hasher as _};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

/// The future of [`Resolve::lookup`].
pub(crate) type LookupFuture<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;

/// Looks up the addresses of a host.
pub(crate) trait Resolve: fmt::Debug + Send + Sync {
    fn lookup<'a>(&'a self, host: &'a str, port: u16) -> LookupFuture<'a>;
}

/// The resolver of the system.
#[derive(Debug)]
pub(crate) struct SystemResolver;

impl Resolve for SystemResolver {
    fn lookup<'a>(&'a self, host: &'a str, port: u16) -> LookupFuture<'a> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// Orders the addresses of a host: within a family by chance, which `seed` decides, since each may be another node of the
/// room; the families alternate, starting with the one that the resolver put first. The address behind `last`, where the
/// connection before was made, comes first.
pub(crate) fn in_turn(addresses: Vec<SocketAddr>, seed: u64, last: Option<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut one, mut other): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|a| a.is_ipv6() == first_is_v6);
    for family in [&mut one, &mut other] {
        // The same order each time, however the resolver rotates: all addresses have their turn.
        family.sort_by_cached_key(|address| (chance(seed, address), *address));
        family.dedup();
    }
    let mut mixed = Vec::with_capacity(one.len() + other.len());
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    loop {
        let pair = [one.next(), other.next()];
        if pair == [None, None] {
            break;
        }
        mixed.extend(pair.into_iter().flatten());
    }
    if let Some(place) = last.and_then(|last| mixed.iter().position(|address| *address == last)) {
        let length = mixed.len();
        mixed.rotate_left((place + 1) % length);
    }
    mixed
}

fn chance(seed: u64, address: &SocketAddr) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, address).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn addresses(of: &[u8]) -> Vec<SocketAddr> {
        of.iter().map(|n| SocketAddr::from(([10, 0, 0, *n], 5000))).collect()
    }

    #[test]
    fn alternates_address_families() {
        let all: Vec<SocketAddr> =
            ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"].iter().map(|a| a.parse().unwrap()).collect();
        let v6: Vec<bool> = in_turn(all, 7, None).iter().map(SocketAddr::is_ipv6).collect();
        assert_eq!(v6, [true, false, true, true]);
        assert_eq!(in_turn(Vec::new(), 7, None), []);
    }

    #[test]
    fn clients_begin_everywhere() {
        let mut begun = [0; 3];
        for seed in 0..3000 {
            let SocketAddr::V4(first) = in_turn(addresses(&[0, 1, 2]), seed, None)[0] else { panic!("IPv4") };
            begun[usize::from(first.ip().octets()[3])] += 1;
        }
        assert!(begun.iter().all(|count| (850..1150).contains(count)), "{begun:?}");
    }

    proptest! {
        #[test]
        fn each_address_has_its_turn(of in prop::collection::vec(0u8..20, 1..12), seed: u64, turns: [u64; 20]) {
            let all: BTreeSet<SocketAddr> = addresses(&of).into_iter().collect();
            let mut last = None;
            let mut used = Vec::new();
            for turn in turns.iter().take(all.len()) {
                // A resolver that rotates its answers, and repeats some.
                let mut answer = addresses(&of);
                let by = usize::try_from(*turn % answer.len() as u64).unwrap();
                answer.rotate_left(by);
                let order = in_turn(answer, seed, last);
                prop_assert_eq!(order.iter().copied().collect::<BTreeSet<_>>(), all.clone(), "each is tried");
                prop_assert_eq!(order.len(), all.len());
                last = Some(order[0]);
                used.push(order[0]);
            }
            prop_assert_eq!(used.into_iter().collect::<BTreeSet<_>>(), all);
        }
    }
}
