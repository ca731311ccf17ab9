//! Every limit, at its edge.

use std::time::Duration;

use chat_server::{MemoryJournal, Rate};
use serde_json::json;

use crate::peer::{CONFIRMED, GREETING, PROMPT, Peer, config, id_post, start};

#[tokio::test]
async fn whoever_says_no_token_or_no_nickname_is_closed() {
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

#[tokio::test]
async fn posts_over_the_rate_are_declined_with_an_id_and_delayed_without() {
    let mut config = config();
    config.limits.posts = Some(Rate { per_second: 50.0, burst: 10 });
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
    // The bucket belongs to the account: a second connection does not help.
    let mut second = Peer::logged_in(&server, &record.token).await;
    second.send("y\n\n".repeat(30)).await;
    second.expect(CONFIRMED.repeat(30)).await;
}

#[tokio::test]
async fn registrations_of_one_address_have_a_rate() {
    let mut config = config();
    config.limits.registrations = Some(Rate { per_second: 0.001, burst: 3 });
    let server = start(config, MemoryJournal::new()).await;
    for _ in 0..3 {
        Peer::registered(&server, "Bob").await;
    }
    let mut fourth = Peer::connect(server.write_addr()).await;
    fourth.send("\nBob\n").await;
    assert_eq!(fourth.rest().await.concat(), format!("{GREETING}{PROMPT}"));
}

#[tokio::test]
async fn posts_in_flight_are_bounded_and_all_answered() {
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
