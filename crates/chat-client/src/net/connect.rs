//! Opens the streams of a service: those of a dialler, with TLS over them if configured.

use crate::config::{ClientConfig, Side};
use crate::net::dial::{Dial, TcpDial};
use crate::net::error::ConnectError;
use crate::net::io::BoxedIo;
#[cfg(feature = "tls")]
use crate::net::tls::TlsDial;

/// Opens a stream to one port of the room as the services do, with TLS if configured. For programs that implement the
/// protocol themselves.
///
/// # Errors
/// The reason why there is no connection.
///
/// # Cancel safety
/// Dropping the future drops the connection.
pub async fn connect(config: &ClientConfig, side: Side) -> Result<BoxedIo, ConnectError> {
    service_dial(config, None).dial(side).await
}

/// Returns the dialler of a service.
pub(crate) fn service_dial(config: &ClientConfig, dial: Option<Box<dyn Dial>>) -> Box<dyn Dial> {
    let dial = dial.unwrap_or_else(|| Box::new(TcpDial::new(config)));
    #[cfg(feature = "tls")]
    if let Some(trust) = &config.tls {
        // Over any dialler: a token must never leave in the clear because a program brought its own.
        return Box::new(TlsDial::new(dial, config, trust.clone()));
    }
    dial
}
