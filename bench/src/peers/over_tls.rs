//! `chat-server` and redis with listeners over TLS. Their writers use plain connections, so that only the listeners differ.

use std::cell::OnceCell;
use std::sync::Arc;

use anyhow::Result;
use tokio_rustls::rustls::ClientConfig;

use super::confirms::Confirms;
use super::ours::Plain;
use super::peer::Peer;
use super::redis::{self, Redis};
use super::running::{Running, free_address};
use crate::dialogue::Step;
use crate::server_process::{ServerOptions, ServerProcess};
use crate::tls::Certificate;

/// A server whose listeners use TLS.
pub(crate) struct OverTls<P> {
    name: &'static str,
    plain: P,
    certificate: OnceCell<Certificate>,
    start: fn(&P, &Certificate) -> Result<Running>,
}

pub(super) fn ours_over_tls(options: ServerOptions) -> OverTls<Plain> {
    OverTls { name: "ours-tls", plain: Plain(options), certificate: OnceCell::new(), start: start_ours }
}

pub(super) fn redis_over_tls() -> OverTls<Redis> {
    OverTls { name: "redis-tls", plain: Redis, certificate: OnceCell::new(), start: start_redis }
}

fn start_ours(plain: &Plain, certificate: &Certificate) -> Result<Running> {
    let [certificate, key] = certificate.paths()?;
    let own =
        ["--tls-listen", "127.0.0.1:0", "--tls-write", "127.0.0.1:0", "--tls-cert", &certificate, "--tls-key", &key];
    Running::with_tls_listeners(ServerProcess::start(&plain.0, &own)?)
}

fn start_redis(_: &Redis, certificate: &Certificate) -> Result<Running> {
    let (plain, tls) = (free_address()?, free_address()?);
    let directory = tempfile::tempdir()?;
    let [certificate, key] = certificate.paths()?;
    let mut command = redis::command(plain, directory.path());
    command.args(["--tls-port", &tls.port().to_string(), "--tls-auth-clients", "no"]);
    command.args(["--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-ca-cert-file", &certificate]);
    Running::start(&mut command, tls, plain, directory)
}

impl<P: Peer> Peer for OverTls<P> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn start(&self) -> Result<Running> {
        if self.certificate.get().is_none() {
            // It was just seen to be empty.
            let _ = self.certificate.set(Certificate::create()?);
        }
        self.certificate.get().map_or_else(|| self.plain.start(), |certificate| (self.start)(&self.plain, certificate))
    }

    fn tls(&self) -> Option<Arc<ClientConfig>> {
        self.certificate.get().map(Certificate::client)
    }

    fn listener(&self, index: usize) -> Vec<Step> {
        self.plain.listener(index)
    }

    fn writer(&self) -> Vec<Step> {
        self.plain.writer()
    }

    fn post(&self, number: u64, text: &[u8], out: &mut Vec<u8>) {
        self.plain.post(number, text, out);
    }

    fn confirms(&self) -> Confirms {
        self.plain.confirms()
    }

    fn deliveries(&self) -> u64 {
        self.plain.deliveries() / 4
    }
}
