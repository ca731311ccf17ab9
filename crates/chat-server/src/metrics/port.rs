//! An HTTP port for a few connections at a time.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chat_server::Observer;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::routes::answer;

/// Enough for a scraper or two, a prober and a user with `curl`. Of more, the oldest without a request is closed.
const CONNECTIONS: usize = 16;

/// From the first byte of a request to its empty line: a few hundred bytes of a nearby client.
const HEADER_WITHIN: Duration = Duration::from_secs(1);

/// From accepting to the last byte of the answer. A connection has one request, so that none occupies a place for long.
const CONNECTION_WITHIN: Duration = Duration::from_secs(10);

/// The largest request that is read: the smallest value that the library accepts.
const REQUEST_BYTES: usize = 8 * 1024;

/// The most header lines of a request.
const HEADERS: usize = 64;

/// The pause when no descriptor is left.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// The open port, before it answers.
#[derive(Debug)]
pub(crate) struct MetricsPort {
    listener: TcpListener,
    address: SocketAddr,
}

impl MetricsPort {
    /// Opens the port; port 0 picks a free port.
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Returns its address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until it is dropped. When all places are taken, the oldest connection that has not sent a request
    /// loses its place, so that connections that send nothing delay no health check.
    pub(crate) async fn serve(self, observer: Observer) {
        let (mut connections, mut places) = (JoinSet::new(), VecDeque::<Place>::new());
        loop {
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(_) => {
                    sleep(EXHAUSTED_PAUSE).await;
                    continue;
                }
            };
            while connections.try_join_next().is_some() {}
            places.retain(|place| !place.connection.is_finished());
            if places.len() >= CONNECTIONS {
                match places.iter().position(|place| !place.asked.load(Ordering::Relaxed)).map(|at| places.remove(at)) {
                    Some(silent) => silent.iter().for_each(|place| place.connection.abort()),
                    // All are being answered, which takes no longer than `CONNECTION_WITHIN`.
                    None => drop(connections.join_next().await),
                }
            }
            let (observer, asked) = (observer.clone(), Arc::new(AtomicBool::new(false)));
            let has_asked = Arc::clone(&asked);
            let connection = connections.spawn(async move {
                // A client that is too slow or does not use HTTP is disconnected.
                let _ = timeout(CONNECTION_WITHIN, talk(stream, observer, has_asked)).await;
            });
            places.push_back(Place { connection, asked });
        }
    }
}

/// A connection that is served.
struct Place {
    connection: AbortHandle,
    /// Its request has arrived.
    asked: Arc<AtomicBool>,
}

async fn talk(stream: TcpStream, observer: Observer, asked: Arc<AtomicBool>) -> Result<(), hyper::Error> {
    let service = service_fn(|request| {
        asked.store(true, Ordering::Relaxed);
        let answer = answer(request.method(), request.uri().path(), &observer);
        async move { Ok::<_, Infallible>(answer) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WITHIN)
        .max_buf_size(REQUEST_BYTES)
        .max_headers(HEADERS)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

#[cfg(test)]
mod tests {
    use chat_server::{MemoryJournal, Server, ServerConfig};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// In virtual time, which advances when all tasks are idle.
    #[tokio::test(start_paused = true)]
    async fn slow_headers_give_back_their_places() {
        let server = Server::start(ServerConfig::on_free_ports(), MemoryJournal::new()).await.unwrap();
        let port = MetricsPort::open(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = port.address();
        tokio::spawn(port.serve(server.observer()));
        let mut slow = Vec::new();
        for _ in 0..3 * CONNECTIONS {
            let mut peer = TcpStream::connect(address).await.unwrap();
            peer.write_all(b"GET /metrics HTTP/1.1\r\nHost: ").await.unwrap();
            slow.push(peer);
        }
        let mut honest = TcpStream::connect(address).await.unwrap();
        honest.write_all(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        honest.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nalive\n"), "{answer}");
        for mut peer in slow {
            let mut rest = Vec::new();
            let _ = peer.read_to_end(&mut rest).await;
            assert!(!rest.starts_with(b"HTTP/1.1 200"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silent_connections_delay_no_answer() {
        let server = Server::start(ServerConfig::on_free_ports(), MemoryJournal::new()).await.unwrap();
        let port = MetricsPort::open(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = port.address();
        tokio::spawn(port.serve(server.observer()));
        let began = tokio::time::Instant::now();
        let mut silent = Vec::new();
        for _ in 0..4 * CONNECTIONS {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let mut honest = TcpStream::connect(address).await.unwrap();
        honest.write_all(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        honest.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        // In virtual time: no deadline was waited for.
        assert!(began.elapsed() < HEADER_WITHIN, "{:?}", began.elapsed());
        drop(silent);
    }
}
