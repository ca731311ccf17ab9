//! Measures a post through the whole server, over memory pipes in one thread: received from its writer, stored in
//! memory, added to the log, copied to every listener, confirmed. Without kernel and disk.
#![allow(clippy::unwrap_used, missing_docs)]

use std::net::{IpAddr, Ipv4Addr};

use chat_server::{EmbeddedServer, MemoryJournal, ServerConfig};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const POSTS: usize = 256;
const PIPE: usize = 256 * 1024;
const TEXT: &str = "a line of the usual length, some sixty bytes long";

/// A room with a logged-in writer and listeners.
struct Room {
    runtime: Runtime,
    writer: DuplexStream,
    listeners: Vec<DuplexStream>,
    line: usize,
}

impl Room {
    fn open(listeners: usize) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let within = runtime.enter();
        let room = EmbeddedServer::start(ServerConfig::default(), MemoryJournal::new()).unwrap();
        drop(within);
        let listeners = (0..listeners).map(|_| {
            let (ours, theirs) = duplex(PIPE);
            runtime.spawn(room.serve_listener(theirs, HERE));
            ours
        });
        let listeners = listeners.collect();
        let (mut writer, theirs) = duplex(PIPE);
        runtime.spawn(room.serve_writer(theirs, HERE));
        let line = runtime.block_on(async {
            writer.write_all(b"\nBob\n").await.unwrap();
            let said = until(&mut writer, "Post your message below").await;
            let (_, account) = said.split_once("\"nickname\": \"").unwrap();
            let nickname = account.split('"').next().unwrap();
            format!("{nickname}: {TEXT}\n").len()
        });
        let mut room = Self { runtime, writer, listeners, line };
        // The first lines are held back until it is clear that no listener requests numbers.
        room.post();
        room
    }

    /// Posts, and waits until every listener has every line and the writer every confirmation.
    fn post(&mut self) {
        let posts = format!("{TEXT}\n\n").repeat(POSTS);
        let Self { runtime, writer, listeners, line } = self;
        let mut reading = JoinSet::new();
        for mut listener in listeners.drain(..) {
            let bytes = *line * POSTS;
            reading.spawn_on(
                async move {
                    let mut buffer = vec![0; bytes];
                    listener.read_exact(&mut buffer).await.unwrap();
                    listener
                },
                runtime.handle(),
            );
        }
        *listeners = runtime.block_on(async {
            writer.write_all(posts.as_bytes()).await.unwrap();
            let mut confirmations = vec![0; chat_proto::CONFIRMATION.len() * POSTS + POSTS];
            writer.read_exact(&mut confirmations).await.unwrap();
            reading.join_all().await
        });
    }
}

/// Reads until a line with this beginning.
async fn until(stream: &mut DuplexStream, what: &str) -> String {
    let mut said = String::new();
    while !said.lines().any(|line| line.contains(what)) || !said.ends_with('\n') {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(count > 0, "the server closed the connection: {said}");
        said.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    said
}

fn publish(c: &mut Criterion) {
    let mut group = c.benchmark_group("room/post and deliver");
    for listeners in [0, 1, 100] {
        let mut room = Room::open(listeners);
        group.throughput(Throughput::Elements((POSTS * listeners.max(1)) as u64));
        group.bench_function(BenchmarkId::new("listeners", listeners), |b| b.iter(|| room.post()));
    }
    group.finish();
}

criterion_group!(benches, publish);
criterion_main!(benches);
