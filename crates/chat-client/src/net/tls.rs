//! TLS over the streams of a dialler. There is no fallback to plain TCP.

use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{self, CertificateError, RootCertStore};

use crate::blocking::unblock;
use crate::config::{ClientConfig, Side};
use crate::net::dial::{Dial, DialFuture};
use crate::net::error::ConnectError;
use crate::net::io::BoxedIo;
use crate::net::trust::{ClientIdentity, NotPinned, PinVerifier, TlsError, Trust};

/// Runs TLS over the streams of another dialler.
pub(crate) struct TlsDial {
    inner: Box<dyn Dial>,
    /// For each node, since each may have a certificate of its own.
    nodes: Vec<ClientConfig>,
    trust: Trust,
    /// Created with the first connection, because reading the system's root certificates takes longer than connecting.
    connector: OnceLock<TlsConnector>,
}

impl TlsDial {
    pub(crate) fn new(inner: Box<dyn Dial>, config: &ClientConfig, trust: Trust) -> Self {
        Self { inner, nodes: config.each_node(), trust, connector: OnceLock::new() }
    }

    async fn connect(&self, node: usize, side: Side) -> Result<BoxedIo, ConnectError> {
        // A dialler of the caller may have more nodes than the configuration, which has at least one.
        let config = self.nodes.get(node).unwrap_or(&self.nodes[0]);
        let deadline = Instant::now() + config.connect_timeout;
        let stream = self.inner.dial_node(node, side).await?;
        let host = config.checked_host(side)?;
        let address = config.addr_text(side);
        let refused = |source| ConnectError::Tls { address: address.as_str().into(), source };
        let connector = self.connector().await.map_err(refused)?;
        let name = ServerName::try_from(host.to_owned()).map_err(|error| refused(TlsError::Name(Box::new(error))))?;
        // A dialler of the caller may have used up the deadline; the handshake always gets at least 1 s.
        let deadline = deadline.max(Instant::now() + Duration::from_secs(1));
        match timeout_at(deadline, connector.connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(error)) => Err(match handshake_error(&error) {
                Some(source) => refused(source),
                None => ConnectError::Connect { address: address.as_str().into(), source: error },
            }),
            Err(_) => {
                let after = config.connect_timeout;
                Err(ConnectError::NoHandshake { address: address.as_str().into(), after })
            }
        }
    }

    async fn connector(&self) -> Result<&TlsConnector, TlsError> {
        match self.connector.get() {
            Some(connector) => Ok(connector),
            None => {
                let (trust, identity) = (self.trust.clone(), self.nodes[0].client_identity.clone());
                // Reads the files with the trusted certificates.
                let made = unblock(move || connector(&trust, identity.as_ref())).await?;
                Ok(self.connector.get_or_init(|| made))
            }
        }
    }
}

impl Dial for TlsDial {
    fn dial(&self, side: Side) -> DialFuture<'_> {
        Box::pin(self.connect(0, side))
    }

    fn nodes(&self) -> usize {
        self.inner.nodes()
    }

    fn dial_node(&self, node: usize, side: Side) -> DialFuture<'_> {
        Box::pin(self.connect(node, side))
    }
}

fn connector(trust: &Trust, identity: Option<&ClientIdentity>) -> Result<TlsConnector, TlsError> {
    let handshake = |error: rustls::Error| TlsError::Handshake(Box::new(error));
    let provider = Arc::new(ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(handshake)?;
    let builder = match trust {
        Trust::Roots => builder.with_root_certificates(platform_roots()?),
        Trust::CaFile(path) => builder.with_root_certificates(file_roots(path)?),
        Trust::CaPem(pem) => {
            builder.with_root_certificates(roots(CertificateDer::pem_slice_iter(pem), &TlsError::CaPem)?)
        }
        Trust::Pin(pin) => {
            let verifier = PinVerifier::new(vec![*pin], provider);
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
        }
        Trust::AnyPin(pins) => {
            let verifier = PinVerifier::new(pins.clone(), provider);
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
        }
    };
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let failed = |error: PemError| TlsError::ClientIdentity(Box::new(error));
            let chain = CertificateDer::pem_slice_iter(&identity.certificates).collect::<Result<Vec<_>, _>>();
            let key = PrivateKeyDer::from_pem_slice(&identity.key).map_err(failed)?;
            builder
                .with_client_auth_cert(chain.map_err(failed)?, key)
                .map_err(|error| TlsError::ClientIdentity(Box::new(error)))?
        }
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Returns the TLS error of a failed handshake, or `None` if the network failed.
fn handshake_error(error: &io::Error) -> Option<TlsError> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => TlsError::Expired,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => TlsError::WrongName,
            // A bad signature means an untrusted authority that has the same name as the trusted one.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => TlsError::UnknownIssuer,
            CertificateError::Other(other) => {
                if let Some(NotPinned(found)) = other.0.downcast_ref() {
                    TlsError::NotPinned(*found)
                } else if let Some(webpki::Error::CaUsedAsEndEntity) = other.0.downcast_ref() {
                    TlsError::Authority
                } else {
                    TlsError::Handshake(Box::new(error.clone()))
                }
            }
            _ => TlsError::Handshake(Box::new(error.clone())),
        },
        rustls::Error::InvalidMessage(_) | rustls::Error::PeerIncompatible(_) => {
            TlsError::NoTls(Box::new(error.clone()))
        }
        other => TlsError::Handshake(Box::new(other.clone())),
    })
}

fn platform_roots() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    // Certificates that cannot be parsed are skipped; the others remain usable.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(TlsError::NoRoots) } else { Ok(roots) }
}

fn file_roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let failed = |source| TlsError::CaFile { path: path.to_owned(), source };
    roots(CertificateDer::pem_file_iter(path).map_err(|error| failed(Box::new(error)))?, &failed)
}

fn roots(
    certificates: impl Iterator<Item = Result<CertificateDer<'static>, PemError>>,
    failed: &dyn Fn(Box<dyn std::error::Error + Send + Sync>) -> TlsError,
) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let certificate = certificate.map_err(|error| failed(Box::new(error)))?;
        roots.add(certificate).map_err(|error| failed(Box::new(error)))?;
    }
    if roots.is_empty() { Err(failed(Box::new(PemError::NoItemsFound))) } else { Ok(roots) }
}
