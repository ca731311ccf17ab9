//! TLS between the real `chat` and a real server: trusted certificates, and the messages for others.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::path::PathBuf;
use std::process::Output;

use chat_server::{ServerConfig, TlsPorts};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use sha2::{Digest as _, Sha256};
use support::*;

/// A certificate authority of the test, and a room with its certificate.
struct SecureRoom {
    room: Room,
    listen: String,
    write: String,
    ca: PathBuf,
    pin: String,
}

impl SecureRoom {
    /// Starts a room whose certificate is for `name` and not valid after `year`.
    fn start(home: &Home, name: &str, year: i32) -> Self {
        let authority_key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_cert = authority.self_signed(&authority_key).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let cert = params.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap();
        let ca = home.path("ca.pem");
        std::fs::write(&ca, authority_cert.pem()).unwrap();
        // The system's trust store, for this test: an unrelated authority.
        let stranger_key = KeyPair::generate().unwrap();
        let mut stranger = CertificateParams::new(Vec::new()).unwrap();
        stranger.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        std::fs::write(home.path("roots.pem"), stranger.self_signed(&stranger_key).unwrap().pem()).unwrap();
        std::fs::write(home.path("cert.pem"), cert.pem()).unwrap();
        std::fs::write(home.path("key.pem"), key.serialize_pem()).unwrap();
        let any = "127.0.0.1:0".parse().unwrap();
        let ports = TlsPorts::from_files(any, any, &home.path("cert.pem"), &home.path("key.pem")).unwrap();
        let mut config = ServerConfig::default();
        config.tls = Some(ports);
        let room = Room::with(config);
        let (listen, write) = room.server.as_ref().unwrap().tls_addrs().unwrap();
        let pin = Sha256::digest(cert.der()).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { room, listen: listen.port().to_string(), write: write.port().to_string(), ca, pin }
    }

    fn chat(&self, home: &Home, words: &[&str]) -> Output {
        let mut command = home.chat(words);
        command.env("SSL_CERT_FILE", home.path("roots.pem"));
        command.args(["--listen-port", &self.listen, "--write-port", &self.write, "--no-retry"]);
        run(command)
    }
}

const FAR: i32 = 4000;

#[test]
fn connects_by_authority_or_pin() {
    let home = Home::new();
    let room = SecureRoom::start(&home, "127.0.0.1", FAR);
    let mut ear = room.room.ear();
    let ca = room.ca.to_str().unwrap();
    let sent = room.chat(&home, &["send", "-u", "Bob", "-m", "by authority", "--ca-file", ca]);
    assert_eq!(code(&sent), 0, "{}", err(&sent));
    assert_eq!(ear.message().1, "by authority");
    let sent = room.chat(&home, &["send", "-u", "Bob", "-m", "by pin", "--pin", &room.pin]);
    assert_eq!(code(&sent), 0, "{}", err(&sent));
    assert_eq!(ear.message().1, "by pin");
    let heard = room.chat(&home, &["listen", "--last", "2", "--count", "2", "--pin", &room.pin]);
    assert_eq!((code(&heard), out(&heard).lines().count()), (0, 2), "{}", err(&heard));
}

#[test]
fn untrusted_server_gets_no_token() {
    let home = Home::new();
    let room = SecureRoom::start(&home, "127.0.0.1", FAR);
    let other = "ab".repeat(32);
    let send =
        |room: &SecureRoom, trust: &[&str]| room.chat(&home, &[&["send", "-u", "Bob", "-m", "secret"], trust].concat());
    for (trust, exit, says) in [
        (vec!["--tls"], 4, "not signed by a trusted authority"),
        (vec!["--pin", &other], 4, "not the pinned one"),
        (vec!["--pin", "12"], 2, "fingerprint"),
        (vec!["--ca-file", "not there"], 1, "not there"),
        (vec!["--ca-file", "key.pem"], 1, "key.pem"),
    ] {
        let refused = send(&room, &trust);
        assert_eq!(code(&refused), exit, "{trust:?}: {}", err(&refused));
        assert!(err(&refused).contains(says), "{trust:?}: {}", err(&refused));
    }
    let expired = SecureRoom::start(&home, "127.0.0.1", 2002);
    let refused = send(&expired, &["--ca-file", "ca.pem"]);
    assert!(code(&refused) == 4 && err(&refused).contains("expired"), "{}", err(&refused));
    let wrong = SecureRoom::start(&home, "other.example", FAR);
    let refused = send(&wrong, &["--ca-file", "ca.pem"]);
    assert!(code(&refused) == 4 && err(&refused).contains("another host name"), "{}", err(&refused));
}

