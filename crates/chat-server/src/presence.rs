//! The open connections, for the operator who asks who is there.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use crate::accounts::AccountEntry;
use crate::meters::Port;

/// All connections that are served.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    open: Mutex<OpenConnections>,
}

/// A list with places to be taken again, because a map would cost an idle connection twice as much.
#[derive(Debug, Default)]
struct OpenConnections {
    places: Vec<Option<Arc<PresentPeer>>>,
    free: Vec<u32>,
}

/// One connection.
#[cfg_attr(not(all(feature = "bin", unix)), expect(dead_code, reason = "only the admin commands list connections"))]
#[derive(Debug)]
pub(crate) struct PresentPeer {
    pub(crate) port: Port,
    pub(crate) peer: IpAddr,
    pub(crate) since: SystemTime,
    place: u32,
    /// Set when a writer has logged in.
    pub(crate) account: OnceLock<Arc<AccountEntry>>,
}

/// Keeps a connection in the list until it is dropped.
#[derive(Debug)]
pub(crate) struct PresenceGuard {
    presence: Arc<Presence>,
    pub(crate) peer: Arc<PresentPeer>,
}

impl Presence {
    /// Adds a connection.
    pub(crate) fn enter(self: &Arc<Self>, port: Port, peer: IpAddr) -> PresenceGuard {
        let since = SystemTime::now();
        let mut open = self.lock();
        let place = open.free.pop().unwrap_or_else(|| {
            open.places.push(None);
            // Fewer than descriptors.
            (open.places.len() - 1) as u32
        });
        let peer = Arc::new(PresentPeer { port, peer, since, place, account: OnceLock::new() });
        open.places[place as usize] = Some(Arc::clone(&peer));
        PresenceGuard { presence: Arc::clone(self), peer }
    }

    /// Returns all connections, the oldest first.
    #[cfg_attr(not(all(feature = "bin", unix)), expect(dead_code, reason = "only the admin commands list them"))]
    pub(crate) fn all(&self) -> Vec<Arc<PresentPeer>> {
        let mut all: Vec<_> = self.lock().places.iter().flatten().cloned().collect();
        all.sort_by_key(|peer| peer.since);
        all
    }

    /// Locks the list, for one operation in memory.
    fn lock(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PresenceGuard {
    fn drop(&mut self) {
        let mut open = self.presence.lock();
        open.places[self.peer.place as usize] = None;
        open.free.push(self.peer.place);
    }
}
