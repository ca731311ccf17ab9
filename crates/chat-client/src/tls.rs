//! Whom to trust, and a stream that only the trusted can read. Nothing here falls back to plain TCP.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::{fmt, io};

use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, InvalidDnsNameError, ServerName, UnixTime};
use tokio_rustls::rustls::{
    self, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

use crate::dial::BoxedIo;
use crate::error::ConnectError;

/// By what the server proves who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// A certificate that this machine's own roots vouch for.
    Roots,
    /// A certificate that one of this file (PEM) vouches for, and no others.
    CaFile(PathBuf),
    /// This very certificate, whatever its name, its dates and its issuer.
    Pin(Fingerprint),
}

/// The SHA-256 of a certificate in DER.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

/// Not 64 hexadecimal digits, with or without colons, `sha256:`, or openssl's `sha256 Fingerprint=` before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 fingerprint (64 hexadecimal digits, colons allowed)")]
pub struct FingerprintError;

/// Why there is no secure connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The file with the roots cannot be used.
    #[error("cannot use the certificates in {}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: PemError,
    },
    /// There is nobody to trust.
    #[error("there are no trusted root certificates on this machine: name a file of your own")]
    NoRoots,
    /// The host is no name that a certificate could have.
    #[error("no certificate can be for this host name")]
    Name(#[source] InvalidDnsNameError),
    /// The certificate is not valid now.
    #[error("the server's certificate has expired or is not yet valid")]
    Expired,
    /// The certificate is for somebody else.
    #[error("the server's certificate is for another name")]
    WrongName,
    /// Nobody whom we trust vouches for the certificate, as with a self-signed one.
    #[error("nobody trusted vouches for the server's certificate")]
    UnknownIssuer,
    /// The certificate is one that may vouch for others, as `openssl req -x509` makes them by default.
    #[error(
        "the server's certificate is made for an authority and not for a server: trust it by its fingerprint (--pin), or make one with basicConstraints CA:FALSE"
    )]
    Authority,
    /// It is not the pinned certificate.
    #[error("the server's certificate is not the pinned one, but {0}")]
    NotPinned(Fingerprint),
    /// What answers speaks no TLS, or none that is safe.
    #[error("the server does not speak TLS that is safe here")]
    NoTls(#[source] rustls::Error),
    /// The handshake failed in another way.
    #[error("the handshake failed")]
    Handshake(#[source] rustls::Error),
}

/// Turns TCP streams into secure ones.
#[derive(Clone)]
pub(crate) struct Connector(TlsConnector);

impl Connector {
    pub(crate) fn new(trust: &Trust) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Handshake)?;
        let config = match trust {
            Trust::Roots => builder.with_root_certificates(platform_roots()?),
            Trust::CaFile(path) => builder.with_root_certificates(file_roots(path)?),
            Trust::Pin(pin) => {
                let verifier = Arc::new(PinVerifier { pin: *pin, provider });
                builder.dangerous().with_custom_certificate_verifier(verifier)
            }
        };
        Ok(Self(TlsConnector::from(Arc::new(config.with_no_client_auth()))))
    }

    /// Shakes hands. The error says whether the network failed or the server is not to be trusted.
    pub(crate) async fn secure(&self, host: &str, address: &str, stream: TcpStream) -> Result<BoxedIo, ConnectError> {
        let refused = |source| ConnectError::Tls { address: address.into(), source };
        let name = ServerName::try_from(host.to_owned()).map_err(|error| refused(TlsError::Name(error)))?;
        match self.0.connect(name, stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(match of_handshake(&error) {
                Some(source) => refused(source),
                None => ConnectError::Connect { address: address.into(), source: error },
            }),
        }
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

/// What TLS itself has to say about a failure; `None` when it was the network.
fn of_handshake(error: &io::Error) -> Option<TlsError> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => TlsError::Expired,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => TlsError::WrongName,
            // A bad signature is that of a namesake: nobody trusted has made it.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => TlsError::UnknownIssuer,
            CertificateError::Other(other) => {
                if let Some(NotPinned(found)) = other.0.downcast_ref() {
                    TlsError::NotPinned(*found)
                } else if let Some(webpki::Error::CaUsedAsEndEntity) = other.0.downcast_ref() {
                    TlsError::Authority
                } else {
                    TlsError::Handshake(error.clone())
                }
            }
            _ => TlsError::Handshake(error.clone()),
        },
        rustls::Error::InvalidMessage(_) | rustls::Error::PeerIncompatible(_) => TlsError::NoTls(error.clone()),
        other => TlsError::Handshake(other.clone()),
    })
}

fn platform_roots() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    // Certificates that cannot be read are of no use; the others are.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(TlsError::NoRoots) } else { Ok(roots) }
}

fn file_roots(path: &PathBuf) -> Result<RootCertStore, TlsError> {
    let failed = |source| TlsError::CaFile { path: path.clone(), source };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(failed)? {
        roots.add(certificate.map_err(failed)?).map_err(TlsError::Handshake)?;
    }
    if roots.is_empty() { Err(failed(PemError::NoItemsFound)) } else { Ok(roots) }
}

/// Trusts one certificate. That its owner has the key is still proven by the handshake.
#[derive(Debug)]
struct PinVerifier {
    pin: Fingerprint,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug, thiserror::Error)]
#[error("not the pinned certificate, but {0}")]
struct NotPinned(Fingerprint);

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let found = Fingerprint::of(end_entity);
        if found == self.pin {
            return Ok(ServerCertVerified::assertion());
        }
        let other = rustls::OtherError(Arc::new(NotPinned(found)));
        Err(rustls::Error::InvalidCertificate(CertificateError::Other(other)))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl Fingerprint {
    /// The fingerprint of a certificate in DER.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let text = text.trim();
        // As `openssl x509 -fingerprint` prints it; older ones write the name in capitals.
        let digits = match text.split_once('=') {
            Some((name, digits)) if name.eq_ignore_ascii_case("sha256 fingerprint") => digits,
            _ => text.strip_prefix("sha256:").unwrap_or(text),
        };
        let digits: Vec<u8> = digits
            .chars()
            .filter(|&c| c != ':')
            .map(|c| c.to_digit(16).map(|d| d as u8))
            .collect::<Option<_>>()
            .ok_or(FingerprintError)?;
        let mut bytes = [0; 32];
        if digits.len() != 64 {
            return Err(FingerprintError);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_tools_print_it() {
        let print = Fingerprint::of(b"certificate");
        assert_eq!(print.to_string().parse(), Ok(print));
        let hex = &print.to_string()[7..];
        let pairs: Vec<String> = hex.as_bytes().chunks(2).map(|p| String::from_utf8_lossy(p).to_uppercase()).collect();
        assert_eq!(pairs.join(":").parse(), Ok(print));
        assert_eq!(format!("sha256 Fingerprint={}\n", pairs.join(":")).parse(), Ok(print), "openssl 3");
        assert_eq!(format!("SHA256 Fingerprint={}", pairs.join(":")).parse(), Ok(print), "openssl 1");
        for bad in ["", "sha256:", "12", &hex[1..], &format!("{hex}0"), &hex.replace(&hex[..1], "g")] {
            assert_eq!(bad.parse::<Fingerprint>(), Err(FingerprintError), "{bad}");
        }
    }
}
