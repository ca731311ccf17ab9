//! Which streams a service uses: those of a dialler, with TLS over them where the configuration wants it.

use crate::config::{ClientConfig, Side};
use crate::net::dial::{Dial, TcpDial};
use crate::net::error::ConnectError;
use crate::net::io::BoxedIo;
use crate::net::tls::TlsDial;

/// Opens a stream to one port of the room as the services do, with TLS if the configuration says so. For programs that
/// speak the protocol themselves.
///
/// # Errors
/// Why there is no connection.
///
/// # Cancel safety
/// Dropping the future drops the connection.
pub async fn connect(config: &ClientConfig, side: Side) -> Result<BoxedIo, ConnectError> {
    service_dial(config, None).dial(side).await
}

/// Returns what a service dials with.
pub(crate) fn service_dial(config: &ClientConfig, dial: Option<Box<dyn Dial>>) -> Box<dyn Dial> {
    let dial = dial.unwrap_or_else(|| Box::new(TcpDial::new(config)));
    match &config.tls {
        // Whatever opens the stream: a token must never leave in the clear because a program brought its own dialler.
        Some(trust) => Box::new(TlsDial::new(dial, config, trust.clone())),
        None => dial,
    }
}
