//! Two additional ports with the same dialogue over TLS.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, rustls};

use super::stream::SharedStream;
use crate::error::StartError;

/// The deadline of a handshake: a few round trips on a slow link.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// The addresses of the TLS ports, and the server's certificate.
#[derive(Clone)]
pub struct TlsPorts {
    /// The address for listeners. Port 0 picks a free port.
    pub listen: SocketAddr,
    /// The address for writers. Port 0 picks a free port.
    pub write: SocketAddr,
    acceptor: TlsAcceptor,
}

impl TlsPorts {
    /// Reads the certificate chain and its key from PEM files.
    ///
    /// # Errors
    /// [`StartError::Certificate`] if a file cannot be read, or the two do not belong together.
    pub fn from_files(listen: SocketAddr, write: SocketAddr, cert: &Path, key: &Path) -> Result<Self, StartError> {
        let unreadable =
            |path: &Path, source: PemError| StartError::Pem { path: path.to_owned(), source: source.into() };
        let sequence = CertificateDer::pem_file_iter(cert)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|source| unreadable(cert, source))?;
        if sequence.is_empty() {
            return Err(unreadable(cert, PemError::NoItemsFound));
        }
        let secret = PrivateKeyDer::from_pem_file(key).map_err(|source| unreadable(key, source))?;
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(sequence, secret))
            .map_err(|error| StartError::Certificate(error.into()))?;
        Ok(Self { listen, write, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// Performs the handshake; `None` if it fails or takes too long.
    pub(crate) async fn handshake(&self, stream: SharedStream) -> Option<TlsStream<SharedStream>> {
        match timeout(HANDSHAKE_WITHIN, self.acceptor.accept(stream)).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!(%error, "the TLS handshake failed");
                None
            }
            Err(_) => None,
        }
    }
}

impl fmt::Debug for TlsPorts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsPorts").field("listen", &self.listen).field("write", &self.write).finish_non_exhaustive()
    }
}
