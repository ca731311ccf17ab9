//! What pages get: after a reload, after a pause, and further back.

use chat_client::testing::Room;
use serde_json::{Value, json};

use crate::support::Rig;

fn said(room: &Room, count: usize) -> String {
    let mut last = None;
    for number in 1..=count {
        last = Some(room.say("Jolly Ann", &format!("text {number}")));
    }
    last.unwrap().stream.to_string()
}

fn numbers(range: std::ops::RangeInclusive<usize>) -> Vec<String> {
    range.map(|number| format!("text {number}")).collect()
}

fn seqs(list: &Value) -> Vec<u64> {
    list["messages"].as_array().unwrap().iter().map(|message| message["seq"].as_u64().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn new_page_gets_the_newest() {
    let room = Room::new();
    said(&room, 300);
    let rig = Rig::new(room);
    assert_eq!(rig.page("").await.backlog().await, numbers(101..=300));
    assert_eq!(rig.page("?last=2").await.backlog().await, numbers(299..=300));
    assert_eq!(rig.page("?last=0").await.backlog().await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn returning_page_misses_nothing() {
    let room = Room::new();
    let stream = said(&room, 1_500);
    let rig = Rig::new(room);
    // 1,000 messages are replayed into the ring, so the first places are behind it.
    for place in [1_500_usize, 1_499, 1_000, 501, 500, 499, 1] {
        let mut page = rig.page(&format!("?after={stream}:{place}")).await;
        assert_eq!(page.until("start").await["resumed"], true, "{place}");
        assert_eq!(page.backlog().await, numbers(place + 1..=1_500), "{place}");
    }
}

#[tokio::test(start_paused = true)]
async fn page_far_behind_gets_a_gap() {
    let room = Room::new();
    let stream = said(&room, 3_500);
    let rig = Rig::new(room);
    let mut page = rig.page(&format!("?after={stream}:100")).await;
    assert_eq!(page.until("start").await["resumed"], false);
    let gap = page.next().await;
    assert_eq!((&gap["type"], &gap["cause"]), (&json!("gap"), &json!("far_behind")));
    assert_eq!(gap["after"], format!("{stream}:100"));
    assert_eq!(page.backlog().await, numbers(3_301..=3_500));
}

#[tokio::test(start_paused = true)]
async fn page_of_another_log_gets_a_gap() {
    let room = Room::new();
    let stream = said(&room, 3);
    let rig = Rig::new(room);
    for place in ["other:2".to_owned(), format!("{stream}:9")] {
        let mut page = rig.page(&format!("?after={place}")).await;
        assert_eq!(page.until("start").await["resumed"], false);
        assert_eq!(page.next().await["cause"], "other_stream");
        assert_eq!(page.backlog().await, numbers(1..=3));
    }
    assert_eq!(rig.get("/api/ws?after=nonsense").await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn room_that_starts_a_new_log_leaves_a_gap() {
    let rig = Rig::new(Room::new());
    rig.room.say("Jolly Ann", "old");
    let mut page = rig.page("").await;
    page.until("caught_up").await;
    rig.room.restart_with_new_log();
    rig.room.say("Jolly Ann", "new");
    assert_eq!(page.next().await["cause"], "other_stream");
    assert_eq!(page.next().await["text"], "new");
}

#[tokio::test(start_paused = true)]
async fn page_waits_for_a_room_that_is_away() {
    let room = Room::new();
    let stream = said(&room, 3);
    room.refuse(true);
    let rig = Rig::new(room);
    let mut page = rig.page(&format!("?after={stream}:1")).await;
    assert_eq!(page.next_of_any().await.unwrap()["type"], "hello");
    loop {
        let state = page.next_of_any().await.unwrap();
        assert_eq!(state["type"], "state");
        if state["side"] == "listen" && state["state"] == "waiting" {
            assert_eq!(state["cause"], "unreachable");
            assert!(state["retry_in_ms"].is_u64() && state["attempt"] == 1);
            break;
        }
    }
    rig.room.refuse(false);
    assert_eq!(page.until("start").await["resumed"], true);
    assert_eq!(page.backlog().await, numbers(2..=3));
}

#[tokio::test(start_paused = true)]
async fn scrolls_back_to_the_beginning() {
    let room = Room::new();
    let stream = said(&room, 1_500);
    let rig = Rig::new(room);
    rig.page("").await.backlog().await;
    let (mut before, mut all, mut more) = (1_501, Vec::new(), true);
    while more {
        let answer = rig.get(&format!("/api/messages?before={stream}:{before}&limit=130")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let page = seqs(&answer.json());
        more = answer.json()["more"] == true;
        before = page.first().copied().unwrap_or(before);
        all.splice(0..0, page);
        assert!(all.len() <= 1_500);
    }
    assert_eq!(all, (1..=1_500).collect::<Vec<u64>>());
}

#[tokio::test(start_paused = true)]
async fn requests_for_history_are_checked() {
    let rig = Rig::new(Room::new());
    let stream = said(&rig.room, 2);
    rig.page("").await.backlog().await;
    for (query, status, code) in [
        ("messages".to_owned(), 400, "malformed"),
        ("messages?before=x".to_owned(), 400, "malformed"),
        (format!("messages?before={stream}:2&limit=0"), 400, "malformed"),
        ("messages?before=other:9".to_owned(), 404, "other_stream"),
        ("search".to_owned(), 400, "malformed"),
        ("search?q=%20".to_owned(), 400, "malformed"),
        (format!("search?q={}", "x".repeat(201)), 400, "malformed"),
    ] {
        assert_eq!(rig.get(&format!("/api/{query}")).await.code(), (status, code.to_owned()), "{query}");
    }
    let first = rig.get(&format!("/api/messages?before={stream}:1")).await.json();
    assert_eq!(first, json!({"messages": [], "more": false}));
}

#[tokio::test(start_paused = true)]
async fn searches_text_and_names() {
    let room = Room::new();
    let stream = said(&room, 1_500);
    room.say("Keen Bob", "Ёлка");
    let rig = Rig::new(room);
    rig.page("").await.backlog().await;
    let found = rig.get("/api/search?q=%D1%91%D0%BB%D0%BA%D0%B0").await.json();
    assert_eq!((seqs(&found), &found["more"]), (vec![1_501], &json!(false)));
    assert_eq!(seqs(&rig.get("/api/search?q=keen").await.json()), [1_501]);
    // Newest first, and continued where the last answer ended.
    let (mut before, mut all) = (None, Vec::new());
    loop {
        let place = before.map_or(String::new(), |before: String| format!("&before={before}"));
        let answer = rig.get(&format!("/api/search?q=text%201&limit=100{place}")).await.json();
        all.extend(seqs(&answer));
        if answer["more"] != true {
            break;
        }
        before = Some(answer["before"].as_str().unwrap().to_owned());
    }
    let expected: Vec<u64> = (1..=1_500).rev().filter(|seq: &u64| seq.to_string().starts_with('1')).collect();
    assert_eq!(all, expected, "{stream}");
}

#[tokio::test(start_paused = true)]
async fn plain_room_shows_what_the_gateway_heard() {
    let rig = Rig::new(Room::plain());
    let mut page = rig.page("").await;
    assert_eq!(page.until("start").await["numbered"], false);
    page.until("caught_up").await;
    rig.room.say("Jolly Ann", "one");
    rig.room.say("Jolly Ann", "two");
    let one = page.next().await;
    assert_eq!((&one["text"], &one["seq"]), (&json!("one"), &json!(1)));
    assert_eq!(page.next().await["text"], "two");
    let stream = one["stream"].as_str().unwrap();
    assert_eq!(rig.page(&format!("?after={stream}:1")).await.backlog().await, ["two"]);
    let back = rig.get(&format!("/api/messages?before={stream}:2")).await.json();
    assert_eq!((seqs(&back), &back["more"]), (vec![1], &json!(false)));
}
