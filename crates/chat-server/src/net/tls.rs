//! Two additional ports with the same dialogue over TLS.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
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

/// The addresses of the TLS ports, and the server's certificate. Clones share the certificate.
///
/// ```no_run
/// use std::path::Path;
///
/// use chat_server::{MemoryJournal, Server, ServerConfig, TlsPorts};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mut config = ServerConfig::default();
/// let (listen, write) = ("0.0.0.0:5443".parse()?, "0.0.0.0:5493".parse()?);
/// config.tls = Some(TlsPorts::from_files(listen, write, Path::new("cert.pem"), Path::new("key.pem"))?);
/// let server = Server::start(config, MemoryJournal::new()).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TlsPorts {
    /// The address for listeners. Port 0 picks a free port.
    pub listen: SocketAddr,
    /// The address for writers. Port 0 picks a free port.
    pub write: SocketAddr,
    certificate: Arc<RwLock<TlsCertificate>>,
}

/// A certificate chain and its key, which belong together.
#[derive(Clone)]
pub struct TlsCertificate(TlsAcceptor);

impl TlsCertificate {
    /// Reads the certificate chain and its key from PEM files. A key that other users can read is logged as a warning.
    ///
    /// # Errors
    /// [`StartError::Pem`] if a file cannot be read, [`StartError::Certificate`] if the two do not belong together.
    pub fn from_files(cert: &Path, key: &Path) -> Result<Self, StartError> {
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
        if is_open_to_others(key) {
            tracing::warn!(path = %key.display(), "other users can read the key of the certificate: chmod o= the file");
        }
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}

/// Returns true if every user of the machine can read or write a file.
fn is_open_to_others(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        path.metadata().is_ok_and(|found| found.mode() & 0o006 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

impl TlsPorts {
    /// Reads the certificate chain and its key from PEM files.
    ///
    /// # Errors
    /// As [`TlsCertificate::from_files`].
    pub fn from_files(listen: SocketAddr, write: SocketAddr, cert: &Path, key: &Path) -> Result<Self, StartError> {
        let certificate = Arc::new(RwLock::new(TlsCertificate::from_files(cert, key)?));
        Ok(Self { listen, write, certificate })
    }

    /// Replaces the certificate for later connections, also of a server that was started with a clone. Open connections
    /// continue with the old one.
    pub fn set_certificate(&self, certificate: TlsCertificate) {
        *self.certificate.write().unwrap_or_else(PoisonError::into_inner) = certificate;
    }

    /// Performs the handshake; `None` if it fails or takes too long.
    pub(crate) async fn handshake(&self, stream: SharedStream, peer: IpAddr) -> Option<TlsStream<SharedStream>> {
        let TlsCertificate(acceptor) = self.certificate.read().unwrap_or_else(PoisonError::into_inner).clone();
        match timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!(%peer, %error, "the TLS handshake failed");
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

impl fmt::Debug for TlsCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsCertificate")
    }
}
