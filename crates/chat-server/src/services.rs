//! What is done with a connection once it is let in: on which port it came, and through what. The
//! sessions themselves do not know.

use std::{future::Future, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use crate::{
    admission::Admitted,
    committer::Committer,
    fan_out::{FanOut, Seat, SharedStream},
    session::{ListenerSession, Orders, Shared, WriterSession},
    tls::TlsPorts,
};

/// Serves the write port.
#[derive(Clone)]
pub(crate) struct Writers {
    pub(crate) shared: Arc<Shared>,
    pub(crate) committer: Committer,
    pub(crate) orders: Orders,
}

impl Writers {
    pub(crate) fn serve<IO>(&self, io: IO, admitted: Admitted) -> impl Future<Output = ()> + Send + use<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let (shared, committer) = (Arc::clone(&self.shared), self.committer.clone());
        WriterSession::new(shared, committer, self.orders.clone(), admitted, io).run()
    }

    pub(crate) fn serve_secure(
        &self,
        ports: &TlsPorts,
        stream: TcpStream,
        admitted: Admitted,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (this, ports) = (self.clone(), ports.clone());
        async move {
            // Boxed: a handshake is short, and its future is larger than that of a session.
            if let Some(stream) = Box::pin(ports.secure(stream)).await {
                this.serve(stream, admitted).await;
            }
        }
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
        let seat = Seat::new(Arc::clone(&self.fan_out), Arc::clone(&stream));
        self.run(SharedStream::new(stream), Some(seat), admitted)
    }

    /// The listener's place is the end of the log now.
    fn run<IO>(&self, io: IO, seat: Option<Seat>, admitted: Admitted) -> impl Future<Output = ()> + Send + use<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let tide = self.shared.room.tide();
        let now = *tide.borrow();
        let mut session = ListenerSession::new(Arc::clone(&self.shared), io, now).with_seat(seat);
        async move {
            let _admitted = admitted;
            if let Err(gone) = session.run(tide).await {
                gone.log();
            }
        }
    }

    pub(crate) fn serve_secure(
        &self,
        ports: &TlsPorts,
        stream: TcpStream,
        admitted: Admitted,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (this, ports) = (self.clone(), ports.clone());
        async move {
            if let Some(stream) = Box::pin(ports.secure(stream)).await {
                this.run(stream, None, admitted).await;
            }
        }
    }
}
