//! The program: how it starts, what it prints, how it ends.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use chat_client::{ClientConfig, Listener, ListenerEvent, Nickname, Resume};
use chat_frontend::local_room::announced_page;
use chat_server::{MemoryJournal, Server, ServerConfig};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;
use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::CertificateDer;

use crate::support::{PageSocket, cookie_at, page};

const DEADLINE: Duration = Duration::from_secs(30);

fn program(dir: &tempfile::TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-web"));
    command.env("CHAT_DATA_DIR", dir.path().join("data")).env("CHAT_CONFIG_DIR", dir.path().join("config"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Returns two free ports for a room of this test.
fn free_ports() -> (u16, u16) {
    let open = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (one, other) = (open(), open());
    (one.local_addr().unwrap().port(), other.local_addr().unwrap().port())
}

/// Waits for the ready line and returns the address behind `name`.
async fn ready(child: &mut Child, names: &[&str]) -> Vec<String> {
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let line = timeout(DEADLINE, lines.next_line()).await.unwrap().unwrap().expect("a ready line");
    names
        .iter()
        .map(|name| {
            let value = line.split(' ').find_map(|word| word.strip_prefix(&format!("{name}=")));
            value.unwrap_or_else(|| panic!("no {name} in {line}")).to_owned()
        })
        .collect()
}

async fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    timeout(DEADLINE, stream.read_to_string(&mut text)).await.unwrap().unwrap();
    text
}

#[tokio::test]
async fn opens_a_local_room_and_ends_cleanly() {
    let dir = tempfile::tempdir().unwrap();
    let (listen, write) = free_ports();
    let mut command = program(&dir);
    command.args(["--http", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--local-room"]);
    command.args(["--listen-port", &listen.to_string(), "--write-port", &write.to_string()]);
    let mut child = command.spawn().unwrap();
    let found = ready(&mut child, &["http", "metrics", "url"]).await;
    assert_eq!(found[2], format!("http://{}/", found[0]));
    assert!(get(&found[0], "/robots.txt").await.starts_with("HTTP/1.1 200 "));
    assert!(get(&found[0], "/healthz").await.starts_with("HTTP/1.1 404 "));
    assert!(get(&found[1], "/healthz").await.ends_with("alive\n"));
    timeout(DEADLINE, async {
        while !get(&found[1], "/readyz").await.ends_with("ready\n") {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    let figures = get(&found[1], "/metrics").await;
    assert!(figures.contains("minechat_web_room_online 1") && figures.contains("# EOF"), "{figures}");
    let killed = Command::new("kill").arg(child.id().unwrap().to_string()).status().await.unwrap();
    assert!(killed.success());
    let output = timeout(DEADLINE, child.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("started a local room"), "{output:?}");
}

#[tokio::test]
async fn refuses_a_network_without_encryption() {
    let dir = tempfile::tempdir().unwrap();
    let output = timeout(DEADLINE, program(&dir).args(["--http", "0.0.0.0:0"]).output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("--tls-cert") && said.contains("--behind-proxy") && said.contains("--plain-http"), "{said}");
}

#[tokio::test]
async fn port_in_use_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = program(&dir).args(["--no-local-room", "--http", &address]).output();
    let output = timeout(DEADLINE, output).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&address) && !said.contains("os error"), "{said}");
}

#[tokio::test]
async fn configuration_errors_are_usage_errors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("web.toml");
    std::fs::write(&path, "htp = \"127.0.0.1:0\"\n").unwrap();
    let output = program(&dir).arg("--config").arg(&path).output();
    let output = timeout(DEADLINE, output).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("htp") && said.contains("web.toml"), "{said}");
}

#[tokio::test]
async fn serves_tls_with_a_secure_cookie_name() {
    let dir = tempfile::tempdir().unwrap();
    let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (chain, secret) = (dir.path().join("chain.pem"), dir.path().join("key.pem"));
    std::fs::write(&chain, key.cert.pem()).unwrap();
    std::fs::write(&secret, key.signing_key.serialize_pem()).unwrap();
    let mut command = program(&dir);
    command.args(["--no-local-room", "--http", "127.0.0.1:0"]);
    command.arg("--tls-cert").arg(&chain).arg("--tls-key").arg(&secret);
    let mut child = command.spawn().unwrap();
    let found = ready(&mut child, &["http", "url"]).await;
    assert_eq!(found[1], format!("https://{}/", found[0]));
    // Plain HTTP on a TLS port is not answered.
    let mut stream = TcpStream::connect(&found[0]).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut raw = Vec::new();
    let _ = timeout(DEADLINE, stream.read_to_end(&mut raw)).await.unwrap();
    assert!(!raw.starts_with(b"HTTP/"), "{raw:?}");
}

/// Opens a page at a gateway; `None` if the gateway is gone.
async fn open(host: &str, account: &(String, String)) -> Option<PageSocket> {
    let stream = TcpStream::connect(host).await.ok()?;
    let cookie = cookie_at(host, &account.1, &account.0);
    Some(page(Box::new(stream), host, "", Some(&cookie)).await)
}

#[tokio::test]
async fn killed_program_stores_each_post_once() {
    let server = Server::start(ServerConfig::on_free_ports(), MemoryJournal::new()).await.unwrap();
    let mut config = ClientConfig::new("127.0.0.1");
    (config.listen_port, config.write_port) = (server.listen_addr().port(), server.write_addr().port());
    let account = chat_client::register(&config, Nickname::new("Bob").unwrap()).await.unwrap();
    let account = (account.nickname.to_string(), account.token.expose().to_owned());
    let dir = tempfile::tempdir().unwrap();
    let (mut outbox, mut sent): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for round in 0..6_usize {
        let mut command = program(&dir);
        command.args(["--http", "127.0.0.1:0", "--no-local-room"]);
        command.args([
            "--listen-port",
            &config.listen_port.to_string(),
            "--write-port",
            &config.write_port.to_string(),
        ]);
        let mut child = command.spawn().unwrap();
        let host = ready(&mut child, &["http"]).await.remove(0);
        let mut page = open(&host, &account).await.unwrap();
        page.until("hello").await;
        for id in &outbox {
            page.post(id, id, true).await;
        }
        for number in 0..5 {
            let id = format!("r{round}-{number}");
            page.post(&id, &id, false).await;
            outbox.push(id.clone());
            sent.push(id);
        }
        // The last run confirms all; the earlier ones are killed with some posts on their way.
        let confirmations = if round == 5 { outbox.len() } else { 2 * round };
        for _ in 0..confirmations.min(outbox.len()) {
            let receipt = loop {
                let receipt = page.until("receipt").await;
                if receipt["state"] == "confirmed" && outbox.iter().any(|id| receipt["id"] == id.as_str()) {
                    break receipt;
                }
            };
            outbox.retain(|id| receipt["id"] != id.as_str());
        }
        child.kill().await.unwrap();
    }
    assert_eq!(outbox, Vec::<String>::new());
    config.resume = Resume::Last(1_000);
    let mut listener = Listener::builder(config).start();
    let mut texts: Vec<String> = Vec::new();
    loop {
        match timeout(DEADLINE, listener.next()).await.unwrap().unwrap() {
            ListenerEvent::Message(message) => texts.push(message.text.to_string()),
            ListenerEvent::CaughtUp(_) => break,
            _ => {}
        }
    }
    texts.sort_unstable();
    sent.sort_unstable();
    assert_eq!(texts, sent);
    server.drain().await.unwrap();
}

/// Starts a page that is shared with the users of this machine, for a room at these ports.
fn sharing(dir: &tempfile::TempDir, (listen, write): (u16, u16)) -> Command {
    let mut command = program(dir);
    command.args(["--http", "127.0.0.1:0", "--share", "127.0.0.1"]);
    command.args(["--listen-port", &listen.to_string(), "--write-port", &write.to_string()]);
    command
}

#[tokio::test]
async fn shared_page_is_announced_while_it_runs() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let ports = free_ports();
    let mut first = sharing(&dir, ports).spawn().unwrap();
    let url = ready(&mut first, &["url"]).await.remove(0);
    // The line comes first.
    let announced = async {
        loop {
            match announced_page(&data) {
                Some(link) => break link,
                None => tokio::task::yield_now().await,
            }
        }
    };
    assert_eq!(timeout(DEADLINE, announced).await.unwrap(), url);
    // Another one joins the room, which is shared at this address, and leaves the announcement alone.
    let mut second = sharing(&dir, ports).spawn().unwrap();
    ready(&mut second, &["url"]).await;
    assert_eq!(announced_page(&data), Some(url));
    second.kill().await.unwrap();
    first.kill().await.unwrap();
    assert_eq!(announced_page(&data), None);
}

#[tokio::test]
async fn room_that_is_not_shared_has_no_shared_page() {
    let dir = tempfile::tempdir().unwrap();
    let ports = free_ports();
    let mut own = program(&dir);
    own.args(["--http", "127.0.0.1:0", "--local-room"]);
    own.args(["--listen-port", &ports.0.to_string(), "--write-port", &ports.1.to_string()]);
    let mut own = own.spawn().unwrap();
    ready(&mut own, &["http"]).await;
    let output = timeout(DEADLINE, sharing(&dir, ports).output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("not shared at this address"), "{said}");
    own.kill().await.unwrap();
}

/// Writes a new certificate and its key, and returns the certificate.
fn renew(chain: &Path, secret: &Path) -> CertificateDer<'static> {
    let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(chain, key.cert.pem()).unwrap();
    std::fs::write(secret, key.signing_key.serialize_pem()).unwrap();
    key.cert.der().clone()
}

