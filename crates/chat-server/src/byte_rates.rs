//! How many bytes accounts and addresses may post. Counting messages does not keep one peer from filling the disk: a
//! message has up to 16 KiB, and an address can have many accounts.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::action::AccountId;
use crate::admission::{CountedNetwork, own_network};
use crate::limits::{Limits, Rate};
use crate::rate::{Bucket, LARGEST_DEBT};

/// What a message occupies in the store in addition to its text.
const MESSAGE_OVERHEAD: usize = 64;

/// The number of accounts, and of addresses, that are remembered before idle ones are dropped.
const REMEMBERED: usize = 8_192;

/// The bytes that were posted lately.
#[derive(Debug, Default)]
pub(crate) struct ByteRates(Mutex<ByteBuckets>);

#[derive(Debug, Default)]
struct ByteBuckets {
    accounts: HashMap<AccountId, Bucket>,
    addresses: HashMap<CountedNetwork, Bucket>,
}

impl ByteRates {
    /// Takes a post with `text` bytes from the rates of its account and its address. Loopback has no rate, because local
    /// proxies and local users share it.
    ///
    /// # Errors
    /// The time until the rates permit it; nothing was taken.
    pub(crate) fn take(
        &self,
        limits: &Limits,
        (account, peer): (AccountId, IpAddr),
        text: usize,
        now: Instant,
    ) -> Result<(), Duration> {
        self.charge(limits, (account, peer), text, now, Duration::ZERO).map(drop)
    }

    /// Takes a post even if the rates do not permit it. Returns for how long the connection must pause.
    ///
    /// # Errors
    /// Too much was taken in advance already.
    pub(crate) fn overdraw(
        &self,
        limits: &Limits,
        (account, peer): (AccountId, IpAddr),
        text: usize,
        now: Instant,
    ) -> Result<Option<Duration>, Duration> {
        self.charge(limits, (account, peer), text, now, LARGEST_DEBT)
    }

    fn charge(
        &self,
        limits: &Limits,
        (account, peer): (AccountId, IpAddr),
        text: usize,
        now: Instant,
        debt: Duration,
    ) -> Result<Option<Duration>, Duration> {
        let of_address = limits.address_bytes.filter(|_| !peer.to_canonical().is_loopback());
        // The usual case of a private server does not take the lock.
        if limits.post_bytes.is_none() && of_address.is_none() {
            return Ok(None);
        }
        let bytes = text + MESSAGE_OVERHEAD;
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ByteBuckets { accounts, addresses } = &mut *buckets;
        let of_account = limits.post_bytes.map(|rate| (rate, bucket(accounts, account, now)));
        let of_address = of_address.map(|rate| (rate, bucket(addresses, own_network(peer.to_canonical()), now)));
        charge_all([of_account, of_address].into_iter().flatten().collect(), bytes, now, debt)
    }
}

/// Takes from all buckets or from none.
fn charge_all(
    mut buckets: Vec<(Rate, &mut Bucket)>,
    bytes: usize,
    now: Instant,
    debt: Duration,
) -> Result<Option<Duration>, Duration> {
    let wait = buckets.iter().filter_map(|(rate, bucket)| bucket.wait(*rate, bytes, now)).max();
    match wait {
        Some(wait) if wait > debt => Err(wait),
        wait => {
            buckets.iter_mut().for_each(|(rate, bucket)| bucket.add(*rate, bytes, now));
            Ok(wait)
        }
    }
}

/// Returns the bucket of a key. Idle ones are dropped when there are many, which changes nothing.
fn bucket<K: Hash + Eq>(buckets: &mut HashMap<K, Bucket>, key: K, now: Instant) -> &mut Bucket {
    if buckets.len() >= REMEMBERED && !buckets.contains_key(&key) {
        buckets.retain(|_, bucket| !bucket.is_empty(now));
    }
    buckets.entry(key).or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            post_bytes: Some(Rate::new(1_000.0, 10_000)),
            address_bytes: Some(Rate::new(2_000.0, 20_000)),
            ..Limits::default()
        }
    }

    fn ip(address: &str) -> IpAddr {
        address.parse().unwrap()
    }

    #[test]
    fn limits_accounts_and_their_address() {
        let (rates, limits, now) = (ByteRates::default(), limits(), Instant::now());
        let post = |account, peer: &str| rates.take(&limits, (account, ip(peer)), 936, now).is_ok();
        let posted = |account, peer: &str| (0..100).filter(|_| post(account, peer)).count();
        assert_eq!(posted(1, "192.0.2.1"), 10);
        assert_eq!([posted(2, "192.0.2.1"), posted(3, "192.0.2.1")], [10, 0], "the address has no more");
        assert_eq!(posted(3, "192.0.2.2"), 10);
        assert_eq!([posted(4, "127.0.0.1"), posted(5, "127.0.0.1"), posted(6, "127.0.0.1")], [10; 3]);
        let wait = rates.take(&limits, (1, ip("192.0.2.9")), 936, now).unwrap_err();
        assert_eq!(wait, Duration::from_secs(1));
        assert!(rates.take(&limits, (1, ip("192.0.2.9")), 936, now + wait).is_ok());
    }

    #[test]
    fn debt_of_plain_posts_is_bounded() {
        let (rates, limits, now) = (ByteRates::default(), limits(), Instant::now());
        let taken = (0..100).filter(|_| rates.overdraw(&limits, (1, ip("::1")), 936, now).is_ok()).count();
        assert_eq!(taken, 15, "the burst, and 5 s in advance");
    }

    #[test]
    fn long_text_passes_a_small_burst() {
        let limits = Limits { post_bytes: Some(Rate::new(100.0, 100)), ..Limits::default() };
        let (rates, now) = (ByteRates::default(), Instant::now());
        assert!(rates.take(&limits, (1, ip("::1")), 16_000, now).is_ok());
        assert!(rates.take(&limits, (1, ip("::1")), 1, now).is_err());
    }

    #[test]
    fn no_rate_remembers_nothing() {
        let limits = Limits { post_bytes: None, address_bytes: None, ..Limits::default() };
        let rates = ByteRates::default();
        assert_eq!(rates.overdraw(&limits, (1, ip("192.0.2.1")), 16_000, Instant::now()), Ok(None));
        assert!(rates.0.lock().unwrap().accounts.is_empty());
    }
}
