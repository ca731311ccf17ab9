//! The certificate of the gateway.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, rustls};

/// The deadline of a handshake: a few round trips on a slow link.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// A certificate chain and its key, which can be replaced while connections come. Clones are the same.
#[derive(Clone)]
pub(crate) struct WebCertificate(Arc<RwLock<TlsAcceptor>>);

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    /// A file cannot be read, or has nothing of its kind.
    #[error("could not read {path}", path = .path.display())]
    Pem {
        path: PathBuf,
        #[source]
        source: PemError,
    },
    /// The two do not belong together.
    #[error("the certificate and its key cannot be used")]
    Unusable(#[source] rustls::Error),
}

impl WebCertificate {
    /// Reads the chain and its key from PEM files.
    pub(crate) fn from_files(chain: &Path, key: &Path) -> Result<Self, CertificateError> {
        let unreadable = |path: &Path, source| CertificateError::Pem { path: path.to_owned(), source };
        let certificates = CertificateDer::pem_file_iter(chain)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|source| unreadable(chain, source))?;
        if certificates.is_empty() {
            return Err(unreadable(chain, PemError::NoItemsFound));
        }
        let secret = PrivateKeyDer::from_pem_file(key).map_err(|source| unreadable(key, source))?;
        let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, secret))
            .map_err(CertificateError::Unusable)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(RwLock::new(TlsAcceptor::from(Arc::new(config))))))
    }

    /// Uses another certificate for later connections. Open ones continue.
    pub(crate) fn replace(&self, new: &Self) {
        let new = new.acceptor();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = new;
    }

    fn acceptor(&self) -> TlsAcceptor {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Performs the handshake; `None` if it fails or takes too long.
    pub(crate) async fn handshake(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        match timeout(HANDSHAKE_WITHIN, self.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!(%error, "the TLS handshake failed");
                None
            }
            Err(_) => None,
        }
    }
}

impl fmt::Debug for WebCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebCertificate")
    }
}
