//! Posts of pages: each exactly once, whatever breaks.

use std::time::Duration;

use chat_client::DeclineCode;
use chat_client::testing::Room;
use serde_json::json;

use crate::support::{PageSocket, Rig};

fn texts(room: &Room) -> Vec<String> {
    room.log().iter().map(|message| message.text.to_string()).collect()
}

/// Makes the room unreachable, and waits until the writer of the page has noticed.
async fn lose_room(rig: &Rig, page: &mut PageSocket) {
    rig.room.refuse(true);
    rig.room.cut();
    loop {
        let state = page.until("state").await;
        if state["side"] == "write" && state["state"] == "waiting" {
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn repeated_post_is_stored_once() {
    let rig = Rig::new(Room::new());
    let (mut one, mut other) = (rig.page("").await, rig.page("").await);
    one.post("p1", "hello", false).await;
    other.post("p1", "hello", true).await;
    let first = one.receipt("p1").await;
    assert_eq!((&first["state"], &first["seq"]), (&json!("confirmed"), &json!(1)));
    assert_eq!(other.receipt("p1").await, first);
    one.post("p1", "hello", true).await;
    assert_eq!(one.receipt("p1").await, first);
    assert_eq!(texts(&rig.room), ["hello"]);
}

#[tokio::test(start_paused = true)]
async fn killed_gateway_stores_nothing_twice() {
    let mut rig = Rig::new(Room::new());
    for number in 0..20_usize {
        let id = format!("p{number}");
        let mut page = rig.page("").await;
        page.until("caught_up").await;
        // The link to the room breaks at another byte each time, so the post is lost, stored, or stored and unanswered.
        rig.room.break_after(move || 250 + 17 * number);
        page.post(&id, &id, false).await;
        for _ in 0..number % 7 {
            tokio::task::yield_now().await;
        }
        drop(page);
        rig.restart();
        rig.room.break_after(|| usize::MAX);
        let mut page = rig.page("").await;
        page.post(&id, &id, true).await;
        assert_eq!(page.receipt(&id).await["state"], "confirmed");
    }
    let expected: Vec<String> = (0..20).map(|number| format!("p{number}")).collect();
    assert_eq!(texts(&rig.room), expected);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_away_is_shown_and_waited_for() {
    let rig = Rig::new(Room::new());
    let mut page = rig.page("").await;
    page.until("caught_up").await;
    rig.room.decline(Some(DeclineCode::Unavailable));
    page.post("p1", "hello", false).await;
    loop {
        let state = page.until("state").await;
        if state["side"] == "write" && state["hold"] == "unavailable" {
            assert_eq!(state["state"], "online");
            break;
        }
    }
    // Longer than a store that fails is waited for.
    tokio::time::sleep(Duration::from_secs(30)).await;
    rig.room.decline(None);
    assert_eq!(page.receipt("p1").await["state"], "confirmed");
    assert_eq!(texts(&rig.room), ["hello"]);
}

#[tokio::test(start_paused = true)]
async fn plain_room_never_gets_a_post_again() {
    let mut rig = Rig::new(Room::plain());
    let mut page = rig.page("").await;
    page.until("caught_up").await;
    page.post("p1", "hello", false).await;
    let mut receipt = page.receipt("p1").await;
    if receipt.get("seq").is_none() {
        // The room does not say where the message is; that was heard.
        receipt = page.receipt("p1").await;
    }
    assert_eq!((&receipt["state"], &receipt["seq"]), (&json!("confirmed"), &json!(1)));
    // The same run knows what became of it.
    page.post("p1", "hello", true).await;
    assert_eq!(page.receipt("p1").await, receipt);
    rig.restart();
    let mut page = rig.page("").await;
    page.post("p1", "hello", true).await;
    assert_eq!(page.receipt("p1").await["state"], "unconfirmed");
    page.post("p2", "next", false).await;
    assert_eq!(page.receipt("p2").await["state"], "confirmed");
    assert_eq!(texts(&rig.room), ["hello", "next"]);
}

#[tokio::test(start_paused = true)]
async fn posts_wait_while_the_room_is_away() {
    let rig = Rig::new(Room::new());
    let mut page = rig.page("").await;
    page.until("caught_up").await;
    lose_room(&rig, &mut page).await;
    for number in 0..5 {
        page.post(&format!("p{number}"), &format!("text {number}"), false).await;
    }
    assert_eq!(page.until("receipt").await["state"], "accepted");
    rig.room.refuse(false);
    page.say(&json!({"type": "retry_now"})).await;
    for number in 0..5 {
        assert_eq!(page.receipt(&format!("p{number}")).await["state"], "confirmed");
    }
    let expected: Vec<String> = (0..5).map(|number| format!("text {number}")).collect();
    assert_eq!(texts(&rig.room), expected);
}

#[tokio::test(start_paused = true)]
async fn page_has_a_bounded_number_of_unanswered_posts() {
    let rig = Rig::new(Room::new());
    let mut page = rig.page("").await;
    page.until("caught_up").await;
    lose_room(&rig, &mut page).await;
    for number in 0..=200 {
        page.post(&format!("p{number}"), "x", false).await;
    }
    let receipt = page.receipt("p200").await;
    assert_eq!((&receipt["state"], &receipt["code"]), (&json!("refused"), &json!("busy")));
}

#[tokio::test(start_paused = true)]
async fn one_address_posts_at_a_rate() {
    let rig = Rig::with(Room::new(), |config| {
        config.post_rate = Some(chat_web::VisitorRate { per_second: 1.0, burst: 1 });
    });
    let mut page = rig.page("").await;
    page.post("p1", "one", false).await;
    page.post("p2", "two", false).await;
    let receipt = page.receipt("p2").await;
    assert_eq!((&receipt["code"], receipt["retry_after_ms"].as_u64().is_some()), (&json!("rate"), true));
    tokio::time::sleep(Duration::from_secs(2)).await;
    page.post("p2", "two", false).await;
    assert_eq!(page.receipt("p2").await["state"], "confirmed");
    assert_eq!(texts(&rig.room), ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn writer_ends_when_idle_and_comes_back() {
    let rig = Rig::new(Room::new());
    let mut page = rig.page("").await;
    page.post("p1", "one", false).await;
    page.receipt("p1").await;
    loop {
        let state = page.until("state").await;
        if state["side"] == "write" && state["state"] == "idle" {
            break;
        }
    }
    page.post("p2", "two", false).await;
    assert_eq!(page.receipt("p2").await["state"], "confirmed");
}

#[tokio::test(start_paused = true)]
async fn pages_are_told_of_the_end() {
    let rig = Rig::new(Room::new());
    let mut page = rig.page("").await;
    page.until("caught_up").await;
    lose_room(&rig, &mut page).await;
    page.post("p1", "never", false).await;
    assert_eq!(page.until("receipt").await["state"], "accepted");
    let gateway = rig.gateway.clone();
    let draining = tokio::spawn(async move { gateway.drain().await });
    assert_eq!(page.receipt("p1").await["state"], "never_sent");
    assert_eq!(page.until("bye").await, json!({"type": "bye", "reason": "shutdown", "retry_in_ms": 1000}));
    draining.await.unwrap();
}