/// Returns whether a port shows this certificate.
async fn shows(address: &str, certificate: &CertificateDer<'static>) -> bool {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    timeout(DEADLINE, connector.connect("localhost".try_into().unwrap(), stream)).await.unwrap().is_ok()
}

/// Waits for lines on standard error, in any order.
async fn wait_for_reports(lines: &mut Lines<BufReader<ChildStderr>>, wanted: &[&str]) {
    let found = async {
        let mut missing = wanted.to_vec();
        while !missing.is_empty() {
            let line = lines.next_line().await.unwrap().unwrap_or_else(|| panic!("it ended without {wanted:?}"));
            missing.retain(|wanted| !line.contains(wanted));
        }
    };
    timeout(DEADLINE, found).await.unwrap_or_else(|_| panic!("no {wanted:?}"));
}

#[cfg(unix)]
#[tokio::test]
async fn hangup_reads_certificate_and_rates_again() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(ServerConfig::on_free_ports(), MemoryJournal::new()).await.unwrap();
    let (chain, secret, config) =
        (dir.path().join("chain.pem"), dir.path().join("key.pem"), dir.path().join("web.toml"));
    let first = renew(&chain, &secret);
    let content = |rate: &str| {
        let (listen, write) = (server.listen_addr().port(), server.write_addr().port());
        format!(
            "tls-cert = \"chain.pem\"\ntls-key = \"key.pem\"\nno-local-room = true\nhttp = \"127.0.0.1:0\"\n\
             listen-port = {listen}\nwrite-port = {write}\nregister-rate = \"{rate}\"\n"
        )
    };
    std::fs::write(&config, content("0:1")).unwrap();
    let mut child = program(&dir).arg("--config").arg(&config).spawn().unwrap();
    let address = ready(&mut child, &["http"]).await.remove(0);
    let mut reports = BufReader::new(child.stderr.take().unwrap()).lines();
    let hangup = || std::process::Command::new("kill").args(["-HUP", &child.id().unwrap().to_string()]).status();
    assert!(shows(&address, &first).await);

    // A configuration that cannot be used changes nothing.
    let second = renew(&chain, &secret);
    std::fs::write(&config, "register-rate = \"often\"\n").unwrap();
    assert!(hangup().unwrap().success());
    // Without a signal the new certificate is used, but not a half of it.
    wait_for_reports(&mut reports, &["nothing was changed", "the certificate was renewed"]).await;
    assert!(shows(&address, &second).await && !shows(&address, &first).await);
    std::fs::write(&secret, "-----BEGIN PRIVATE KEY-----\n").unwrap();
    wait_for_reports(&mut reports, &["the old one stays in use"]).await;
    assert!(shows(&address, &second).await);

    let third = renew(&chain, &secret);
    std::fs::write(&config, content("off")).unwrap();
    assert!(hangup().unwrap().success());
    wait_for_reports(&mut reports, &["reloaded"]).await;
    assert!(shows(&address, &third).await && !shows(&address, &second).await);
    child.kill().await.unwrap();
}

/// Returns whether this process ignores SIGHUP, as after `nohup`. Its children inherit that.
#[cfg(target_os = "linux")]
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(ignored.trim(), 16).unwrap() & 1 == 1
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn hangup_ends_what_has_nothing_to_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = program(&dir);
    let mut child = command.args(["--no-local-room", "--http", "127.0.0.1:0"]).spawn().unwrap();
    ready(&mut child, &["http"]).await;
    let id = child.id().unwrap().to_string();
    let told = Command::new("kill").args(["-HUP", &id]).status().await.unwrap();
    assert!(told.success());
    if hangup_is_ignored() {
        assert!(child.try_wait().unwrap().is_none(), "it was started to survive the end of its terminal");
        let told = Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
        assert!(told.success());
    }
    assert_eq!(timeout(DEADLINE, child.wait()).await.unwrap().unwrap().code(), Some(0));
}
