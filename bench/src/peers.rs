//! The servers that take part, and what each has to be told. How they are driven is in `crowd`.

mod asyncio;
mod broadcast;
mod confirms;
mod irc;
mod mosquitto;
mod nats;
mod ours;
mod raw;
mod redis;
mod running;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use anyhow::{Result, bail};

pub use self::{
    broadcast::serve as serve_broadcast,
    confirms::{Confirms, Counter},
    raw::serve as serve_raw,
    running::Running,
};
use crate::{dialogue::Step, server_process::ServerOptions};

/// A server that carries a message from one writer to many listeners.
pub trait Peer {
    /// As `--only` calls it.
    fn name(&self) -> &'static str;

    /// Starts it, empty, on free ports.
    fn start(&self) -> Result<Running>;

    /// What listener number `index` says until the messages come to it.
    fn listener(&self, index: usize) -> Vec<Step>;

    /// What the writer says until it can post.
    fn writer(&self) -> Vec<Step>;

    /// Appends the bytes that post the text of this number.
    fn post(&self, number: u64, text: &[u8], out: &mut Vec<u8>);

    /// How the server says that it has a post.
    fn confirms(&self) -> Confirms;

    /// Where somebody knocks who only wants to see that he is served, what he says, and what shows it.
    fn knock(&self, server: &Running, index: usize) -> (SocketAddr, Step) {
        let first = self.listener(index).into_iter().next();
        (server.listen, first.unwrap_or_else(|| Step::new("", "")))
    }

    /// About how many deliveries keep it busy for a few seconds.
    fn deliveries(&self) -> u64;

    /// How many posts are to be in flight when `asked` are asked for.
    fn in_flight(&self, asked: u64) -> u64 {
        asked
    }

    /// The most listeners with which it takes part.
    fn most_listeners(&self) -> usize {
        usize::MAX
    }
}

/// Everybody who is named, or everybody, ours first.
pub fn chosen(only: &[String], server: &ServerOptions) -> Result<Vec<Box<dyn Peer>>> {
    let all = all(server);
    if let Some(unknown) = only.iter().find(|name| all.iter().all(|peer| peer.name() != *name)) {
        let names: Vec<&str> = all.iter().map(|peer| peer.name()).collect();
        bail!("there is no {unknown}; there are {}", names.join(", "));
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
        Box::new(irc::Inspircd),
        Box::new(irc::Ngircd),
        Box::new(asyncio::Asyncio),
        Box::new(mosquitto::Mosquitto),
    ]
}

/// A port that was free a moment ago, for programs that cannot be asked for a free one.
pub fn free_address() -> Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
