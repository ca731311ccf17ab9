//! A room without ports: whoever has it brings the streams. For programs that listen in a way of their own, and for
//! simulations in virtual time. It starts no thread for a journal that never waits.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use crate::admission::Admission;
use crate::committer::Committer;
use crate::config::ServerConfig;
use crate::error::StartError;
use crate::journal::Journal;
use crate::meters::{Meters, Port};
use crate::replay::{Replayed, replay};
use crate::session::{ListenerSession, Orders, Shared, WriterSession};

/// A room that runs on the current Tokio runtime. Its addresses in the configuration mean nothing, and it does not
/// look for accounts that another process revokes.
///
/// Each connection is a future of the caller's, who spawns it; dropping that cuts the connection. When the room is
/// dropped, connections that are there go on until they end.
#[derive(Debug)]
pub struct EmbeddedServer {
    shared: Arc<Shared>,
    committer: Committer,
    admission: Arc<Admission>,
    orders: Orders,
}

impl EmbeddedServer {
    /// Takes in the journal.
    ///
    /// # Errors
    /// [`StartError`] when the journal cannot be read.
    pub fn start<J: Journal>(config: ServerConfig, mut journal: J) -> Result<Self, StartError> {
        let Replayed { accounts, room, streams } = replay(&mut journal, &config)?;
        let meters: Arc<Meters> = Arc::default();
        let reader = journal.reader();
        let (committer, _closed) = if reader.waits() {
            Committer::start(journal, Arc::clone(&room), Arc::clone(&meters)).map_err(StartError::Thread)?
        } else {
            Committer::start_task(journal, Arc::clone(&room), Arc::clone(&meters))
        };
        let admission = Admission::new(&config.limits, Arc::clone(&meters));
        let orders = Orders { drain: watch::channel(false).1, revoked: watch::channel(0).1 };
        let shared = Arc::new(Shared::new(config, accounts, room, meters, streams, reader));
        Ok(Self { shared, committer, admission, orders })
    }

    /// One connection of a writer, from `peer` as far as limits go.
    pub fn serve_writer<IO>(&self, io: IO, peer: IpAddr) -> impl Future<Output = ()> + Send + use<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (shared, committer, orders) = (Arc::clone(&self.shared), self.committer.clone(), self.orders.clone());
        let admitted = self.admission.admit(peer, Port::Write);
        async move {
            if let Some(admitted) = admitted {
                WriterSession::new(shared, committer, orders, admitted, io).run().await;
            }
        }
    }

    /// One connection of a listener, from `peer` as far as limits go. Its place in the log is where the log ends now.
    pub fn serve_listener<IO>(&self, io: IO, peer: IpAddr) -> impl Future<Output = ()> + Send + use<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let tide = self.shared.room.tide();
        let now = *tide.borrow();
        let mut session = ListenerSession::new(Arc::clone(&self.shared), io, now);
        let admitted = self.admission.admit(peer, Port::Listen);
        async move {
            if admitted.is_some()
                && let Err(gone) = session.run(tide).await
            {
                gone.log();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

    use super::*;
    use crate::journal::MemoryJournal;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[tokio::test(start_paused = true)]
    async fn a_room_without_ports_serves_streams_in_virtual_time() {
        let room = EmbeddedServer::start(ServerConfig::default(), MemoryJournal::new()).unwrap();
        let (listener, io) = tokio::io::duplex(1024);
        tokio::spawn(room.serve_listener(io, HERE));
        let (mut writer, io) = tokio::io::duplex(1024);
        tokio::spawn(room.serve_writer(io, HERE));
        writer.write_all(b"\nBob\nhello\n\n").await.unwrap();
        let mut heard = String::new();
        BufReader::new(listener).read_line(&mut heard).await.unwrap();
        assert!(heard.ends_with("Bob: hello\n"), "{heard}");
    }
}
