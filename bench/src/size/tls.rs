//! Listeners over TLS without work.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::connections::{UNLIMITED, settled};
use super::cost::{Cost, each};
use crate::server_process::{ServerOptions, ServerProcess};
use crate::tls::Certificate;

pub(super) fn idle(options: &ServerOptions, number: u64) -> Result<Cost> {
    let files = Certificate::create()?;
    let connector = TlsConnector::from(files.client());
    let [certificate, key] = files.paths()?;
    let own =
        ["--tls-listen", "127.0.0.1:0", "--tls-write", "127.0.0.1:0", "--tls-cert", &certificate, "--tls-key", &key];
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
