//! Connections of balancers, which begin with a PROXY header.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chat_proto::{ProxyHeader, ProxyProgress};
use tokio::io::AsyncRead;
use tokio::time::timeout;

/// How long a balancer may take for its header, which it sends at once.
const HEADER_WITHIN: Duration = Duration::from_secs(5);

/// A connection without a header was logged, and none with one has come since.
static REPORTED: AtomicBool = AtomicBool::new(false);

/// Reads the header. Returns the peer that it names, or the balancer if it connects for itself; `None` if the connection
/// is to be closed. Reads no byte after the header, where a TLS handshake or a request begins.
pub(super) async fn peer_behind<R>(stream: &mut R, balancer: SocketAddr) -> Option<SocketAddr>
where
    R: AsyncRead + Unpin,
{
    let peer = match timeout(HEADER_WITHIN, ProxyHeader::read(stream)).await {
        Ok(Ok(Some(ProxyProgress::Client(peer)))) => peer,
        Ok(Ok(Some(ProxyProgress::Own))) => balancer,
        // A connection that ends before its header is a health check.
        Ok(Ok(_)) => return None,
        Ok(Err(_)) | Err(_) => {
            if !REPORTED.swap(true, Ordering::Relaxed) {
                tracing::warn!(peer = %balancer.ip(), "refused connections that do not begin with a PROXY header");
            }
            return None;
        }
    };
    REPORTED.store(false, Ordering::Relaxed);
    Some(peer)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn header_has_its_time_and_no_more() {
        let balancer: SocketAddr = "10.0.0.1:9".parse().unwrap();
        let (mut near, mut far) = duplex(64);
        far.write_all(b"PROXY TCP4 192.0.2.7 ").await.unwrap();
        let begun = Instant::now();
        assert_eq!(peer_behind(&mut near, balancer).await, None);
        assert_eq!(begun.elapsed(), HEADER_WITHIN);
    }

    #[tokio::test]
    async fn what_follows_the_header_is_left() {
        let balancer: SocketAddr = "10.0.0.1:9".parse().unwrap();
        let (mut near, mut far) = duplex(256);
        far.write_all(b"PROXY TCP6 2001:db8::7 ::1 9 8080\r\nGET /").await.unwrap();
        assert_eq!(peer_behind(&mut near, balancer).await, Some("[2001:db8::7]:9".parse().unwrap()));
        let mut rest = [0; 5];
        near.read_exact(&mut rest).await.unwrap();
        assert_eq!(&rest, b"GET /");
    }
}
