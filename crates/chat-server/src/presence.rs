//! The open connections, for the operator who asks who is there.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use crate::accounts::AccountEntry;
use crate::meters::Port;

/// All connections that are served, in the order in which they were accepted.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    open: Mutex<OpenConnections>,
}

#[derive(Debug, Default)]
struct OpenConnections {
    last: u64,
    all: BTreeMap<u64, Arc<PresentPeer>>,
}

/// One connection.
#[cfg_attr(not(all(feature = "bin", unix)), expect(dead_code, reason = "only the admin commands list connections"))]
#[derive(Debug)]
pub(crate) struct PresentPeer {
    pub(crate) port: Port,
    pub(crate) peer: IpAddr,
    pub(crate) since: SystemTime,
    /// Set when a writer has logged in.
    pub(crate) account: OnceLock<Arc<AccountEntry>>,
}

/// Keeps a connection in the list until it is dropped.
#[derive(Debug)]
pub(crate) struct PresenceGuard {
    presence: Arc<Presence>,
    number: u64,
    pub(crate) peer: Arc<PresentPeer>,
}

impl Presence {
    /// Adds a connection.
    pub(crate) fn enter(self: &Arc<Self>, port: Port, peer: IpAddr) -> PresenceGuard {
        let peer = Arc::new(PresentPeer { port, peer, since: SystemTime::now(), account: OnceLock::new() });
        let mut open = self.lock();
        open.last += 1;
        let number = open.last;
        open.all.insert(number, Arc::clone(&peer));
        PresenceGuard { presence: Arc::clone(self), number, peer }
    }

    /// Returns all connections.
    #[cfg_attr(not(all(feature = "bin", unix)), expect(dead_code, reason = "only the admin commands list them"))]
    pub(crate) fn all(&self) -> Vec<Arc<PresentPeer>> {
        self.lock().all.values().cloned().collect()
    }

    /// Locks the list, for one operation in memory.
    fn lock(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PresenceGuard {
    fn drop(&mut self) {
        self.presence.lock().all.remove(&self.number);
    }
}
