//! What the load generator needs to know of a server.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use tokio_rustls::rustls::ClientConfig;

use super::confirms::Confirms;
use super::running::Running;
use crate::dialogue::Step;

/// A server that carries messages from one writer to many listeners. The default methods are those of a server of plain
/// lines, without a dialogue and without confirmations.
pub(crate) trait Peer {
    /// Returns the name that `--only` takes.
    fn name(&self) -> &'static str;

    /// Starts the server, empty, on free ports.
    fn start(&self) -> Result<Running>;

    /// Returns how listeners encrypt their connections, if they do, once the server has started.
    fn tls(&self) -> Option<Arc<ClientConfig>> {
        None
    }

    /// Returns the dialogue of listener number `index` up to its first message.
    fn listener(&self, _index: usize) -> Vec<Step> {
        Vec::new()
    }

    /// Returns the dialogue of the writer up to its first post.
    fn writer(&self) -> Vec<Step> {
        Vec::new()
    }

    /// Appends the bytes of a post. `number` is unique within a run.
    fn post(&self, _number: u64, text: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(text);
        out.push(b'\n');
    }

    /// Returns how the server confirms a post.
    fn confirms(&self) -> Confirms {
        Confirms::Echo
    }

    /// Returns the address and the step that show that a new connection is served.
    fn first_step(&self, server: &Running, index: usize) -> (SocketAddr, Step) {
        let first = self.listener(index).into_iter().next();
        (server.listen, first.unwrap_or_else(|| Step::new("", "")))
    }

    /// Returns about how many deliveries take the server a few seconds.
    fn deliveries(&self) -> u64;

    /// Returns the number of posts in flight when `requested` are requested.
    fn in_flight(&self, requested: u64) -> u64 {
        requested
    }

    /// Returns the largest number of listeners with which the server is measured.
    fn max_listeners(&self) -> usize {
        usize::MAX
    }
}
