//! A connection to one server of the log.

use std::sync::Arc;

use async_nats::{Client, Event, ServerAddr};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::auth::{ANSWER_WITHIN, connect_options};
use super::error::NatsError;
use super::options::NatsOptions;
use crate::replication::MAX_BATCH_BYTES;

/// The oldest servers that keep what they have stored if they are configured to.
const OLDEST: (i64, i64, i64) = (2, 11, 0);

/// A connection. Dropping it closes it.
pub(super) struct NatsConnection {
    pub(super) client: Client,
    /// What to call the server.
    pub(super) server: Arc<str>,
    /// The end of the connection, with its reason.
    pub(super) ends: mpsc::UnboundedReceiver<String>,
}

impl NatsConnection {
    /// Connects to a server, and checks that it can be used.
    pub(super) async fn open(options: &NatsOptions, address: &str) -> Result<Self, NatsError> {
        // At most a few events of one connection, so it needs no bound.
        let (ended, ends) = mpsc::unbounded_channel();
        let connect = connect_options(options).await?.event_callback(move |event| {
            let ended = ended.clone();
            async move {
                let why = match event {
                    Event::Disconnected | Event::Closed => "the connection was lost".to_owned(),
                    Event::LameDuckMode | Event::Draining => "the server shuts down".to_owned(),
                    Event::ServerError(error) => error.to_string(),
                    Event::Connected | Event::SlowConsumer(_) | Event::ClientError(_) => return,
                };
                let _ = ended.send(why);
            }
        });
        let unreachable = |last: String| NatsError::Unreachable { servers: address.to_owned(), last };
        let parsed: ServerAddr = address.parse().map_err(|error: std::io::Error| unreachable(error.to_string()))?;
        let connected = timeout(ANSWER_WITHIN, connect.connect(parsed)).await;
        let client = connected.map_err(|_| unreachable("it does not answer".into()))?;
        let client = client.map_err(|error| unreachable(error.to_string()))?;
        let info = client.server_info();
        let server: Arc<str> = Arc::from(info.server_name.as_str());
        let (major, minor, patch) = OLDEST;
        if !options.allow_old && !client.is_server_compatible(major, minor, patch) {
            return Err(NatsError::TooOld { server: info.server_name, version: info.version });
        }
        if info.max_payload < MAX_BATCH_BYTES {
            let (max, needed) = (info.max_payload, MAX_BATCH_BYTES);
            return Err(NatsError::SmallMessages { server: info.server_name, max, needed });
        }
        Ok(Self { client, server, ends })
    }

    /// Connects to the first server that can be used.
    pub(super) async fn open_any(options: &NatsOptions) -> Result<Self, NatsError> {
        let mut last = String::from("none is given");
        for address in &options.servers {
            match Self::open(options, address).await {
                Ok(connection) => return Ok(connection),
                Err(NatsError::Unreachable { last: why, .. }) => last = format!("{address}: {why}"),
                Err(error) => return Err(error),
            }
        }
        Err(NatsError::Unreachable { servers: options.servers.join(","), last })
    }
}
