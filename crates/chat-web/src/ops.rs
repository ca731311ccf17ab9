//! `/healthz`, `/readyz` and `/metrics`, on a port of their own.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::gateway::Gateway;
use crate::net::connection::{ConnectionInfo, serve_http};

/// The content type, as the specification defines it.
const FIGURES: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Enough for a scraper or two, a prober and a user with `curl`.
const CONNECTIONS: usize = 16;

/// From accepting to the last byte of the answer.
const CONNECTION_WITHIN: Duration = Duration::from_secs(10);

/// The pause when no descriptor is left.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// The open port, before it answers.
#[derive(Debug)]
pub(crate) struct OpsPort(TcpListener);

impl OpsPort {
    /// Opens the port; port 0 picks a free one.
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        TcpListener::bind(address).await.map(Self)
    }

    /// Returns its address.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Answers requests until it is dropped.
    pub(crate) async fn serve(&self, gateway: &Gateway) {
        let router = Router::new()
            .route("/healthz", get(|| async { "alive\n" }))
            .route("/readyz", get(readiness))
            .route("/metrics", get(figures))
            .with_state(gateway.clone());
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let (never, _) = watch::channel(false);
        loop {
            let Ok((stream, peer)) = self.0.accept().await else {
                sleep(EXHAUSTED_PAUSE).await;
                continue;
            };
            let (Ok(place), Ok(local)) = (places.clone().acquire_owned().await, stream.local_addr()) else { continue };
            let (router, ending) = (router.clone(), never.subscribe());
            tokio::spawn(async move {
                let info = ConnectionInfo { peer, local, secure: false };
                // A client that is too slow is disconnected.
                let _ = timeout(CONNECTION_WITHIN, serve_http(stream, info, router, ending)).await;
                drop(place);
            });
        }
    }
}

async fn readiness(State(gateway): State<Gateway>) -> (StatusCode, &'static str) {
    let state = gateway.state();
    if *state.ending.borrow() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    } else if state.feed.state().borrow().is_online() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "no connection to the room\n")
    }
}

async fn figures(State(gateway): State<Gateway>) -> Response {
    let mut registry = Registry::with_prefix("minechat_web");
    registry.register_collector(Box::new(WebFigures(gateway)));
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => ([(CONTENT_TYPE, FIGURES)], text).into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "could not format the metrics\n").into_response(),
    }
}

#[derive(Debug)]
struct WebFigures(Gateway);

impl Collector for WebFigures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let state = self.0.state();
        let counters = &state.counters;
        let (accounts, writers) = state.accounts.count();
        let room = state.feed.counters();
        let is_online = state.feed.state().borrow().is_online();
        for (name, help, value) in [
            ("connections_open", "Open connections of browsers", counters.open_connections.load(Ordering::Relaxed)),
            ("pages_open", "Open pages", state.pages.open()),
            ("accounts", "Accounts in use, or lately in use", accounts),
            ("writers_open", "Accounts with a connection to the room", writers),
            ("room_online", "Whether the room is received", usize::from(is_online)),
        ] {
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        for (name, help, value) in [
            ("connections_accepted", "Accepted connections", counters.connections.load(Ordering::Relaxed)),
            ("connections_refused", "Connections over a limit", counters.refused_connections.load(Ordering::Relaxed)),
            ("requests_refused", "Requests of other sites", counters.refused_requests.load(Ordering::Relaxed)),
            ("registrations", "Accounts that were created", counters.registrations.load(Ordering::Relaxed)),
            ("posts", "Posts of pages", counters.posts.load(Ordering::Relaxed)),
            ("pages_stalled", "Pages that took nothing", counters.slow_pages.load(Ordering::Relaxed)),
            ("room_messages", "Messages received from the room", room.messages),
            ("room_gaps", "Gaps in what was received", room.gaps),
            ("room_connections", "Connections to the room", room.connections),
        ] {
            ConstCounter::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }
        Ok(())
    }
}
