//! Pages that take nothing, or say nothing.

use chat_client::testing::Room;
use serde_json::json;

use crate::support::{HOST, Rig, connect, page};

#[tokio::test(start_paused = true)]
async fn slow_page_delays_no_other() {
    let rig = Rig::new(Room::new());
    let (mut slow, mut fast) = (rig.page("").await, rig.page("").await);
    slow.until("caught_up").await;
    fast.until("caught_up").await;
    let text = "x".repeat(8 * 1024);
    // More than the pipe, the WebSocket and one step hold.
    for number in 0..100 {
        rig.room.say("Jolly Ann", &format!("{number} {text}"));
        assert!(fast.next().await["text"].as_str().unwrap().starts_with(&format!("{number} ")));
    }
    // The slow page loses nothing once it reads.
    for number in 0..100 {
        assert!(slow.next().await["text"].as_str().unwrap().starts_with(&format!("{number} ")));
    }
}

#[tokio::test(start_paused = true)]
async fn page_behind_the_ring_reads_on_from_the_room() {
    let rig = Rig::new(Room::new());
    let mut slow = rig.page("").await;
    slow.until("caught_up").await;
    let text = "x".repeat(8 * 1024);
    // Nearly 5 MiB, of which the ring holds 4.
    let mut other = rig.page("").await;
    other.until("caught_up").await;
    for number in 0..600 {
        rig.room.say("Jolly Ann", &format!("{number} {text}"));
        other.next().await;
    }
    for number in 0..600 {
        let object = slow.next().await;
        assert!(object["text"].as_str().is_some_and(|text| text.starts_with(&format!("{number} "))), "{number}");
    }
}

#[tokio::test(start_paused = true)]
async fn page_that_takes_nothing_is_closed() {
    let rig = Rig::new(Room::new());
    let mut page = rig.page("").await;
    page.until("caught_up").await;
    for number in 0..40 {
        rig.room.say("Jolly Ann", &format!("{number} {}", "x".repeat(8 * 1024)));
    }
    tokio::time::sleep(std::time::Duration::from_secs(90)).await;
    let mut taken = 0;
    while let Some(object) = page.next_of_any().await {
        taken += usize::from(object["type"] == "message");
    }
    assert!(taken < 40, "{taken}");
}

#[tokio::test(start_paused = true)]
async fn browser_that_answers_is_kept() {
    let rig = Rig::new(Room::new());
    let mut page = rig.page("").await;
    page.until("caught_up").await;
    for _ in 0..8 {
        // Reading answers the pings.
        assert_eq!(page.until("tick").await, json!({"type": "tick"}));
    }
    rig.room.say("Jolly Ann", "still here");
    assert_eq!(page.next().await["text"], "still here");
}

#[tokio::test(start_paused = true)]
async fn silent_connections_do_not_stop_the_end() {
    let rig = Rig::new(Room::new());
    let silent = connect(&rig.gateway, false);
    let mut open = page(Box::new(connect(&rig.gateway, false)), HOST, "", None).await;
    open.until("caught_up").await;
    rig.gateway.drain().await;
    assert_eq!(open.until("bye").await["reason"], "shutdown");
    drop(silent);
}
