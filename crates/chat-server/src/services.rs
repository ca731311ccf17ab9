//! What is done with a connection once it is let in: on which port it came, and through what. The
//! sessions themselves do not know.

use std::future::Future;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::admission::Admitted;
use crate::committer::Committer;
use crate::fan_out::{FanOut, Seat};
use crate::session::{Gone, ListenerSession, Orders, Shared, WriterSession};
use crate::stream::{Parting, SharedStream};
use crate::tls::TlsPorts;

/// Serves the write port.
#[derive(Clone)]
pub(crate) struct Writers {
    pub(crate) shared: Arc<Shared>,
    pub(crate) committer: Committer,
    pub(crate) orders: Orders,
}

impl Writers {
    pub(crate) fn serve(&self, stream: TcpStream, admitted: Admitted) -> impl Future<Output = ()> + Send + use<> {
        let (this, stream) = (self.clone(), Arc::new(stream));
        async move {
            let _parting = Parting::new(&stream, this.shared.config.limits.stall);
            this.session(SharedStream::new(stream), admitted).run().await;
        }
    }

    pub(crate) fn serve_secure(
        &self,
        ports: &TlsPorts,
        stream: TcpStream,
        admitted: Admitted,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (this, ports, stream) = (self.clone(), ports.clone(), Arc::new(stream));
        async move {
            let _parting = Parting::new(&stream, this.shared.config.limits.stall);
            // Boxed: a handshake is short, and its future is larger than that of a session.
            if let Some(stream) = Box::pin(ports.secure(SharedStream::new(stream))).await {
                this.session(stream, admitted).run().await;
            }
        }
    }

    fn session<IO: AsyncRead + AsyncWrite + Unpin>(&self, io: IO, admitted: Admitted) -> WriterSession<IO> {
        let (shared, committer) = (Arc::clone(&self.shared), self.committer.clone());
        WriterSession::new(shared, committer, self.orders.clone(), admitted, io)
    }
}

/// Serves the listen port.
#[derive(Clone)]
pub(crate) struct Listeners {
    pub(crate) shared: Arc<Shared>,
    pub(crate) fan_out: Arc<FanOut>,
}

impl Listeners {
    /// A stream that the fan-out may write to.
    pub(crate) fn serve(&self, stream: TcpStream, admitted: Admitted) -> impl Future<Output = ()> + Send + use<> {
        let stream = Arc::new(stream);
        let parting = Parting::new(&stream, self.shared.config.limits.stall);
        let seat = Seat::new(Arc::clone(&self.fan_out), Arc::clone(&stream));
        listen(Arc::clone(&self.shared), SharedStream::new(stream), Some(seat), admitted, parting)
    }

    pub(crate) fn serve_secure(
        &self,
        ports: &TlsPorts,
        stream: TcpStream,
        admitted: Admitted,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (shared, ports, stream) = (Arc::clone(&self.shared), ports.clone(), Arc::new(stream));
        async move {
            let parting = Parting::new(&stream, shared.config.limits.stall);
            if let Some(stream) = Box::pin(ports.secure(SharedStream::new(stream))).await {
                listen(shared, stream, None, admitted, parting).await;
            }
        }
    }
}

/// The listener's place is the end of the log now.
fn listen<IO: AsyncRead + AsyncWrite + Unpin + Send>(
    shared: Arc<Shared>,
    io: IO,
    seat: Option<Seat>,
    admitted: Admitted,
    parting: Parting,
) -> impl Future<Output = ()> + Send + use<IO> {
    let tide = shared.room.tide();
    let now = *tide.borrow();
    let mut session = ListenerSession::new(shared, io, now).with_seat(seat);
    async move {
        let (_admitted, parting) = (admitted, parting);
        if let Err(gone) = session.run(tide).await {
            if matches!(gone, Gone::Stalled) {
                parting.at_once();
            }
            gone.log();
        }
    }
}