#[test]
fn never_falls_back_to_plain_tcp() {
    let home = Home::new();
    let room = SecureRoom::start(&home, "127.0.0.1", FAR);
    // A TLS client on a plain port: an attacker who strips TLS gets nothing.
    let (listen, write) = (room.room.listen.port().to_string(), room.room.write.port().to_string());
    let mut command = home.chat(["send", "-u", "Bob", "-m", "secret", "--ca-file", "ca.pem", "--no-retry"]);
    command.args(["--listen-port", &listen, "--write-port", &write]);
    let refused = run(command);
    assert!(code(&refused) == 4 && err(&refused).contains("TLS"), "{}", err(&refused));
    // A plain client on a TLS port gets no greeting.
    let plain = room.chat(&home, &["send", "-u", "Bob", "-m", "hi"]);
    assert_eq!(code(&plain), 4, "{}", err(&plain));
}

#[test]
fn warns_once_of_an_unencrypted_token() {
    let home = Home::new();
    let words = ["send", "-u", "Bob", "-m", "hi", "--no-retry", "--host", "chat.invalid"];
    let exposed = run(home.chat(words));
    assert_eq!(err(&exposed).matches("unencrypted").count(), 1, "{}", err(&exposed));
    let hidden = run(home.chat(words.into_iter().chain(["--tls"])));
    assert!(!err(&hidden).contains("unencrypted"), "{}", err(&hidden));
    let (port, _guard) = dead_port();
    let here = run(home.chat(["send", "-u", "Bob", "-m", "hi", "--no-retry", "-p", &port.to_string()]));
    assert!(!err(&here).contains("unencrypted"), "{}", err(&here));
}

/// As `openssl req -x509` creates them: a self-signed authority.
#[test]
fn self_signed_certificate_has_advice() {
    let home = Home::new();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let cert = params.self_signed(&key).unwrap();
    std::fs::write(home.path("cert.pem"), cert.pem()).unwrap();
    std::fs::write(home.path("key.pem"), key.serialize_pem()).unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    let mut config = ServerConfig::default();
    config.tls = Some(TlsPorts::from_files(any, any, &home.path("cert.pem"), &home.path("key.pem")).unwrap());
    let room = Room::with(config);
    let (_, write) = room.server.as_ref().unwrap().tls_addrs().unwrap();
    let port = write.port().to_string();
    let send = ["send", "-u", "Bob", "-m", "hi", "--no-retry", "--port", &port];
    let output = run(home.chat([&send[..], &["--ca-file", "cert.pem"]].concat()));
    assert_eq!(code(&output), 4, "{}", err(&output));
    let said = err(&output);
    assert!(said.contains("--pin") && said.contains("CA:FALSE") && !said.contains("OtherError"), "{said}");
    let pin: String = Sha256::digest(cert.der()).iter().map(|byte| format!("{byte:02X}:")).collect();
    let pin = format!("sha256 Fingerprint={}", pin.trim_end_matches(':'));
    let output = run(home.chat([&send[..], &["--pin", &pin]].concat()));
    assert_eq!(code(&output), 0, "{}", err(&output));
}

/// Each node may have a certificate of its own, for its own name.
#[test]
fn verifies_each_node_by_its_name() {
    let (home, other) = (Home::new(), Home::new());
    let by_ip = SecureRoom::start(&home, "127.0.0.1", FAR);
    let by_name = SecureRoom::start(&other, "localhost", FAR);
    let trusted = home.path("both.pem");
    std::fs::write(&trusted, read(&by_ip.ca) + &read(&by_name.ca)).unwrap();
    let node = |host: &str, room: &SecureRoom| format!("{host}:{}:{}", room.listen, room.write);
    let ping = |nodes: [String; 2]| {
        run(home.chat(["ping", "--host", &nodes.join(","), "--ca-file", trusted.to_str().unwrap()]))
    };
    let right = ping([node("127.0.0.1", &by_ip), node("localhost", &by_name)]);
    assert_eq!((code(&right), out(&right).lines().count()), (0, 4), "{}", err(&right));
    let swapped = ping([node("localhost", &by_ip), node("127.0.0.1", &by_name)]);
    assert_eq!((code(&swapped), out(&swapped).as_str()), (4, ""));
    assert_eq!(err(&swapped).matches("for another host name").count(), 4, "{}", err(&swapped));
    // One node with a wrong certificate does not keep a program from the others, and gets no token.
    let mut ear = by_name.room.ear();
    for number in 0..6 {
        let nodes = [node("localhost", &by_ip), node("localhost", &by_name)].join(",");
        let text = number.to_string();
        let words = ["send", "-u", "Bob", "-m", &text, "--host", &nodes, "--ca-file", trusted.to_str().unwrap()];
        let sent = run(home.chat(words));
        assert_eq!(code(&sent), 0, "{}", err(&sent));
        assert_eq!(ear.message().1, text);
    }
}
