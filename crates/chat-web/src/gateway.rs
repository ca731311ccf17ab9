//! A running gateway: one room, any number of pages.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use chat_client::{ClientConfig, ConnectionState, StreamId};
use ipnet::IpNet;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::account::pool::AccountPool;
use crate::dialler::Dialler;
use crate::http::router::router;
use crate::http::state::{PageCount, WebCounters, WebState};
use crate::http::visitor::{GatewayNames, ProxyHeaderName, PublicUrl};
use crate::net::connection::{ConnectionInfo, serve_http};
use crate::rates::{VisitorRate, VisitorRates};
use crate::room::feed::RoomFeed;
use crate::room::history::RoomHistory;

/// Requests of one address that make a connection to the room: a person who scrolls back fast, and an office.
const LOOKUPS: VisitorRate = VisitorRate { per_second: 10.0, burst: 200 };

/// How long queued posts are still sent when the gateway ends.
const SEND_WITHIN: Duration = Duration::from_millis(1_500);

/// How long the pages have to take their last objects when the gateway ends.
const PAGES_WITHIN: Duration = Duration::from_secs(4);

/// How often it is checked whether all pages have ended.
const PAGES_INTERVAL: Duration = Duration::from_millis(20);

/// What a gateway needs to know.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GatewayConfig {
    /// The room.
    pub client: ClientConfig,
    /// Connects to the room in place of TCP.
    pub dialler: Option<Dialler>,
    /// Each connection to the room begins with a PROXY header that names the browser.
    pub announce_browsers: bool,
    /// The address of the gateway as people type it.
    pub public_url: Option<PublicUrl>,
    /// Proxies whose headers are believed.
    pub proxies: Vec<IpNet>,
    /// The header in which they name the browser.
    pub proxy_header: ProxyHeaderName,
    /// Balancers whose connections begin with a PROXY header.
    pub proxy_from: Vec<IpNet>,
    /// Registrations of one address; `None` has no limit.
    pub register_rate: Option<VisitorRate>,
    /// Posts of one address; `None` has no limit.
    pub post_rate: Option<VisitorRate>,
    /// Requests of one address that make a connection to the room; `None` has no limit.
    pub lookup_rate: Option<VisitorRate>,
}

impl GatewayConfig {
    /// Creates the configuration of a gateway to a room.
    #[must_use]
    pub fn new(client: ClientConfig) -> Self {
        Self {
            client,
            dialler: None,
            announce_browsers: false,
            public_url: None,
            proxies: Vec::new(),
            proxy_header: ProxyHeaderName::default(),
            proxy_from: Vec::new(),
            // As the server: a class behind one address can register at once, a script cannot fill the store.
            register_rate: Some(VisitorRate { per_second: 1.0, burst: 1_000 }),
            // As the server for one account, for as many people as an office has.
            post_rate: Some(VisitorRate { per_second: 100.0, burst: 10_000 }),
            lookup_rate: Some(LOOKUPS),
        }
    }
}

/// A running gateway. Clones are the same.
#[derive(Clone, Debug)]
pub struct Gateway {
    state: Arc<WebState>,
    router: Router,
}

impl Gateway {
    /// Starts the listener of the room. Must be called within a Tokio runtime.
    #[must_use]
    pub fn start(config: GatewayConfig) -> Self {
        let client = config.client;
        let announce = config.announce_browsers;
        let dialler = config.dialler.unwrap_or_else(|| Dialler::new(&client, announce));
        let id = Uuid::new_v4().simple().to_string();
        // A part of the id is an identifier too.
        let gateway = id[..8].to_owned();
        let own = StreamId::new(&format!("web-{gateway}")).unwrap_or_else(|_| unreachable!("letters and digits"));
        let state = Arc::new(WebState {
            names: GatewayNames {
                public_url: config.public_url,
                proxies: config.proxies,
                proxy_header: config.proxy_header,
                balancers: config.proxy_from,
            },
            room: client.listen_addr_text(),
            gateway,
            feed: RoomFeed::start(client.clone(), dialler.clone(), own),
            history: RoomHistory::new(client.clone(), dialler.clone()),
            accounts: AccountPool::new(client.clone(), dialler.clone()),
            registrations: VisitorRates::new(config.register_rate),
            lookups: VisitorRates::new(config.lookup_rate),
            posts: VisitorRates::new(config.post_rate),
            ending: watch::Sender::new(false),
            pages: PageCount::default(),
            counters: WebCounters::default(),
            client,
            dialler,
        });
        let router = router(&state);
        Self { state, router }
    }

    /// Answers the requests of one connection until it ends.
    pub async fn serve_stream<I>(&self, io: I, info: ConnectionInfo)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        serve_http(io, info, self.router.clone(), self.state.ending.subscribe()).await;
    }

    /// Ends the gateway: posts on their way are sent, pages get their receipts and are told.
    pub async fn drain(&self) {
        self.state.ending.send_replace(true);
        self.state.accounts.close(SEND_WITHIN).await;
        let deadline = Instant::now() + PAGES_WITHIN;
        while self.state.pages.open() > 0 && Instant::now() < deadline {
            sleep(PAGES_INTERVAL).await;
        }
    }

    /// Returns the state of the connection to the room, for watching.
    #[must_use]
    pub fn room_state(&self) -> watch::Receiver<ConnectionState> {
        self.state.feed.state()
    }

    /// Replaces the rates of one address, for later registrations and posts.
    pub(crate) fn set_rates(&self, register: Option<VisitorRate>, post: Option<VisitorRate>) {
        self.state.registrations.set(register);
        self.state.posts.set(post);
    }

    pub(crate) fn counters(&self) -> &WebCounters {
        &self.state.counters
    }

    pub(crate) fn is_proxy(&self, peer: IpAddr) -> bool {
        self.state.names.is_proxy(peer)
    }

    pub(crate) fn is_balancer(&self, peer: IpAddr) -> bool {
        self.state.names.is_balancer(peer)
    }

    pub(crate) fn state(&self) -> &WebState {
        &self.state
    }
}
