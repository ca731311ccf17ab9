//! The port that browsers connect to.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

#[cfg(feature = "local-room")]
use chat_frontend::local_room::is_own_user;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::balancer::peer_behind;
use super::connection::ConnectionInfo;
use super::tls::WebCertificate;
use crate::gateway::Gateway;
use crate::http::state::count;
use crate::rates::counted;

/// Connections in all: half of what systems commonly allow by default in descriptors, with those to the room.
const CONNECTIONS: usize = 4_096;

/// Connections of one address: 64 pages, and as many requests beside them. Loopback and trusted proxies are not counted.
const PER_ADDRESS: usize = 128;

/// The pause when no descriptor is left.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// Without local rooms there is none that is closed to other users.
#[cfg(not(feature = "local-room"))]
fn is_own_user(_: SocketAddr, _: SocketAddr) -> bool {
    true
}

/// How many connections each address has.
type ByAddress = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// An open port.
#[derive(Debug)]
pub(crate) struct WebPort {
    listener: TcpListener,
    certificate: Option<WebCertificate>,
    by_address: ByAddress,
    /// Browsers of other users of this machine are turned away.
    own_user_only: AtomicBool,
    /// Tells whether a browser on this machine is the own user's, by the two addresses of its connection.
    is_own_user: fn(SocketAddr, SocketAddr) -> bool,
}

impl WebPort {
    /// Opens the port; port 0 picks a free one.
    pub(crate) async fn open(address: SocketAddr, certificate: Option<WebCertificate>) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self {
            listener,
            certificate,
            by_address: Arc::default(),
            own_user_only: AtomicBool::new(false),
            is_own_user,
        })
    }

    /// Returns its address.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Turns away the browsers of other users of this machine from now on: the room is a local one, which admits its own
    /// user only, and to the room all pages are programs of this user. Trusted proxies are not examined.
    pub(crate) fn admit_own_user_only(&self) {
        self.own_user_only.store(true, Ordering::Relaxed);
    }

    /// Returns whether the user of a browser may use the room.
    fn admits(&self, gateway: &Gateway, stream: &TcpStream, peer: SocketAddr) -> bool {
        let is_trusted = gateway.is_proxy(peer.ip()) || gateway.is_balancer(peer.ip());
        let is_near = peer.ip().to_canonical().is_loopback() && !is_trusted;
        !is_near
            || !self.own_user_only.load(Ordering::Relaxed)
            || stream.local_addr().is_ok_and(|local| (self.is_own_user)(peer, local))
    }

    /// Accepts connections until it is dropped.
    pub(crate) async fn serve(&self, gateway: &Gateway) {
        loop {
            let (stream, peer) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                // The peer has gone already, or no descriptor is left.
                Err(_) => {
                    sleep(EXHAUSTED_PAUSE).await;
                    continue;
                }
            };
            let counters = gateway.counters();
            count(&counters.connections);
            if !self.admits(gateway, &stream, peer) {
                tracing::warn!(%peer, "turned away a browser of another user of this machine");
                count(&counters.refused_connections);
                continue;
            }
            let is_balancer = gateway.is_balancer(peer.ip());
            let Some(mut place) = ConnectionPlace::take(gateway, &self.by_address) else {
                count(&counters.refused_connections);
                continue;
            };
            // The address behind a balancer is not known yet.
            if !is_balancer && !place.count(peer.ip()) {
                count(&counters.refused_connections);
                continue;
            }
            // Small objects must not wait for the acknowledgement of those before them.
            let _ = stream.set_nodelay(true);
            let (gateway, certificate) = (gateway.clone(), self.certificate.clone());
            tokio::spawn(async move {
                let mut stream = stream;
                let peer = if is_balancer {
                    let behind = peer_behind(&mut stream, peer).await.filter(|behind| place.count(behind.ip()));
                    let Some(behind) = behind else {
                        count(&gateway.counters().refused_connections);
                        return;
                    };
                    behind
                } else {
                    peer
                };
                serve_one(&gateway, stream, peer, certificate).await;
                drop(place);
            });
        }
    }
}

async fn serve_one(gateway: &Gateway, stream: TcpStream, peer: SocketAddr, certificate: Option<WebCertificate>) {
    let Ok(local) = stream.local_addr() else { return };
    let info = ConnectionInfo { peer, local, secure: certificate.is_some() };
    match certificate {
        None => gateway.serve_stream(stream, info).await,
        Some(certificate) => {
            if let Some(stream) = certificate.handshake(stream).await {
                gateway.serve_stream(stream, info).await;
            }
        }
    }
}

/// The place of one connection; dropping it gives it back.
struct ConnectionPlace {
    gateway: Gateway,
    by_address: ByAddress,
    /// The address that it counts for.
    counted: Option<IpAddr>,
}

impl ConnectionPlace {
    /// Takes a place for a connection; `None` if there is none.
    fn take(gateway: &Gateway, by_address: &ByAddress) -> Option<Self> {
        let open = &gateway.counters().open_connections;
        if open.load(Ordering::Relaxed) >= CONNECTIONS {
            return None;
        }
        open.fetch_add(1, Ordering::Relaxed);
        Some(Self { gateway: gateway.clone(), by_address: by_address.clone(), counted: None })
    }

    /// Counts the connection for its peer. `false` if this address has as many as it may.
    fn count(&mut self, peer: IpAddr) -> bool {
        // Asked before the network of the address takes its place.
        let address = peer.to_canonical();
        if address.is_loopback() || self.gateway.is_proxy(address) || self.gateway.is_balancer(address) {
            return true;
        }
        let peer = counted(peer);
        let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let count = by_address.entry(peer).or_default();
        if *count >= PER_ADDRESS {
            return false;
        }
        *count += 1;
        self.counted = Some(peer);
        true
    }
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        self.gateway.counters().open_connections.fetch_sub(1, Ordering::Relaxed);
        let Some(peer) = &self.counted else { return };
        let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_address.get_mut(peer) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(peer);
            }
        }
    }
}

#[cfg(test)]
mod tests;
