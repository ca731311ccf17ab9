//! How the gateway connects to the room: over TCP, with the address of the browser announced where the room asks for it.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use chat_client::{BoxedIo, ClientConfig, Dial, DialFuture, Side, TcpDial};
use tokio::io::AsyncWriteExt as _;

/// For whom a connection is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ForWhom {
    /// The gateway itself: its listener, and reading back.
    Gateway,
    /// The person whose browser has this address.
    Browser(IpAddr),
}

/// Makes dials. Clones are the same.
#[derive(Clone)]
pub struct Dialler(Arc<dyn Fn(ForWhom) -> Box<dyn Dial> + Send + Sync>);

impl Dialler {
    /// Connects to the addresses of a configuration. `announce`: each connection starts with a PROXY header, version 2.
    pub(crate) fn new(config: &ClientConfig, announce: bool) -> Self {
        let tcp = TcpDial::new(config);
        Self(Arc::new(move |for_whom| {
            let tcp = tcp.clone();
            if announce { Box::new(AnnouncedDial { tcp, for_whom }) } else { Box::new(tcp) }
        }))
    }

    /// Connects with the dials that `dial` makes, for tests.
    pub fn from_dials<D: Dial>(dial: impl Fn() -> D + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |_| Box::new(dial())))
    }

    pub(crate) fn dial(&self, for_whom: ForWhom) -> Box<dyn Dial> {
        (self.0)(for_whom)
    }
}

impl fmt::Debug for Dialler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialler")
    }
}

/// A dial whose streams start with a PROXY header.
struct AnnouncedDial {
    tcp: TcpDial,
    for_whom: ForWhom,
}

impl Dial for AnnouncedDial {
    fn dial(&self, side: Side) -> DialFuture<'_> {
        self.dial_node(0, side)
    }

    fn nodes(&self) -> usize {
        self.tcp.nodes()
    }

    fn dial_node(&self, node: usize, side: Side) -> DialFuture<'_> {
        Box::pin(async move {
            let mut stream: BoxedIo = self.tcp.dial_node(node, side).await?;
            if let Err(source) = stream.write_all(&proxy_header(self.for_whom)).await {
                return Err(chat_client::ConnectError::Connect { address: "the room".into(), source });
            }
            Ok(stream)
        })
    }
}

/// Returns the header of the PROXY protocol, version 2. The destination is not known here and is not used by servers; it
/// is the unspecified address.
fn proxy_header(for_whom: ForWhom) -> Vec<u8> {
    const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
    const LOCAL: u8 = 0x20;
    const PROXY: u8 = 0x21;
    let mut header = SIGNATURE.to_vec();
    match for_whom {
        ForWhom::Gateway => header.extend([LOCAL, 0, 0, 0]),
        ForWhom::Browser(ip) => match ip.to_canonical() {
            IpAddr::V4(ip) => {
                header.extend([PROXY, 0x11, 0, 12]);
                header.extend(ip.octets());
                header.extend([0; 8]);
            }
            IpAddr::V6(ip) => {
                header.extend([PROXY, 0x21, 0, 36]);
                header.extend(ip.octets());
                header.extend([0; 20]);
            }
        },
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_has_the_length_that_it_names() {
        for for_whom in [
            ForWhom::Gateway,
            ForWhom::Browser("192.0.2.1".parse().unwrap()),
            ForWhom::Browser("2001:db8::1".parse().unwrap()),
        ] {
            let header = proxy_header(for_whom);
            assert_eq!(usize::from(header[15]), header.len() - 16, "{for_whom:?}");
        }
    }
}
