//! Serves accepted connections: combines a stream, a permit and a session.

use std::future::Future;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::listener_connection;
use crate::admission::ConnectionPermit;
use crate::committer::Committer;
use crate::fan_out::{FanOut, Subscriber};
#[cfg(feature = "tls")]
use crate::net::TlsPorts;
use crate::net::{LingerGuard, SharedStream};
use crate::session::{ListenerSession, SessionContext, ShutdownSignal, WriterSession};

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
            let _linger = LingerGuard::new(&stream, &this.context.limits);
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
            let _linger = LingerGuard::new(&stream, &this.context.limits);
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
    /// Serves a TCP stream, which the fan-out may write to, from the current end of the log. Most listeners need no task:
    /// `None` is returned for them.
    pub(super) fn serve(
        &self,
        stream: TcpStream,
        permit: ConnectionPermit,
    ) -> Option<impl Future<Output = ()> + Send + use<>> {
        let stream = Arc::new(stream);
        let linger = LingerGuard::new(&stream, &self.context.limits);
        let subscriber = Subscriber::new(Arc::clone(&self.fan_out), Arc::clone(&stream));
        let session = ListenerSession::new(Arc::clone(&self.context), permit.peer(), SharedStream::new(stream));
        let mut session = session.with_subscriber(Some(subscriber));
        if session.is_banned() {
            return None;
        }
        let (session, permit, linger) = if session.is_idle_from_start() {
            listener_connection::rest(session, permit, linger)?
        } else {
            (session, permit, linger)
        };
        Some(listener_connection::serve(session, permit, linger))
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
            let linger = LingerGuard::new(&stream, &context.limits);
            if let Some(stream) = Box::pin(ports.handshake(SharedStream::new(stream), permit.peer())).await {
                let mut session = ListenerSession::new(context, permit.peer(), stream);
                if !session.is_banned() {
                    listener_connection::finish(session.run().await, permit.peer(), &linger);
                }
            }
        }
    }
}
