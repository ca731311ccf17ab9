//! The port that browsers connect to.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

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

/// How many connections each address has.
type ByAddress = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// An open port.
#[derive(Debug)]
pub(crate) struct WebPort {
    listener: TcpListener,
    certificate: Option<WebCertificate>,
    by_address: ByAddress,
}

impl WebPort {
    /// Opens the port; port 0 picks a free one.
    pub(crate) async fn open(address: SocketAddr, certificate: Option<WebCertificate>) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { listener, certificate, by_address: Arc::default() })
    }

    /// Returns its address.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
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
            let Some(place) = self.place(gateway, peer.ip()) else {
                count(&counters.refused_connections);
                continue;
            };
            // Small objects must not wait for the acknowledgement of those before them.
            let _ = stream.set_nodelay(true);
            let (gateway, certificate) = (gateway.clone(), self.certificate.clone());
            tokio::spawn(async move {
                serve_one(&gateway, stream, peer, certificate).await;
                drop(place);
            });
        }
    }

    /// Takes a place for a connection; `None` if there is none.
    fn place(&self, gateway: &Gateway, peer: IpAddr) -> Option<ConnectionPlace> {
        let open = &gateway.counters().open_connections;
        let peer = counted(peer);
        let is_counted = !peer.is_loopback() && !gateway.is_proxy(peer);
        if open.load(Ordering::Relaxed) >= CONNECTIONS {
            return None;
        }
        if is_counted {
            let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
            let count = by_address.entry(peer).or_default();
            if *count >= PER_ADDRESS {
                return None;
            }
            *count += 1;
        }
        open.fetch_add(1, Ordering::Relaxed);
        let by_address = is_counted.then(|| (self.by_address.clone(), peer));
        Some(ConnectionPlace { gateway: gateway.clone(), by_address })
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
    by_address: Option<(ByAddress, IpAddr)>,
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        self.gateway.counters().open_connections.fetch_sub(1, Ordering::Relaxed);
        let Some((by_address, peer)) = &self.by_address else { return };
        let mut by_address = by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_address.get_mut(peer) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(peer);
            }
        }
    }
}
