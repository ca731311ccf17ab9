//! Which server certificates a client accepts, and the errors of a TLS connection.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{self, CertificateError, DigitallySignedStruct, SignatureScheme};

/// Which server certificates are accepted.
///
/// ```
/// use chat_client::{ClientConfig, Trust};
///
/// let mut config = ClientConfig::new("chat.example.org");
/// (config.listen_port, config.write_port) = (5443, 5493);
/// config.tls = Some(Trust::Roots);
/// // Or exactly one certificate, by what `openssl x509 -fingerprint -sha256` prints:
/// let pin = "9F:86:D0:81:88:4C:7D:65:9A:2F:EA:A0:C5:5A:D0:15:A3:BF:4F:1B:2B:0B:82:2C:D1:5D:6C:15:B0:F0:0A:08";
/// config.tls = Some(Trust::Pin(pin.parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// Certificates signed by an authority in the system's store.
    Roots,
    /// Certificates signed by an authority in this file (PEM), and no others.
    CaFile(PathBuf),
    /// Certificates signed by an authority in this PEM text, and no others.
    CaPem(Vec<u8>),
    /// Exactly this certificate, regardless of name, dates and issuer.
    Pin(Fingerprint),
    /// Any of these certificates: during a change of certificate the old and the new one are both accepted.
    AnyPin(Vec<Fingerprint>),
}

/// The certificate with which the client proves its identity to a server that asks for one.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientIdentity {
    /// The certificate chain (PEM).
    pub certificates: Vec<u8>,
    /// The private key (PEM).
    pub key: Vec<u8>,
}

impl ClientIdentity {
    /// Creates an identity from the content of two PEM files.
    #[must_use]
    pub fn from_pem(certificates: Vec<u8>, key: Vec<u8>) -> Self {
        Self { certificates, key }
    }
}

/// Omits the key.
impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIdentity").finish_non_exhaustive()
    }
}

/// The SHA-256 of a certificate in DER.
///
/// ```
/// use chat_client::Fingerprint;
///
/// // The bytes of a certificate in DER.
/// let fingerprint = Fingerprint::of(b"");
/// assert!(fingerprint.to_string().starts_with("sha256:e3b0c442"));
/// assert_eq!(fingerprint.to_string().parse::<Fingerprint>()?, fingerprint);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

/// The text is not 64 hexadecimal digits, with or without colons, after an optional `sha256:` or openssl's `sha256
/// Fingerprint=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 fingerprint (64 hexadecimal digits, colons allowed)")]
pub struct FingerprintError;

/// The reason why there is no secure connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The file of trusted certificates cannot be used.
    #[error("could not use the certificates in {}", path.display())]
    CaFile {
        /// The PEM file.
        path: PathBuf,
        /// The error of the file or its content.
        source: Cause,
    },
    /// The PEM text of trusted certificates cannot be used.
    #[error("could not use the trusted certificates")]
    CaPem(#[source] Cause),
    /// The client's own certificate cannot be used.
    #[error("could not use the client certificate")]
    ClientIdentity(#[source] Cause),
    /// The system has no root certificates.
    #[error("no system root certificates found; configure a file of trusted certificates")]
    NoRoots,
    /// The host name cannot be in a certificate.
    #[error("the host name is not valid in a certificate")]
    Name(#[source] Cause),
    /// The certificate is expired or not yet valid.
    #[error("the server certificate has expired or is not yet valid")]
    Expired,
    /// The certificate is for another host.
    #[error("the server certificate is for another host name")]
    WrongName,
    /// The certificate is not signed by a trusted authority, for example self-signed.
    #[error("the server certificate is not signed by a trusted authority")]
    UnknownIssuer,
    /// The certificate is that of an authority, as `openssl req -x509` creates by default.
    #[error(
        "the server certificate is made for an authority and not for a server: trust it by its fingerprint (--pin), or make one with basicConstraints CA:FALSE"
    )]
    Authority,
    /// The certificate is not a pinned one.
    #[error("the server certificate is not the pinned one, but {0}")]
    NotPinned(Fingerprint),
    /// The server does not speak TLS, or only versions that are not safe.
    #[error("the server does not speak TLS, or no safe version of it")]
    NoTls(#[source] Cause),
    /// The handshake failed in another way.
    #[error("the TLS handshake failed")]
    Handshake(#[source] Cause),
}

/// The error of the TLS library.
type Cause = Box<dyn std::error::Error + Send + Sync>;

impl Fingerprint {
    /// Returns the fingerprint of a certificate in DER.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let text = text.trim();
        // The format of `openssl x509 -fingerprint`; older versions write the name in capitals.
        let digits = match text.split_once('=') {
            Some((name, digits)) if name.eq_ignore_ascii_case("sha256 fingerprint") => digits,
            _ => text.strip_prefix("sha256:").unwrap_or(text),
        };
        let digits: Vec<u8> = digits
            .chars()
            .filter(|&c| c != ':')
            // A hexadecimal digit is below 16.
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

/// Accepts only the pinned certificates. The handshake still proves that the server has the key.
#[derive(Debug)]
pub(super) struct PinVerifier {
    pins: Vec<Fingerprint>,
    provider: Arc<CryptoProvider>,
}

impl PinVerifier {
    pub(super) fn new(pins: Vec<Fingerprint>, provider: Arc<CryptoProvider>) -> Self {
        Self { pins, provider }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("not the pinned certificate, but {0}")]
pub(super) struct NotPinned(pub(super) Fingerprint);

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
        if self.pins.contains(&found) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_the_output_of_openssl() {
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
