//! The program on SIGHUP: new limits, errors that change nothing, a renewed certificate, a rotated log, and what it
//! tells a service manager.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::binary::{Program, command};
use crate::peer::{GREETING, Peer, guarded};

/// Writes the configuration and starts a program with it, in `dir`.
fn start(dir: &Path, content: &str) -> Program {
    write(dir, content);
    Program::start(&["--memory", "--config", dir.join("server.toml").to_str().unwrap()])
}

fn write(dir: &Path, content: &str) {
    std::fs::write(dir.join("server.toml"), content).unwrap();
}

/// Waits until a file contains a text, which the program writes at a time of its own.
async fn contains(path: &Path, text: &str) -> String {
    let found = async {
        loop {
            let content = std::fs::read_to_string(path).unwrap_or_default();
            if content.contains(text) {
                return content;
            }
            tokio::task::yield_now().await;
        }
    };
    guarded(text, found).await
}

#[tokio::test]
async fn sighup_applies_new_limits() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let program = start(dir.path(), "max-connections = 1\nlog-file = \"log\"\n");
    let mut first = Peer::connect(program.write).await;
    first.expect(GREETING).await;
    Peer::connect(program.write).await.expect_end().await;
    write(dir.path(), "max-connections = 2\nlog-file = \"log\"\nlisten = \"127.0.0.1:1\"\nstrict = true\n");
    program.signal("-HUP");
    let said = contains(&log, "reloaded the configuration").await;
    assert!(said.contains("changed=max-connections"), "{said}");
    // The command line overrides the file's address. What cannot change is named.
    let fixed: Vec<&str> = said.lines().filter(|line| line.contains("restart")).collect();
    assert!(fixed.len() == 1 && fixed[0].contains("key=strict"), "{said}");
    Peer::connect(program.write).await.expect(GREETING).await;
    program.signal("-TERM");
    first.expect_end().await;
    assert_eq!(program.end().0, Some(0));
}

#[tokio::test]
async fn wrong_file_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let program = start(dir.path(), "max-connections = 1\nlog-file = \"log\"\n");
    let mut first = Peer::connect(program.write).await;
    first.expect(GREETING).await;
    write(dir.path(), "log-file = \"log\"\nmax-connections = 5\nstall = \"x\"\n");
    program.signal("-HUP");
    let said = contains(&log, "could not reload").await;
    assert!(said.contains("ERROR") && said.contains("server.toml:3: stall is a text, but takes a number"), "{said}");
    Peer::connect(program.write).await.expect_end().await;
    std::fs::remove_file(dir.path().join("server.toml")).unwrap();
    program.signal("-HUP");
    contains(&log, "could not read").await;
    drop(first);
    let served = async { while Peer::connect(program.write).await.next_line().await.is_none() {} };
    guarded("a greeting", served).await;
}

#[tokio::test]
async fn sighup_opens_the_log_again() {
    let dir = tempfile::tempdir().unwrap();
    let (log, rotated) = (dir.path().join("log"), dir.path().join("log.1"));
    let program = Program::start(&["--memory", "--log-file", log.to_str().unwrap(), "--log-level", "warn"]);
    // At this level a reload is no event.
    std::fs::rename(&log, &rotated).unwrap();
    program.signal("-HUP");
    guarded("the new file", async {
        while !log.exists() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(log.metadata().unwrap().permissions().mode() & 0o007, 0);
    program.signal("-TERM");
    let (code, _, err) = program.end();
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "");
}

#[test]
fn log_that_cannot_be_opened_is_an_error() {
    let (code, _, err) = crate::binary::run(&["--memory", "--log-file", "/nowhere/log"]);
    assert_eq!(code, Some(1));
    assert!(err.starts_with("chat-server: could not open /nowhere/log: ") && err.lines().count() == 1, "{err}");
}

/// A certificate for 127.0.0.1 in `dir`; returns it.
fn certificate(dir: &Path) -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    let cert = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(dir.join("cert.pem"), cert.pem()).unwrap();
    std::fs::write(dir.join("key.pem"), key.serialize_pem()).unwrap();
    std::fs::set_permissions(dir.join("key.pem"), std::fs::Permissions::from_mode(0o600)).unwrap();
    cert.der().clone()
}

