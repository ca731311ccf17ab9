//! Services over a room on several nodes: the next node after each failure, nothing lost and nothing twice.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use chat_client::testing::{Room, RoomDial};
use chat_client::{
    ClientConfig, ConnectError, ConnectionState, DeclineCode, DeliveryState, Dial, DialFuture, Listener, ListenerEvent,
    Nickname, NodeAddress, Outbox, RetryPolicy, Side, Writer, register_with,
};
use tokio::time::Instant;

use support::{config, text, token};

fn seeded(seed: u64) -> ClientConfig {
    let mut config = config();
    config.seed = Some(seed);
    config
}

/// Waits for at most an hour of virtual time.
async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(3600), work).await.expect("in time")
}

fn dials(nodes: &[Room]) -> Vec<RoomDial> {
    nodes.iter().map(Room::dial).collect()
}

fn room(nodes: usize) -> Vec<Room> {
    let first = Room::new();
    let others: Vec<Room> = (1..nodes).map(|_| first.another_node()).collect();
    std::iter::once(first).chain(others).collect()
}

/// Lets one node serve and breaks what is connected to the others.
fn only(nodes: &[Room], serving: usize) {
    for (number, node) in nodes.iter().enumerate() {
        node.refuse(number != serving);
        if number != serving {
            node.cut();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn moves_without_gap_and_repetition() {
    const POSTS: usize = 60;
    for seed in 0..20 {
        let mut chance = fastrand::Rng::with_seed(seed);
        let nodes = room(3);
        let dir = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(dir.path().join("outbox"), "room").unwrap();
        only(&nodes, chance.usize(..3));
        let mut listener = Listener::builder(seeded(seed)).dial(dials(&nodes)).start();
        in_time(listener.online()).await.unwrap();
        let writer = Writer::builder(seeded(seed)).token(token()).outbox(outbox.clone()).dial(dials(&nodes)).start();
        let mut deliveries = Vec::new();
        for n in 0..POSTS {
            if n % 7 == 3 {
                // Posts on their way are cut off; some were stored and not confirmed.
                only(&nodes, chance.usize(..3));
            }
            deliveries.push(writer.send(text(&format!("post {n:02}"))).await.unwrap());
            tokio::time::sleep(Duration::from_millis(chance.u64(..40))).await;
        }
        for delivery in deliveries {
            in_time(delivery).await.unwrap();
        }
        let mut heard = Vec::new();
        while heard.len() < POSTS {
            match in_time(listener.next()).await.unwrap() {
                ListenerEvent::Message(message) => heard.push(message.text.to_string()),
                ListenerEvent::Gap(gap) => panic!("seed {seed}: {gap}"),
                _ => {}
            }
        }
        let sent: Vec<String> = (0..POSTS).map(|n| format!("post {n:02}")).collect();
        assert_eq!(heard, sent, "seed {seed}: the listener");
        assert_eq!(nodes[0].log().len(), POSTS, "seed {seed}: stored once");
        assert_eq!(outbox.entries(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_tries_each_node() {
    for seed in 0..30 {
        let nodes = room(3);
        only(&nodes, usize::try_from(seed % 3).unwrap());
        let mut config = seeded(seed);
        config.retry = RetryPolicy::never();
        let listener = Listener::builder(config.clone()).dial(dials(&nodes)).start();
        in_time(listener.online()).await.unwrap();
        let name = Nickname::new("Bob").unwrap();
        let account = in_time(register_with(&config, name, dials(&nodes))).await.unwrap();
        assert_eq!(account.nickname.as_str(), "Keen Bob");
        // A connection that was online is not replaced.
        nodes.iter().for_each(|node| node.refuse(false));
        nodes.iter().for_each(Room::cut);
        assert!(in_time(listener.closed()).await.is_some());

        nodes.iter().for_each(|node| node.refuse(true));
        let begun = Instant::now();
        let listener = Listener::builder(config).dial(dials(&nodes)).start();
        assert!(matches!(in_time(listener.closed()).await.as_deref(), Some(ConnectError::Connect { .. })));
        assert_eq!(listener.counters().attempts, 3);
        assert!(begun.elapsed() < Duration::from_secs(1), "the next node is tried soon");
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_token_is_final_at_the_first_node() {
    let nodes = room(3);
    let wrong = chat_client::Token::new("wrong").unwrap();
    let writer = Writer::builder(seeded(1)).token(wrong).dial(dials(&nodes)).start();
    let mut state = writer.state();
    let closed = in_time(state.wait_for(ConnectionState::is_closed)).await.unwrap().clone();
    assert!(matches!(closed.cause(), Some(ConnectError::Refused(_))));
    assert_eq!(writer.counters().attempts, 1);
}

/// A node of another service, which speaks first.
struct Foreign;

impl Dial for Foreign {
    fn dial(&self, _: Side) -> DialFuture<'_> {
        Box::pin(async {
            let (ours, mut theirs) = tokio::io::duplex(4096);
            tokio::spawn(async move {
                tokio::io::AsyncWriteExt::write_all(&mut theirs, b"220 mail.example ESMTP\r\n").await.unwrap();
                std::future::pending::<()>().await;
            });
            Ok(Box::new(ours) as chat_client::BoxedIo)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_node_does_not_end_the_service() {
    for seed in 0..20 {
        let room = Room::new();
        let dial: Vec<Box<dyn Dial>> = vec![Box::new(Foreign), Box::new(room.dial())];
        let writer = Writer::builder(seeded(seed)).token(token()).dial(dial).start();
        in_time(writer.post(text("hello"))).await.unwrap();
        // Where every node is wrong there is nothing to wait for.
        let dial: Vec<Box<dyn Dial>> = vec![Box::new(Foreign), Box::new(Foreign)];
        let writer = Writer::builder(seeded(seed)).token(token()).dial(dial).start();
        let mut state = writer.state();
        let closed = in_time(state.wait_for(ConnectionState::is_closed)).await.unwrap().clone();
        assert!(matches!(closed.cause(), Some(ConnectError::Protocol(_))), "{closed:?}");
        assert_eq!(writer.counters().attempts, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn leaves_a_node_that_is_cut_off_from_the_log() {
    for seed in 0..20 {
        let nodes = room(2);
        nodes[0].decline(Some(DeclineCode::Unavailable));
        let writer = Writer::builder(seeded(seed)).token(token()).dial(dials(&nodes)).start();
        in_time(writer.post(text("hello"))).await.unwrap();
        assert_eq!(nodes[1].log().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn waits_for_a_log_that_is_away() {
    let nodes = room(2);
    nodes.iter().for_each(|node| node.decline(Some(DeclineCode::Unavailable)));
    let writer = Writer::builder(seeded(4)).token(token()).dial(dials(&nodes)).start();
    let delivery = writer.send(text("hello")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_ne!(*delivery.state().borrow(), DeliveryState::Unconfirmed);
    let attempts = writer.counters().attempts;
    assert!((5..40).contains(&attempts), "{attempts}: seldom moves when that does not help");
    nodes.iter().for_each(|node| node.decline(None));
    let back = Instant::now();
    in_time(delivery).await.unwrap();
    assert!(back.elapsed() < Duration::from_secs(10), "{:?}", back.elapsed());
}

#[test]
fn a_host_that_cannot_be_one_is_named() {
    let config = ClientConfig::default().with_nodes(NodeAddress::list("a.example,b example"));
    let failed = config.checked_host(Side::Write).unwrap_err();
    assert_eq!(failed.to_string(), "\"b example\" is not a host name or address: it contains ' '");
}

#[test]
fn nodes_have_the_ports_of_the_configuration() {
    let mut config = ClientConfig::new("localhost");
    config.write_port = 7050;
    assert!(!config.exposes_token());
    let config = config.with_nodes(NodeAddress::list("a:1:2, [::1], c"));
    assert_eq!(config.addresses_text(Side::Listen), "a:1, [::1]:5000, c:5000");
    assert_eq!(config.addresses_text(Side::Write), "a:2, [::1]:7050, c:7050");
    assert_eq!(config.each_node()[1].addr_text(Side::Write), "[::1]:7050");
    assert!(config.exposes_token());
    let local = ClientConfig::default().with_nodes(NodeAddress::list("127.0.0.1:1:2,[::1]:3:4"));
    assert!(!local.exposes_token());
    assert!(local.with_nodes(NodeAddress::list("127.0.0.1,a")).exposes_token(), "one suffices");
}
