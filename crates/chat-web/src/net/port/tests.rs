//! Who is served: the own user, and browsers behind a balancer.

use chat_client::ClientConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::*;
use crate::gateway::GatewayConfig;

/// Returns the answer to a request; empty if the connection was closed instead.
async fn answer(port: &WebPort, gateway: &Gateway) -> Vec<u8> {
    let address = port.address().unwrap();
    let request = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut answer = Vec::new();
        // A connection that was turned away may be reset at any step.
        if stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.is_ok() {
            let _ = stream.read_to_end(&mut answer).await;
        }
        answer
    };
    let served = async {
        tokio::select! {
            () = port.serve(gateway) => Vec::new(),
            answer = request => answer,
        }
    };
    timeout(Duration::from_secs(30), served).await.unwrap()
}

#[tokio::test]
async fn browsers_of_other_users_are_turned_away() {
    let mut port = WebPort::open("127.0.0.1:0".parse().unwrap(), None).await.unwrap();
    port.is_own_user = |_, _| false;
    let mut config = GatewayConfig::new(ClientConfig::new("127.0.0.1"));
    let gateway = Gateway::start(config.clone());
    assert!(!answer(&port, &gateway).await.is_empty());
    port.admit_own_user_only();
    assert!(answer(&port, &gateway).await.is_empty());
    port.is_own_user = |_, _| true;
    assert!(!answer(&port, &gateway).await.is_empty());
    port.is_own_user = |_, _| false;
    config.proxies = vec!["127.0.0.0/8".parse().unwrap()];
    assert!(!answer(&port, &Gateway::start(config)).await.is_empty());
}

/// Sends bytes from a balancer, and returns what comes back until the connection ends.
async fn send(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut answer = Vec::new();
    if stream.write_all(bytes).await.is_ok() {
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut answer).await;
    }
    answer
}

/// Starts a gateway behind a balancer at 127.0.0.1.
fn behind_balancer() -> Gateway {
    let mut config = GatewayConfig::new(ClientConfig::new("127.0.0.1"));
    config.proxy_from = vec!["127.0.0.1".parse::<IpAddr>().unwrap().into()];
    Gateway::start(config)
}

/// Runs a client of the port while it is served.
async fn while_served<T>(port: &WebPort, gateway: &Gateway, client: impl Future<Output = T>) -> T {
    let served = async {
        tokio::select! {
            () = port.serve(gateway) => unreachable!("it serves until it is dropped"),
            done = client => done,
        }
    };
    timeout(Duration::from_secs(60), served).await.unwrap()
}

#[tokio::test]
async fn balancer_begins_with_a_header() {
    let port = WebPort::open("127.0.0.1:0".parse().unwrap(), None).await.unwrap();
    let address = port.address().unwrap();
    let gateway = behind_balancer();
    let request = format!("GET /robots.txt HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").into_bytes();
    let first = b"PROXY TCP4 192.0.2.7 192.0.2.9 50123 8080\r\n".to_vec();
    let mut second = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    second.extend([192, 0, 2, 7, 192, 0, 2, 9, 0xc3, 0xcb, 0x1f, 0x90]);
    // The balancer itself, which checks the gateway.
    let local = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0".to_vec();
    let client = async {
        for header in [first, second, local] {
            let answer = send(address, &[header, request.clone()].concat()).await;
            assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
        }
        let hostile: [&[u8]; 8] = [
            &request,
            b"",
            b"PROXY TCP4 192.0.2.7",
            b"PROXY TCP4 not.an.ip 192.0.2.9 1 2\r\nGET / HTTP/1.1\r\n\r\n",
            b"PROXY TCP4 192.0.2.7 192.0.2.9 50123 8080 more\r\nGET / HTTP/1.1\r\n\r\n",
            &[b"PROXY TCP4 ".as_slice(), &[b'1'; 4_000]].concat(),
            &[b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff".as_slice(), &[0; 4_000]].concat(),
            b"\x16\x03\x01\x02\0\x01\0",
        ];
        for bytes in hostile {
            assert_eq!(send(address, bytes).await, b"", "{}", bytes.escape_ascii());
        }
    };
    while_served(&port, &gateway, client).await;
}

#[tokio::test]
async fn header_of_other_peers_is_no_request() {
    let port = WebPort::open("127.0.0.1:0".parse().unwrap(), None).await.unwrap();
    let address = port.address().unwrap();
    let gateway = Gateway::start(GatewayConfig::new(ClientConfig::new("127.0.0.1")));
    let bytes = format!("PROXY TCP4 192.0.2.7 192.0.2.9 1 2\r\nGET / HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let answer = while_served(&port, &gateway, send(address, bytes.as_bytes())).await;
    assert!(answer.starts_with(b"HTTP/1.1 400 "), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn browsers_behind_a_balancer_are_counted_each() {
    let port = WebPort::open("127.0.0.1:0".parse().unwrap(), None).await.unwrap();
    let address = port.address().unwrap();
    let gateway = behind_balancer();
    let request = format!("GET /robots.txt HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let open = async |browser: &str| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let bytes = format!("PROXY TCP4 {browser} 192.0.2.9 50123 8080\r\n{request}");
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let mut beginning = [0; 12];
        let is_served = stream.read_exact(&mut beginning).await.is_ok() && beginning == *b"HTTP/1.1 200";
        is_served.then_some(stream)
    };
    let client = async {
        let mut connections = Vec::new();
        for _ in 0..PER_ADDRESS {
            connections.push(open("192.0.2.7").await.expect("a place"));
        }
        assert!(open("192.0.2.7").await.is_none(), "one more than an address may have");
        assert!(open("192.0.2.8").await.is_some(), "another browser");
        // A place is free again once its connection has ended.
        connections.pop();
        while open("192.0.2.7").await.is_none() {
            tokio::task::yield_now().await;
        }
    };
    while_served(&port, &gateway, client).await;
    assert!(gateway.counters().refused_connections.load(Ordering::Relaxed) > 0);
}

/// A single address of IPv6 is not taken for its network.
#[tokio::test]
async fn proxies_and_this_machine_have_no_limit_of_one_browser() {
    let mut config = GatewayConfig::new(ClientConfig::new("127.0.0.1"));
    config.proxies = vec!["2001:db8::/128".parse().unwrap(), "2001:db8:1::5/128".parse().unwrap()];
    let gateway = Gateway::start(config);
    let by_address = ByAddress::default();
    let count = |address: &str| {
        let mut place = ConnectionPlace::take(&gateway, &by_address).unwrap();
        assert!(place.count(address.parse().unwrap()));
        place.counted.is_some()
    };
    for free in ["::1", "127.0.0.1", "::ffff:127.0.0.1", "2001:db8:1::5", "2001:db8::"] {
        assert!(!count(free), "{free}");
    }
    for counted in ["2001:db8::7", "2001:db8:1::6", "192.0.2.1"] {
        assert!(count(counted), "{counted}");
    }
}
