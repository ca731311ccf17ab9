//! Compares the fan-out with sessions that write everything themselves: with streams that are full at times, a log that
//! evicts, and peers that send, both write the same bytes.

use std::future::Future;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chat_proto::Seq;
use socket2::SockRef;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;

use super::*;
use crate::config::ServerConfig;
use crate::entry::LogEntry;
use crate::log::{Batch, Form, LogCursor};
use crate::net::SharedStream;
use crate::session::test_room::TestRoom;
use crate::session::{IdleListener, ListenerSession, TaskEnd};

const LISTENERS: usize = 6;

/// A small buffer, which some messages fill completely.
const BUFFER: usize = 4 * 1024;

/// Waits until a condition holds; fails the test if it never does.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            yield_now().await;
        }
    };
    timeout(Duration::from_secs(60), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

struct Peer {
    stream: TcpStream,
    seen: Vec<u8>,
    /// Whether the session ended in order.
    session: oneshot::Receiver<bool>,
}

/// Runs a session to its end, with a task only when it needs one.
async fn run(mut session: ListenerSession<SharedStream>, mut stream: Arc<TcpStream>, mut ended: oneshot::Sender<bool>) {
    while let Ok(end) = session.run().await {
        if end == TaskEnd::Closed {
            return ended.send(true).unwrap_or_default();
        }
        let idle = Box::new(Idle { listener: session.put_away().unwrap(), stream, ended });
        let Some(again) = put_away(idle) else { return };
        (stream, ended) = (again.stream, again.ended);
        session = again.listener.wake(Arc::clone(&stream));
    }
    ended.send(false).unwrap_or_default();
}

struct Idle {
    listener: IdleListener,
    stream: Arc<TcpStream>,
    ended: oneshot::Sender<bool>,
}

impl AsRef<Subscriber> for Idle {
    fn as_ref(&self) -> &Subscriber {
        self.listener.subscriber()
    }
}

impl IdleSession for Idle {
    fn go_on(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(run(self.listener.wake(Arc::clone(&self.stream)), self.stream, self.ended))
    }
}

/// Starts the fan-out of a room.
fn start(room: &TestRoom) -> (Arc<FanOut>, JoinHandle<()>) {
    let (fan_out, woken) = FanOut::new(Arc::clone(&room.context.log), Arc::clone(&room.context.meters));
    tokio::spawn(woken.run(room.context.log.watch_head(), Arc::clone(&room.context.limits)));
    let task = tokio::spawn(Arc::clone(&fan_out).run(room.context.log.watch_head()));
    (fan_out, task)
}

impl Peer {
    /// Starts a listener whose session has a subscriber, or writes everything itself.
    async fn listen(room: &TestRoom, fan_out: Option<&Arc<FanOut>>, form: Form) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(BUFFER as u32).unwrap();
        let stream = socket.connect(port.local_addr().unwrap()).await.unwrap();
        let (theirs, _) = port.accept().await.unwrap();
        SockRef::from(&theirs).set_send_buffer_size(BUFFER).unwrap();
        let theirs = Arc::new(theirs);
        let subscriber = fan_out.map(|fan_out| Subscriber::new(Arc::clone(fan_out), Arc::clone(&theirs)));
        let (context, from) = (Arc::clone(&room.context), Ipv4Addr::LOCALHOST.into());
        let io = SharedStream::new(Arc::clone(&theirs));
        let session = ListenerSession::new(context, from, io).with_subscriber(subscriber);
        let (ended, end) = oneshot::channel();
        tokio::spawn(run(session, theirs, ended));
        let mut peer = Self { stream, seen: Vec::new(), session: end };
        if form == Form::Numbered {
            peer.say("\u{1}{\"resume\": {\"last\": 0}, \"nonce\": \"n\"}\n");
            while peer.seen.last() != Some(&b'\n') {
                peer.seen.push(peer.stream.read_u8().await.unwrap());
            }
            peer.seen.clear();
        }
        peer
    }

    fn say(&self, line: &str) {
        assert_eq!(self.stream.try_write(line.as_bytes()).unwrap(), line.len());
    }

    /// Reads what has arrived, at most `appetite` bytes.
    fn take(&mut self, appetite: usize) {
        let mut bytes = vec![0; appetite];
        if let Ok(count) = self.stream.try_read(&mut bytes) {
            self.seen.extend_from_slice(&bytes[..count]);
        }
    }

    /// Reads until `end` is the last message that has arrived. The answer to a ping may come behind it.
    async fn take_up_to(&mut self, end: &[u8]) {
        while !self.messages().ends_with(end) {
            assert_ne!(self.stream.read_buf(&mut self.seen).await.unwrap(), 0, "it ended early");
        }
    }

    /// Waits for the end of the stream, without another byte.
    async fn ends(&mut self) {
        let end = timeout(Duration::from_secs(60), self.stream.read_u8()).await.expect("the stream stays open");
        assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
    }

    /// Returns the received messages, without answers to pings.
    fn messages(&self) -> Vec<u8> {
        let lines = self.seen.split_inclusive(|&byte| byte == b'\n');
        lines.filter(|line| !line.starts_with(b"\x01{\"pong\"")).collect::<Vec<_>>().concat()
    }
}

