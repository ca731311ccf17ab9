//! TLS for servers and listeners of a bench: a certificate of its own, and listeners that decrypt what they receive.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustix::net::sockopt::set_socket_linger;
use tempfile::TempDir;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};

use crate::dialogue::{Step, await_answer, connect};

/// A certificate for 127.0.0.1 in files, and what trusts it.
pub(crate) struct Certificate {
    files: TempDir,
    config: Arc<ClientConfig>,
}

impl Certificate {
    pub(crate) fn create() -> Result<Self> {
        let files = tempfile::tempdir()?;
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
        fs::write(files.path().join("certificate.pem"), made.cert.pem())?;
        let key = files.path().join("key.pem");
        fs::write(&key, made.signing_key.serialize_pem())?;
        // The server warns of other modes.
        fs::set_permissions(key, fs::Permissions::from_mode(0o600))?;
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone())?;
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Ok(Self { files, config: Arc::new(config) })
    }

    /// Returns the paths of the certificate and of its key.
    pub(crate) fn paths(&self) -> Result<[String; 2]> {
        let path =
            |name| Path::to_str(&self.files.path().join(name)).map(str::to_owned).context("the path is not UTF-8");
        Ok([path("certificate.pem")?, path("key.pem")?])
    }

    /// Returns the configuration of a client that trusts it.
    pub(crate) fn client(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }
}

/// Connects, and goes through the dialogue of a listener.
pub(crate) fn open(
    address: SocketAddr,
    config: Arc<ClientConfig>,
    steps: &[Step],
) -> Result<(TcpStream, ClientConnection)> {
    let mut socket = connect(address)?;
    set_socket_linger(&socket, Some(Duration::ZERO))?;
    let mut connection = ClientConnection::new(config, ServerName::from(address.ip()))?;
    connection.complete_io(&mut socket).context("no TLS")?;
    let mut stream = Stream::new(&mut connection, &mut socket);
    for step in steps {
        stream.write_all(&step.send)?;
        await_answer(&mut stream, &step.until)?;
    }
    Ok((socket, connection))
}

/// Decrypts what was received, and calls `take` with each piece of it.
pub(crate) fn decrypt(
    connection: &mut ClientConnection,
    mut received: &[u8],
    mut take: impl FnMut(&[u8]),
) -> Result<()> {
    let mut plain = [0; 16 * 1024];
    while !received.is_empty() {
        connection.read_tls(&mut received)?;
        connection.process_new_packets()?;
        // An error means that nothing is left.
        while let Ok(count) = connection.reader().read(&mut plain) {
            ensure!(count > 0, "the server ended the connection of a listener");
            take(&plain[..count]);
        }
    }
    Ok(())
}
