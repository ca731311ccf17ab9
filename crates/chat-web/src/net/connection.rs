//! HTTP over one connection.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::Extension;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

/// From the first byte of a request to its empty line, and how long an unused connection stays open.
const HEADER_WITHIN: Duration = Duration::from_secs(10);

/// The largest header of a request.
const HEADER_BYTES: usize = 16 * 1024;

/// The most lines of a header. Browsers send about 20, and a chain of proxies some more.
const HEADERS: usize = 64;

/// The two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// The other end.
    pub peer: SocketAddr,
    /// This end.
    pub local: SocketAddr,
    /// The connection is encrypted.
    pub secure: bool,
}

/// Answers the requests of one connection until it ends, or until the gateway ends and no request is being answered.
pub(crate) async fn serve_http<I>(io: I, info: ConnectionInfo, router: Router, mut ending: watch::Receiver<bool>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = TowerToHyperService::new(router.layer(Extension(info)));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WITHIN)
        .max_buf_size(HEADER_BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(io), service)
        .with_upgrades();
    let mut serving = std::pin::pin!(serving);
    // An error of a connection is its client's affair: it was too slow, or does not speak HTTP.
    tokio::select! {
        _ = serving.as_mut() => return,
        _ = ending.wait_for(|ending| *ending) => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = serving.await;
}
