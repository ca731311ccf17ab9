//! How often one address may do something.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many addresses are remembered. Beyond that those are forgotten that have not used anything up, then all of them:
/// a flood of addresses must not cost memory without bound.
const MAX_ADDRESSES: usize = 16 * 1024;

/// A steady rate, and a burst.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VisitorRate {
    /// How many per second.
    pub per_second: f64,
    /// How many at once.
    pub burst: u32,
}

/// The budgets of all addresses for one thing.
#[derive(Debug)]
pub(crate) struct VisitorRates {
    rate: Mutex<Option<VisitorRate>>,
    budgets: Mutex<HashMap<IpAddr, Budget>>,
}

#[derive(Debug, Clone, Copy)]
struct Budget {
    left: f64,
    at: Instant,
}

impl VisitorRates {
    /// Creates the budgets; `None` has no limit.
    pub(crate) fn new(rate: Option<VisitorRate>) -> Self {
        Self { rate: Mutex::new(rate), budgets: Mutex::default() }
    }

    /// Replaces the rate. What an address has used up stays used up.
    pub(crate) fn set(&self, rate: Option<VisitorRate>) {
        *self.rate.lock().unwrap_or_else(PoisonError::into_inner) = rate;
    }

    /// Takes one from the budget of an address.
    ///
    /// # Errors
    /// The time after which there is one again.
    pub(crate) fn take(&self, address: IpAddr) -> Result<(), Duration> {
        let Some(rate) = *self.rate.lock().unwrap_or_else(PoisonError::into_inner) else { return Ok(()) };
        let now = Instant::now();
        let full = f64::from(rate.burst.max(1));
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        if budgets.len() >= MAX_ADDRESSES {
            budgets.retain(|_, budget| budget.filled(rate, now) < full);
            if budgets.len() >= MAX_ADDRESSES {
                budgets.clear();
            }
        }
        let budget = budgets.entry(counted(address)).or_insert(Budget { left: full, at: now });
        budget.left = budget.filled(rate, now);
        budget.at = now;
        if budget.left >= 1.0 {
            budget.left -= 1.0;
            return Ok(());
        }
        let wait = if rate.per_second > 0.0 { (1.0 - budget.left) / rate.per_second } else { 3600.0 };
        Err(Duration::from_secs_f64(wait.min(3600.0)))
    }
}

impl Budget {
    fn filled(&self, rate: VisitorRate, now: Instant) -> f64 {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        (self.left + since * rate.per_second).min(f64::from(rate.burst.max(1)))
    }
}

/// Returns the address that is counted: of IPv6 the /64, which one host has as a whole.
pub(crate) fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn fills_over_time() {
        let rates = VisitorRates::new(Some(VisitorRate { per_second: 2.0, burst: 2 }));
        let bob = ip("192.0.2.1");
        assert_eq!((rates.take(bob), rates.take(bob)), (Ok(()), Ok(())));
        assert_eq!(rates.take(bob), Err(Duration::from_millis(500)));
        assert_eq!(rates.take(ip("192.0.2.2")), Ok(()));
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(rates.take(bob), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn one_network_is_one_address() {
        let rates = VisitorRates::new(Some(VisitorRate { per_second: 0.0, burst: 1 }));
        assert_eq!(rates.take(ip("2001:db8::1")), Ok(()));
        assert!(rates.take(ip("2001:db8::2")).is_err());
        assert_eq!(rates.take(ip("2001:db8:0:1::2")), Ok(()));
        assert_eq!(counted(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
    }

    #[tokio::test(start_paused = true)]
    async fn many_addresses_are_bounded() {
        let rates = VisitorRates::new(Some(VisitorRate { per_second: 0.1, burst: 2 }));
        for number in 0..3 * u32::try_from(MAX_ADDRESSES).unwrap() {
            let _ = rates.take(std::net::Ipv4Addr::from(number).into());
        }
        assert!(rates.budgets.lock().unwrap().len() <= MAX_ADDRESSES);
    }
}
