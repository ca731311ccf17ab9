//! The proxy injects the faults of its profile, and no others.
#![allow(clippy::unwrap_used, missing_docs)]

use std::time::Duration;

use testkit::fault::{FaultKind, FaultProfile};
use testkit::proxy::Proxy;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Deadline of every wait.
const DEADLINE: Duration = Duration::from_secs(60);

/// Sends 100,000 bytes through a proxy that always injects this fault. Returns the bytes that arrived, the end of the
/// stream, and the number of injected faults.
async fn send_through(kind: Option<FaultKind>) -> (Vec<u8>, std::io::Result<usize>, u64) {
    timeout(DEADLINE, send_through_proxy(kind)).await.expect("the proxy stalls")
}

async fn send_through_proxy(kind: Option<FaultKind>) -> (Vec<u8>, std::io::Result<usize>, u64) {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let profile = FaultProfile {
        percent: if kind.is_some() { 100 } else { 0 },
        kinds: kind.into_iter().collect(),
        within: 5000,
        pause: Duration::from_millis(2),
    };
    let proxy = Proxy::start(Some(server.local_addr().unwrap()), profile, 3).await.unwrap();
    let client = tokio::spawn(async move {
        let mut client = TcpStream::connect(proxy.address()).await.unwrap();
        let _ = client.write_all(&[b'x'; 100_000]).await;
        let _ = client.shutdown().await;
        let mut rest = Vec::new();
        let end = client.read_to_end(&mut rest).await;
        (proxy, end)
    });
    let (mut stream, _) = server.accept().await.unwrap();
    let mut got = Vec::new();
    let end = stream.read_to_end(&mut got).await;
    drop(stream);
    let (proxy, _) = client.await.unwrap();
    (got, end, proxy.faults().values().sum())
}

#[tokio::test]
async fn forwards_all_bytes_without_a_fault() {
    let (got, end, faults) = send_through(None).await;
    assert_eq!((got.len(), end.is_ok(), faults), (100_000, true, 0));
}

#[tokio::test]
async fn split_stall_and_delay_lose_nothing() {
    for kind in [FaultKind::Split, FaultKind::Stall, FaultKind::Delay] {
        let (got, end, _) = send_through(Some(kind)).await;
        assert_eq!((got.len(), end.is_ok()), (100_000, true), "{kind:?}");
    }
}

#[tokio::test]
async fn a_cut_ends_and_a_reset_fails() {
    let (got, _, faults) = send_through(Some(FaultKind::Cut)).await;
    assert!(got.len() < 100_000 && faults == 1, "{} bytes, {faults} faults", got.len());
    let (got, end, faults) = send_through(Some(FaultKind::Reset)).await;
    assert!(got.len() < 100_000 && end.is_err() && faults == 1, "{end:?}");
}

#[tokio::test]
async fn resets_without_an_upstream() {
    let proxy = Proxy::start(None, FaultProfile::default(), 1).await.unwrap();
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(timeout(DEADLINE, client.read_u8()).await.expect("no reset").is_err());
}
