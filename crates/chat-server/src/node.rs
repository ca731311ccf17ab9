//! Starts the server as one of several nodes.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use chat_server::nats::{NatsLog, NatsOptions, check_log};
use chat_server::replication::Projection as _;
use chat_server::{Server, ServerConfig, ServerHandle};

use crate::process::store_lock::open_node;

/// Opens the store of the node, and follows the log. A log that cannot keep the promise is an error; one that cannot be
/// reached is not, because listeners can be served without it.
pub(crate) async fn start(config: ServerConfig, dir: PathBuf, nats: NatsOptions) -> Result<ServerHandle> {
    let store = open_node(dir).await?;
    match check_log(&nats).await {
        Ok(_) => {}
        Err(error) if error.is_passing() => {
            let error = anyhow::Error::from(error);
            tracing::warn!("{error:#}; listeners are served, and posts are declined until it can be reached");
        }
        Err(error) => return Err(error).context("could not use the log of the room"),
    }
    let log = NatsLog::follow(nats, store.generation(), store.applied());
    Ok(Server::start_node(config, store, log).await?)
}
