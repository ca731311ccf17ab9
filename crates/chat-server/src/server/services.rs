//! Serves accepted connections: combines a stream, a permit and a session.

use std::future::Future;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::admission::ConnectionPermit;
use crate::committer::Committer;
use crate::fan_out::{FanOut, Subscriber};
#[cfg(feature = "tls")]
use crate::net::TlsPorts;
use crate::net::{LingerGuard, SharedStream};
use crate::session::{ListenerExit, ListenerSession, SessionContext, ShutdownSignal, WriterSession};

/// Serves the write port.
#[derive(Clone)]
pub(super) struct WriterService {
    pub(super) context: Arc<SessionContext>,
    pub(super) committer: Committer,
    pub(super) signal: ShutdownSignal,
}

impl WriterService {
    pub(super) fn serve(&self, stream: TcpStream, permit: ConnectionPermit) -> impl Future<Output = ()> + Send + use<> {
        let (this, stream) = (self.clone(), Arc::new(stream));
        async move {
            // Before the greeting.
            if this.context.moderation.is_address_banned(permit.peer()) {
                return;
            }
            let _linger = LingerGuard::new(&stream, this.context.limits.load().stall);
            this.session(SharedStream::new(stream), permit).run().await;
        }
    }

    #[cfg(feature = "tls")]
    pub(super) fn serve_tls(
        &self,
        ports: &TlsPorts,
        stream: TcpStream,
        permit: ConnectionPermit,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (this, ports, stream) = (self.clone(), ports.clone(), Arc::new(stream));
        async move {
            if this.context.moderation.is_address_banned(permit.peer()) {
                return;
            }
            let _linger = LingerGuard::new(&stream, this.context.limits.load().stall);
            // Boxed: the future of a handshake is short-lived and larger than that of a session.
            if let Some(stream) = Box::pin(ports.handshake(SharedStream::new(stream), permit.peer())).await {
                this.session(stream, permit).with_close_required().run().await;
            }
        }
    }

    fn session<IO: AsyncRead + AsyncWrite + Unpin>(&self, io: IO, permit: ConnectionPermit) -> WriterSession<IO> {
        let (context, committer) = (Arc::clone(&self.context), self.committer.clone());
        WriterSession::new(context, committer, self.signal.clone(), permit, io)
    }
}

/// Serves the listen port.
#[derive(Clone)]
pub(super) struct ListenerService {
    pub(super) context: Arc<SessionContext>,
    pub(super) fan_out: Arc<FanOut>,
}

impl ListenerService {
    /// Serves a TCP stream, which the fan-out may write to.
    pub(super) fn serve(&self, stream: TcpStream, permit: ConnectionPermit) -> impl Future<Output = ()> + Send + use<> {
        let stream = Arc::new(stream);
        let linger = LingerGuard::new(&stream, self.context.limits.load().stall);
        let subscriber = Subscriber::new(Arc::clone(&self.fan_out), Arc::clone(&stream));
        listen(Arc::clone(&self.context), SharedStream::new(stream), Some(subscriber), permit, linger)
    }

    #[cfg(feature = "tls")]
    pub(super) fn serve_tls(
        &self,
        ports: &TlsPorts,
        stream: TcpStream,
        permit: ConnectionPermit,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (context, ports, stream) = (Arc::clone(&self.context), ports.clone(), Arc::new(stream));
        async move {
            if context.moderation.is_address_banned(permit.peer()) {
                return;
            }
            let linger = LingerGuard::new(&stream, context.limits.load().stall);
            if let Some(stream) = Box::pin(ports.handshake(SharedStream::new(stream), permit.peer())).await {
                listen(context, stream, None, permit, linger).await;
            }
        }
    }
}

/// Serves a listener from the current end of the log. The end is read before the future is first polled, because
/// messages published after the connection was accepted belong to it.
fn listen<IO: AsyncRead + AsyncWrite + Unpin + Send>(
    context: Arc<SessionContext>,
    io: IO,
    subscriber: Option<Subscriber>,
    permit: ConnectionPermit,
    linger: LingerGuard,
) -> impl Future<Output = ()> + Send + use<IO> {
    let head = context.log.watch_head();
    let now = *head.borrow();
    let peer = permit.peer();
    let mut session = ListenerSession::new(context, peer, io, now).with_subscriber(subscriber);
    async move {
        if session.is_banned() {
            return;
        }
        let (_permit, linger) = (permit, linger);
        if let Err(exit) = session.run(head).await {
            if matches!(exit, ListenerExit::Stalled) {
                linger.reset();
            }
            exit.log(peer);
        }
    }
}
