//! Plays the transcripts of docs/web.md.

use chat_client::testing::Room;
use futures_util::SinkExt as _;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{PageSocket, Rig};

const DOCUMENT: &str = include_str!("../../../../docs/web.md");

/// Returns whether an object is the one of a transcript, where `*` stands for any value.
fn matches(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::String(any), _) if any == "*" => true,
        (Value::Object(expected), Value::Object(found)) => {
            expected.len() == found.len()
                && expected.iter().all(|(key, value)| found.get(key).is_some_and(|found| matches(value, found)))
        }
        (expected, found) => expected == found,
    }
}

#[test]
fn stars_stand_for_values() {
    let object = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert!(matches(&object(r#"{"a":"*","b":1}"#), &object(r#"{"a":[],"b":1}"#)));
    assert!(!matches(&object(r#"{"a":"*"}"#), &object(r#"{"a":1,"b":1}"#)));
    assert!(!matches(&object(r#"{"a":"*","b":1}"#), &object(r#"{"b":1}"#)));
}

#[tokio::test(start_paused = true)]
async fn document_describes_the_gateway() {
    let mut played = 0;
    for part in DOCUMENT.split("```transcript\n").skip(1) {
        play(part.split("```").next().unwrap()).await;
        played += 1;
    }
    assert!(played >= 3, "{played} transcripts");
}

async fn play(transcript: &str) {
    let rig = Rig::new(Room::new());
    let (mut page, mut stream, mut early) = (None, String::new(), Vec::new());
    for line in transcript.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if let Some((nick, text)) = line.strip_prefix("! say ").and_then(|said| said.split_once(": ")) {
            stream = rig.room.say(nick, text).stream.to_string();
        } else if let Some(path) = line.strip_prefix("> /api/ws") {
            page = Some(rig.page(&path.replace("STREAM", &stream)).await);
        } else if let Some(object) = line.strip_prefix("P: ") {
            let page = page.as_mut().expect("a page");
            page.socket.send(Message::text(object)).await.unwrap();
        } else if let Some(object) = line.strip_prefix("G: ") {
            let expected: Value = serde_json::from_str(object).unwrap();
            expect(page.as_mut().expect("a page"), &mut early, &expected).await;
        } else {
            panic!("not a line of a transcript: {line}");
        }
    }
    assert_eq!(early, Vec::<Value>::new());
}

/// Waits for an object. A message and the receipts of a post come from two connections to the room, in any order.
async fn expect(page: &mut PageSocket, early: &mut Vec<Value>, expected: &Value) {
    if let Some(place) = early.iter().position(|found| matches(expected, found)) {
        early.remove(place);
        return;
    }
    loop {
        let found = page.next().await;
        if matches(expected, &found) {
            return;
        }
        let may_be_early = found["type"] == "message" || found["type"] == "receipt";
        assert!(may_be_early && early.len() < 4, "expected {expected}\nfound {found}");
        early.push(found);
    }
}
