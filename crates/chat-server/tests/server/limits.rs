//! Every limit, at its edge.

use std::time::Duration;

use chat_server::{Hooks, MemoryJournal, Rate, ServerHooks};
use serde_json::json;

use crate::peer::{CONFIRMED, GREETING, PROMPT, Peer, config, id_post, start};

#[tokio::test]
async fn closes_after_the_login_deadlines() {
    let mut config = config();
    config.limits.login_within = Duration::from_millis(50);
    config.limits.nickname_within = Duration::from_millis(50);
    let server = start(config, MemoryJournal::new()).await;
    let mut silent = Peer::connect(server.write_addr()).await;
    assert_eq!(silent.rest().await.concat(), GREETING);
    let mut nameless = Peer::connect(server.write_addr()).await;
    nameless.send("\nhalf a na").await;
    assert_eq!(nameless.rest().await.concat(), format!("{GREETING}{PROMPT}"));
}

struct OnlyOtherPeers;

impl ServerHooks for OnlyOtherPeers {
    fn may_connect(&self, peer: std::net::SocketAddr, local: std::net::SocketAddr) -> bool {
        peer.ip() != local.ip()
    }
}

#[tokio::test]
async fn connection_that_a_hook_refuses_gets_no_greeting() {
    let mut config = config();
    config.hooks = Some(Hooks::new(OnlyOtherPeers));
    let server = start(config, MemoryJournal::new()).await;
    for address in [server.write_addr(), server.listen_addr()] {
        assert_eq!(Peer::connect(address).await.rest().await.concat(), "");
    }
}

#[tokio::test]
async fn declines_or_delays_posts_over_the_rate() {
    let mut config = config();
    config.limits.posts = Some(Rate::new(50.0, 10));
    let server = start(config, MemoryJournal::new()).await;
    let (mut writer, record) = Peer::registered(&server, "Bob").await;
    let posts: String = (0..200).map(|number| id_post(&format!("p{number}"), "x")).collect();
    writer.send(posts).await;
    let mut declined = 0;
    for _ in 0..200 {
        let answer = writer.answer().await;
        if answer["code"] == json!("rate") {
            assert!(answer["retry_after_ms"].as_u64().is_some());
            declined += 1;
        }
    }
    assert!((1..=190).contains(&declined), "{declined} of 200");
    // The rate limit belongs to the account: a second connection does not help.
    let mut second = Peer::logged_in(&server, &record.token).await;
    second.send("y\n\n".repeat(30)).await;
    second.expect(CONFIRMED.repeat(30)).await;
}

#[tokio::test]
async fn declined_post_is_not_overtaken() {
    let mut config = config();
    config.limits.posts = Some(Rate::new(20.0, 2));
    let server = start(config, MemoryJournal::new()).await;
    let (mut writer, _) = Peer::registered(&server, "Bob").await;
    let mut waiting: Vec<String> = (0..8).map(|number| format!("p{number}")).collect();
    let mut stored = Vec::new();
    // Everything at once, and each time the declined posts again: the order is that of the writer, whatever the clock
    // does.
    while !waiting.is_empty() {
        writer.send(waiting.iter().map(|id| id_post(id, "x")).collect::<String>()).await;
        let mut declined = Vec::new();
        for _ in 0..waiting.len() {
            let answer = writer.answer().await;
            match answer["no"].as_str() {
                Some(id) => declined.push(id.to_owned()),
                None => stored.push((answer["seq"].as_u64().unwrap(), answer["ok"].as_str().unwrap().to_owned())),
            }
        }
        declined.sort();
        waiting = declined;
    }
    stored.sort();
    let order: Vec<String> = stored.into_iter().map(|(_, id)| id).collect();
    assert_eq!(order, (0..8).map(|number| format!("p{number}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn reconnecting_does_not_evade_the_rate() {
    let mut config = config();
    config.limits.posts = Some(Rate::new(10.0, 2));
    let server = start(config, MemoryJournal::new()).await;
    let (_, record) = Peer::registered(&server, "Bob").await;
    let mut peers = Vec::new();
    for _ in 0..100 {
        let mut peer = Peer::connect(server.write_addr()).await;
        peer.send(format!("{}\nflood\n\n", record.token)).await;
        peer.end().await;
        peers.push(peer);
    }
    let mut confirmed = 0;
    for mut peer in peers {
        confirmed += usize::from(peer.rest().await.concat().contains(CONFIRMED));
    }
    // The burst, 5 s in advance, and what is earned while the test runs.
    assert!((2..100).contains(&confirmed), "{confirmed} of 100");
}

#[tokio::test]
async fn limits_registrations_of_one_address() {
    let mut config = config();
    config.limits.registrations = Some(Rate::new(0.001, 3));
    let server = start(config, MemoryJournal::new()).await;
    for _ in 0..3 {
        Peer::registered(&server, "Bob").await;
    }
    let mut fourth = Peer::connect(server.write_addr()).await;
    fourth.send("\nBob\n").await;
    assert_eq!(fourth.rest().await.concat(), format!("{GREETING}{PROMPT}"));
}

#[tokio::test]
async fn bounds_posts_in_flight_and_answers_all() {
    let mut config = config();
    config.limits.posts_in_flight = 3;
    let server = start(config, MemoryJournal::new()).await;
    let (mut writer, _) = Peer::registered(&server, "Bob").await;
    writer.send("x\n\n\n".repeat(500)).await;
    writer.expect(CONFIRMED.repeat(1000)).await;
    let posts: String = (0..500).map(|number| id_post(&format!("p{number}"), "x")).collect();
    writer.send(posts).await;
    for number in 0..500 {
        assert_eq!(writer.answer().await["ok"], json!(format!("p{number}")));
    }
}
