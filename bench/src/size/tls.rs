//! Listeners over TLS without work.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::connections::{UNLIMITED, settled};
use super::cost::{Cost, each};
use crate::server_process::{ServerOptions, ServerProcess};

pub(super) fn idle(options: &ServerOptions, number: u64) -> Result<Cost> {
    let files = tempfile::tempdir()?;
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    let (certificate, key) = (files.path().join("certificate.pem"), files.path().join("key.pem"));
    fs::write(&certificate, made.cert.pem())?;
    fs::write(&key, made.signing_key.serialize_pem())?;
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone())?;
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));

    let files = [certificate.to_str(), key.to_str()].map(|path| path.context("the path is not UTF-8"));
    let [certificate, key] = files;
    let own =
        ["--tls-listen", "127.0.0.1:0", "--tls-write", "127.0.0.1:0", "--tls-cert", certificate?, "--tls-key", key?];
    let server = ServerProcess::start(options, &[&own, &UNLIMITED[..]].concat())?;
    let address = server.tls_listen().context("the server does not say where it listens for TLS")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let connect = || async {
            let stream = TcpStream::connect(address).await?;
            anyhow::Ok(connector.connect(ServerName::from(SocketAddr::ip(&address)), stream).await?)
        };
        // The first connection causes one-time allocations.
        let _first = connect().await?;
        let before = settled(server.pid())?;
        let mut connections = Vec::new();
        for _ in 0..number {
            connections.push(connect().await?);
        }
        Ok(each(number, before, settled(server.pid())?))
    })
}
