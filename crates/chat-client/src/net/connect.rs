//! Opens the streams of a service: those of a dialler, with TLS over them if configured, to one node after the other.

use chat_proto::{Connection, LineCodec, StateMachine};

use crate::config::{ClientConfig, Side};
use crate::net::dial::{Dial, TcpDial};
use crate::net::error::ConnectError;
use crate::net::io::{BoxedIo, Io};
#[cfg(feature = "tls")]
use crate::net::tls::TlsDial;
use crate::net::turn::DialInTurn;

/// Opens a stream to one port of the room as the services do, with TLS if configured. For programs that implement the
/// protocol themselves. With several nodes each is tried, in a random order.
///
/// # Errors
/// The reason why there is no connection to the node that was tried last.
///
/// # Cancel safety
/// Dropping the future drops the connection.
pub async fn connect(config: &ClientConfig, side: Side) -> Result<BoxedIo, ConnectError> {
    try_each(service_dial(config, None), side).await
}

/// Opens a stream as [`connect`] does, over one of `dial`. With [`ClientConfig::tls`], TLS runs over it.
///
/// # Errors
/// As [`connect`].
///
/// # Cancel safety
/// As [`connect`].
pub async fn connect_with(config: &ClientConfig, side: Side, dial: impl Dial) -> Result<BoxedIo, ConnectError> {
    try_each(service_dial(config, Some(Box::new(dial))), side).await
}

async fn try_each(dial: Box<dyn Dial>, side: Side) -> Result<BoxedIo, ConnectError> {
    let mut tried = 1;
    loop {
        match dial.dial(side).await {
            Err(_) if tried < dial.nodes() => tried += 1,
            result => return result,
        }
    }
}

/// Returns the dialler of a service, which dials the next node each time.
pub(crate) fn service_dial(config: &ClientConfig, dial: Option<Box<dyn Dial>>) -> Box<dyn Dial> {
    let dial = dial.unwrap_or_else(|| Box::new(TcpDial::new(config)));
    #[cfg(feature = "tls")]
    if let Some(trust) = &config.tls {
        // Over any dialler: a token must never leave in the clear because a program brought its own.
        return Box::new(DialInTurn::new(TlsDial::new(dial, config, trust.clone()), config.seed));
    }
    Box::new(DialInTurn::new(dial, config.seed))
}

/// Creates the connection of a service over a stream of its dialler.
pub(crate) fn service_connection<M: StateMachine, IO: Io>(
    config: &ClientConfig,
    machine: M,
    io: IO,
    codec: LineCodec,
) -> Connection<M, IO> {
    let connection = Connection::new(machine, io, codec);
    // Over TLS only `close_notify` is a clean end: a reset can be sent by an attacker on the path.
    if config.uses_tls() { connection.with_close_required() } else { connection }
}

#[cfg(all(test, feature = "tls"))]
mod tests {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use chat_proto::{ConnectionError, ListenerClient, ListenerClientConfig};
    use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf, join, sink};

    use super::*;
    use crate::net::trust::Trust;

    /// Ends with a reset.
    struct Reset;

    impl AsyncRead for Reset {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
        }
    }

    async fn end(config: &ClientConfig) -> ConnectionError {
        let io = join(b"Bob: hello\nBob: hel".chain(Reset), sink());
        let machine = ListenerClient::new(ListenerClientConfig::default(), std::time::Instant::now());
        let mut connection = service_connection(config, machine, io, LineCodec::for_client());
        loop {
            if let Err(error) = connection.next_event().await {
                return error;
            }
        }
    }

    #[tokio::test]
    async fn a_reset_is_no_end_over_tls() {
        let mut config = ClientConfig::default();
        assert!(matches!(end(&config).await, ConnectionError::Ended));
        config.tls = Some(Trust::Roots);
        let error = end(&config).await;
        assert!(!matches!(error, ConnectionError::Ended), "{error:?}");
    }
}
