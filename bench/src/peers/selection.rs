//! The list of all peers, and the selection by name.

use anyhow::{Result, bail};

use super::peer::Peer;
use super::{asyncio, broadcast, irc, mosquitto, nats, ours, over_tls, raw, redis};
use crate::server_process::ServerOptions;

/// Returns the peers with these names, or all of them if there are none; ours is first.
///
/// # Errors
/// A name is unknown.
pub(crate) fn select(only: &[String], server: &ServerOptions) -> Result<Vec<Box<dyn Peer>>> {
    let all = all(server);
    if let Some(unknown) = only.iter().find(|name| all.iter().all(|peer| peer.name() != *name)) {
        let names: Vec<&str> = all.iter().map(|peer| peer.name()).collect();
        bail!("{unknown} is not a peer: choose from {}", names.join(", "));
    }
    Ok(all.into_iter().filter(|peer| only.is_empty() || only.iter().any(|name| name == peer.name())).collect())
}

fn all(server: &ServerOptions) -> Vec<Box<dyn Peer>> {
    vec![
        Box::new(ours::Plain(server.clone())),
        Box::new(ours::Numbered(server.clone())),
        Box::new(raw::Raw),
        Box::new(redis::Redis),
        Box::new(nats::Nats),
        Box::new(broadcast::Broadcast),
        Box::new(irc::INSPIRCD),
        Box::new(irc::NGIRCD),
        Box::new(asyncio::Asyncio),
        Box::new(mosquitto::Mosquitto),
        Box::new(over_tls::ours_over_tls(server.clone())),
        Box::new(over_tls::redis_over_tls()),
    ]
}

#[cfg(test)]
mod tests;