/// Connects over TLS to a server that has exactly this certificate.
async fn connect(port: SocketAddr, certificate: &CertificateDer<'static>) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(port).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::from(port.ip()), stream).await
}

async fn greeted(stream: &mut TlsStream<TcpStream>) {
    let mut greeting = vec![0; GREETING.len()];
    guarded("a greeting", stream.read_exact(&mut greeting)).await.unwrap();
    assert_eq!(greeting, GREETING.as_bytes());
}

#[tokio::test]
async fn renews_the_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let old = certificate(dir.path());
    let tls =
        "tls-listen = \"127.0.0.1:0\"\ntls-write = \"127.0.0.1:0\"\ntls-cert = \"cert.pem\"\ntls-key = \"key.pem\"\n";
    let program = start(dir.path(), &format!("{tls}log-file = \"log\"\n"));
    let port: SocketAddr = program.further.rsplit_once("tls-write=").unwrap().1.parse().unwrap();
    let mut open = connect(port, &old).await.unwrap();
    greeted(&mut open).await;
    // A key that does not belong to the certificate: the old one stays.
    std::fs::write(dir.path().join("key.pem"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    program.signal("-HUP");
    contains(&log, "could not use the certificate and its key").await;
    greeted(&mut connect(port, &old).await.unwrap()).await;
    let new = certificate(dir.path());
    program.signal("-HUP");
    contains(&log, "reloaded the configuration").await;
    greeted(&mut connect(port, &new).await.unwrap()).await;
    assert!(connect(port, &old).await.is_err());
    // Without a signal, by the time of its file.
    let newest = certificate(dir.path());
    contains(&log, "the certificate was renewed").await;
    greeted(&mut connect(port, &newest).await.unwrap()).await;
    // The connection of before is not affected.
    open.write_all(b"\nBob\n").await.unwrap();
    let mut prompt = [0; 8];
    guarded("an answer", open.read_exact(&mut prompt)).await.unwrap();
}

#[tokio::test]
async fn warns_of_a_key_that_others_can_read() {
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path());
    std::fs::set_permissions(dir.path().join("key.pem"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let ports = ["--tls-listen", "127.0.0.1:0", "--tls-write", "127.0.0.1:0"];
    let files = ["--tls-cert", &path("cert.pem"), "--tls-key", &path("key.pem"), "--memory"];
    let program = Program::start(&[&ports[..], &files[..]].concat());
    program.signal("-TERM");
    let (_, _, log) = program.end();
    assert!(log.contains("WARN") && log.contains("other users can read the key") && log.contains("key.pem"), "{log}");
}

/// Receives what the program tells a service manager.
fn told(socket: &UnixDatagram) -> Vec<String> {
    let mut message = [0; 4096];
    let count = socket.recv(&mut message).expect("a message");
    std::str::from_utf8(&message[..count]).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn tells_the_service_manager() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut command = command(&["--listen", "127.0.0.1:0", "--write", "127.0.0.1:0", "--memory"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "1000000");
    let program = Program::spawn(command);
    let mut all = Vec::new();
    // Status lines and signs of life come in between.
    let mut until = |wanted: &str| {
        loop {
            let message = told(&socket);
            let found = message.iter().any(|line| line == wanted);
            all.extend(message);
            if found {
                return;
            }
        }
    };
    until("READY=1");
    until("WATCHDOG=1");
    until("WATCHDOG=1");
    program.signal("-HUP");
    until("RELOADING=1");
    until("READY=1");
    program.signal("-TERM");
    until("STOPPING=1");
    assert!(all.iter().any(|line| line.starts_with("MONOTONIC_USEC=")), "{all:?}");
    assert!(all.iter().any(|line| line == "STATUS=connections: 0 listeners, 0 writers"), "{all:?}");
    assert_eq!(program.end().0, Some(0));
}
