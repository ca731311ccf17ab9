//! What all requests share.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chat_client::ClientConfig;
use tokio::sync::watch;

use super::visitor::GatewayNames;
use crate::account::pool::AccountPool;
use crate::dialler::Dialler;
use crate::rates::{VisitorRates, counted};
use crate::room::feed::RoomFeed;
use crate::room::history::RoomHistory;

/// How many pages one address may have open: an office.
const PAGES_PER_ADDRESS: usize = 64;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct WebState {
    pub(crate) names: GatewayNames,
    pub(crate) client: ClientConfig,
    pub(crate) dialler: Dialler,
    /// The room, for people.
    pub(crate) room: String,
    /// A random id of this run.
    pub(crate) gateway: String,
    pub(crate) feed: RoomFeed,
    pub(crate) history: RoomHistory,
    pub(crate) accounts: AccountPool,
    pub(crate) registrations: VisitorRates,
    /// Requests that make a connection to the room, other than registrations.
    pub(crate) lookups: VisitorRates,
    pub(crate) posts: VisitorRates,
    /// Becomes true when the gateway ends.
    pub(crate) ending: watch::Sender<bool>,
    pub(crate) pages: PageCount,
    pub(crate) counters: WebCounters,
}

/// What the gateway counts.
#[derive(Debug, Default)]
pub(crate) struct WebCounters {
    pub(crate) connections: AtomicU64,
    pub(crate) open_connections: AtomicUsize,
    pub(crate) refused_connections: AtomicU64,
    pub(crate) refused_requests: AtomicU64,
    pub(crate) registrations: AtomicU64,
    pub(crate) posts: AtomicU64,
    pub(crate) slow_pages: AtomicU64,
}

/// The open pages, by address.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageCount(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// The place of one page; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct PagePlace {
    count: PageCount,
    address: IpAddr,
}

impl PageCount {
    /// Takes a place; `None` if the address has as many pages as it may. Loopback is not counted, as by the server.
    pub(crate) fn take(&self, address: IpAddr) -> Option<PagePlace> {
        let key = counted(address);
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = pages.entry(key).or_default();
        if *count >= PAGES_PER_ADDRESS && !key.is_loopback() {
            return None;
        }
        *count += 1;
        Some(PagePlace { count: self.clone(), address: key })
    }

    /// Returns how many pages are open.
    pub(crate) fn open(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

impl Drop for PagePlace {
    fn drop(&mut self) {
        let mut pages = self.count.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = pages.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                pages.remove(&self.address);
            }
        }
    }
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_so_many_pages() {
        let pages = PageCount::default();
        let office: IpAddr = "192.0.2.1".parse().unwrap();
        let mut places: Vec<_> = (0..PAGES_PER_ADDRESS).map(|_| pages.take(office).unwrap()).collect();
        assert!(pages.take(office).is_none());
        assert!(pages.take("192.0.2.2".parse().unwrap()).is_some());
        places.pop();
        assert!(pages.take(office).is_some());
        drop(places);
        assert_eq!(pages.open(), 0);
    }
}