async fn play(seed: u64, form: Form) {
    let mut random = fastrand::Rng::with_seed(seed);
    // Without extensions nothing is held back, so no time has to pass.
    let config = ServerConfig { extensions: form == Form::Numbered, ..ServerConfig::default() };
    let mut room = TestRoom::with_config([1, 20_000, 1 << 20][seed as usize % 3], config);
    let (fan_out, _task) = start(&room);
    let mut peers = Vec::new();
    for number in 0..LISTENERS {
        peers.push(Peer::listen(&room, (number % 2 == 0).then_some(&fan_out), form).await);
    }
    for _ in 0..80 {
        for _ in 0..random.usize(..4) {
            room.post(&"x".repeat(random.usize(1..3_000)));
        }
        for peer in &mut peers {
            if form == Form::Numbered && random.u8(..8) == 0 {
                peer.say("\u{1}{\"ping\": 1}\n");
            }
            peer.take(random.usize(..6_000));
        }
        for _ in 0..random.usize(..6) {
            yield_now().await;
        }
    }
    room.post("the last of many");
    let ends_in = |room: &TestRoom, from: Seq| {
        let page: Vec<_> = room.messages(from).into_iter().map(LogEntry::Message).collect();
        Batch::encode_for(&page, form).map(|batch| batch.bytes(form).clone()).unwrap()
    };
    let head = room.context.log.last();
    for peer in &mut peers {
        peer.take_up_to(&ends_in(&room, head)).await;
    }
    // All listeners keep up again, so every stream that can be lent is, and the fan-out writes this message.
    until("every stream is lent", || fan_out.len() == LISTENERS.div_ceil(2)).await;
    room.post("and one more");
    for peer in &mut peers {
        peer.take_up_to(&ends_in(&room, head + 1)).await;
    }
    room.context.log.close();
    let expected = ends_in(&room, 1);
    for mut peer in peers {
        peer.stream.read_to_end(&mut peer.seen).await.unwrap();
        assert!(peer.messages() == expected, "seed {seed}: {} bytes, not {}", peer.seen.len(), expected.len());
        assert!(peer.session.await.unwrap());
    }
    assert_eq!(fan_out.len(), 0, "sockets are taken back");
}

/// A server that is dropped closes the connections of sessions without a task.
#[tokio::test]
async fn sessions_without_a_task_end_with_the_fan_out() {
    let room = TestRoom::new(1 << 20);
    let (fan_out, task) = start(&room);
    let mut peer = Peer::listen(&room, Some(&fan_out), Form::Plain).await;
    until("the session needs no task", || fan_out.idle() > 0).await;
    task.abort();
    peer.ends().await;
    until("its socket is freed", || fan_out.len() == 0).await;
}

/// Without a runtime for them either.
#[tokio::test]
async fn sessions_without_a_task_end_when_nobody_can_run_them() {
    let room = TestRoom::new(1 << 20);
    let (fan_out, woken) = FanOut::new(Arc::clone(&room.context.log), Arc::clone(&room.context.meters));
    let mut peer = Peer::listen(&room, Some(&fan_out), Form::Plain).await;
    until("the session needs no task", || fan_out.idle() > 0).await;
    drop(woken);
    // Never polled.
    drop(Arc::clone(&fan_out).run(room.context.log.watch_head()));
    peer.ends().await;
    assert_eq!(fan_out.len(), 0);
}

#[tokio::test]
async fn writes_the_same_bytes_as_a_session() {
    for seed in 0..24 {
        let form = if seed % 2 == 0 { Form::Plain } else { Form::Numbered };
        timeout(Duration::from_secs(60), play(seed, form)).await.unwrap_or_else(|_| panic!("seed {seed} hangs"));
    }
}

#[tokio::test]
async fn returns_a_socket_that_is_behind() {
    let mut room = TestRoom::new(1 << 20);
    let (fan_out, _woken) = FanOut::new(Arc::clone(&room.context.log), Arc::clone(&room.context.meters));
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(port.local_addr().unwrap()).await.unwrap();
    let subscriber = Subscriber::new(Arc::clone(&fan_out), Arc::new(stream));
    // The fan-out has finished its round for this message, and another one may never follow.
    room.post("published between the session's last look and the subscriber");
    let behind = LogCursor::new(1, Form::Plain);
    assert_eq!(subscriber.lend(behind), Err(behind));
    let up_to_date = LogCursor::new(2, Form::Plain);
    assert_eq!(subscriber.lend(up_to_date), Ok(()));
    assert_eq!(subscriber.take_back(), up_to_date);
    room.context.log.close();
    assert_eq!(subscriber.lend(up_to_date), Err(up_to_date), "it would miss the end");
    assert_eq!(fan_out.len(), 0);
}

#[tokio::test]
async fn a_disconnect_removes_the_subscriber() {
    let config = ServerConfig { extensions: false, ..ServerConfig::default() };
    let room = TestRoom::with_config(1 << 20, config);
    let (fan_out, _task) = start(&room);
    for _ in 0..3 {
        let peer = Peer::listen(&room, Some(&fan_out), Form::Plain).await;
        until("the session needs no task", || fan_out.idle() > 0).await;
        drop(peer.stream);
        assert!(!peer.session.await.unwrap(), "no message is needed to notice it");
        assert_eq!(fan_out.len(), 0);
    }
}
