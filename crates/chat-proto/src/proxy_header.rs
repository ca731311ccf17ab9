//! The header with which a balancer tells the address of its client: the PROXY protocol of HAProxy, versions 1 and 2.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The first bytes of version 2.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// The beginning of version 1.
const WORD: &[u8] = b"PROXY ";

/// The longest header of version 1 with its line feed, by its specification.
const LONGEST_LINE: usize = 107;

/// The most bytes after the fixed part of version 2: the addresses, and the fields that balancers add.
const LONGEST_REST: usize = 2_048;

/// Parses a header without I/O. It asks for so few bytes that none after the header is ever read.
///
/// ```
/// use chat_proto::{ProxyHeader, ProxyProgress};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut bytes: &[u8] = b"PROXY TCP4 192.0.2.7 10.0.0.2 51000 5000\r\nhello";
/// let mut header = ProxyHeader::default();
/// let client = loop {
///     match header.progress()? {
///         ProxyProgress::Need(count) => {
///             let (now, rest) = bytes.split_at(count);
///             header.receive(now);
///             bytes = rest;
///         }
///         ProxyProgress::Client(client) => break client,
///         _ => return Err("the balancer connects for itself".into()),
///     }
/// };
/// assert_eq!(client, "192.0.2.7:51000".parse()?);
/// // What follows the header was not touched.
/// assert_eq!(bytes, b"hello");
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct ProxyHeader {
    received: Vec<u8>,
}

/// What a [`ProxyHeader`] needs or has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyProgress {
    /// At most this many bytes may be read and received next.
    Need(usize),
    /// The header is complete, and names this client.
    Client(SocketAddr),
    /// The header is complete and names no client: the balancer connects for itself, for example to check the server.
    Own,
}

/// The connection does not start with a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyHeaderError {
    /// The first bytes are something else.
    #[error("the connection does not start with a PROXY header")]
    Missing,
    /// The header is longer than its specification permits.
    #[error("the PROXY header is too long")]
    TooLong,
    /// The header contains something that its version does not have.
    #[error("the PROXY header is malformed")]
    Malformed,
}

impl ProxyHeader {
    /// Adds bytes from the connection, at most as many as [`progress`](Self::progress) asked for.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
    }

    /// Returns what has been found, or how many bytes are needed.
    ///
    /// # Errors
    /// [`ProxyHeaderError`]; the connection must be closed.
    pub fn progress(&self) -> Result<ProxyProgress, ProxyHeaderError> {
        let received = self.received.as_slice();
        let start = received.len().min(SIGNATURE.len());
        // The shortest header of either version is longer than the signature, so all of it may be read at once.
        if received.get(..start) == SIGNATURE.get(..start) && start > 0 {
            return version_2(received);
        }
        let start = received.len().min(WORD.len());
        if received.get(..start) != WORD.get(..start) {
            return Err(ProxyHeaderError::Missing);
        }
        match received.len().checked_sub(SIGNATURE.len()) {
            Some(_) => version_1(received),
            None => Ok(ProxyProgress::Need(SIGNATURE.len() - received.len())),
        }
    }
}

#[cfg(feature = "connection")]
impl ProxyHeader {
    /// Reads the header of a connection, and no byte after it. Returns [`ProxyProgress::Client`] or
    /// [`ProxyProgress::Own`], or `None` if the connection ends before. There is no deadline of its own.
    ///
    /// # Errors
    /// [`ProxyHeaderError`]; the connection must be closed.
    ///
    /// # Cancel safety
    /// Not cancel safe: bytes that were read are lost.
    pub async fn read<R>(stream: &mut R) -> Result<Option<ProxyProgress>, ProxyHeaderError>
    where
        R: tokio::io::AsyncRead + Unpin,
    {
        use tokio::io::AsyncReadExt as _;
        let (mut header, mut buffer) = (Self::default(), [0; 512]);
        loop {
            let wanted = match header.progress()? {
                ProxyProgress::Need(count) => count.min(buffer.len()),
                found => return Ok(Some(found)),
            };
            match stream.read(&mut buffer[..wanted]).await {
                Ok(0) | Err(_) => return Ok(None),
                Ok(count) => header.receive(&buffer[..count]),
            }
        }
    }
}

fn version_1(received: &[u8]) -> Result<ProxyProgress, ProxyHeaderError> {
    let Some(line) = received.strip_suffix(b"\n") else {
        // One byte after the other, since what follows the line belongs to the connection.
        return if received.len() < LONGEST_LINE { Ok(ProxyProgress::Need(1)) } else { Err(ProxyHeaderError::TooLong) };
    };
    let line = line.strip_suffix(b"\r").and_then(|line| std::str::from_utf8(line).ok());
    let words: Vec<&str> = line.ok_or(ProxyHeaderError::Malformed)?.split(' ').collect();
    match words[..] {
        [_, "UNKNOWN", ..] => Ok(ProxyProgress::Own),
        [_, family @ ("TCP4" | "TCP6"), client, server, client_port, server_port] => {
            let address = |text: &str| -> Option<IpAddr> {
                text.parse().ok().filter(|found: &IpAddr| found.is_ipv4() == (family == "TCP4"))
            };
            let endpoint = |address: Option<IpAddr>, port: &str| Some(SocketAddr::new(address?, port.parse().ok()?));
            match (endpoint(address(client), client_port), endpoint(address(server), server_port)) {
                (Some(client), Some(_)) => Ok(ProxyProgress::Client(client)),
                _ => Err(ProxyHeaderError::Malformed),
            }
        }
        _ => Err(ProxyHeaderError::Malformed),
    }
}

fn version_2(received: &[u8]) -> Result<ProxyProgress, ProxyHeaderError> {
    let fixed = SIGNATURE.len() + 4;
    let [version, family, high, low] = match received.get(SIGNATURE.len()..fixed).and_then(|rest| rest.try_into().ok())
    {
        Some(rest) => rest,
        None => return Ok(ProxyProgress::Need(fixed - received.len())),
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > LONGEST_REST {
        return Err(ProxyHeaderError::TooLong);
    }
    if version >> 4 != 2 {
        return Err(ProxyHeaderError::Malformed);
    }
    let missing = (fixed + length).saturating_sub(received.len());
    if missing > 0 {
        return Ok(ProxyProgress::Need(missing));
    }
    let rest = received.get(fixed..).unwrap_or_default();
    // Both addresses, then both ports.
    let port = |at: usize| rest.get(at..)?.first_chunk().map(|port| u16::from_be_bytes(*port));
    let whole = |length: usize| (rest.len() >= length).then_some(());
    let v4 = || {
        whole(12)?;
        Some(SocketAddr::new(Ipv4Addr::from(*rest.first_chunk::<4>()?).into(), port(8)?))
    };
    let v6 = || {
        whole(36)?;
        Some(SocketAddr::new(Ipv6Addr::from(*rest.first_chunk::<16>()?).into(), port(32)?))
    };
    match (version & 0xf, family) {
        (0, _) => Ok(ProxyProgress::Own),
        (1, 0x11) => v4().map(ProxyProgress::Client).ok_or(ProxyHeaderError::Malformed),
        (1, 0x21) => v6().map(ProxyProgress::Client).ok_or(ProxyHeaderError::Malformed),
        // Another kind of connection, whose client has no address that the limits could count.
        (1, _) => Ok(ProxyProgress::Own),
        _ => Err(ProxyHeaderError::Malformed),
    }
}

#[cfg(test)]
mod tests;
