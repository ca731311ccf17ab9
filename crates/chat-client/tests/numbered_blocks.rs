//! Messages of a numbered log that arrive together: the block has what the single messages have.
#![allow(clippy::unwrap_used)]

mod support;

use std::fmt::Write as _;
use std::fs;

use chat_client::testing::pipes;
use chat_client::{EventBatch, Listener, ListenerEvent, Message, Recorder, Side};

use support::{Peer, config};

const MESSAGES: u64 = 1_000;

/// One message in a thousand has to be parsed in the general way, and the time of the server goes on.
fn lines() -> String {
    let mut lines = String::new();
    for seq in 1..=MESSAGES {
        let at = 1_700_000_000_000 + seq * 10_000;
        let text = if seq == 500 { "\\\"quoted\\\"" } else { "hello" };
        writeln!(lines, "\u{1}{{\"seq\": {seq}, \"at\": {at}, \"nick\": \"Keen Bob\", \"text\": \"{text}\"}}").unwrap();
    }
    lines
}

/// Returns the batches that a listener receives until it has all messages.
async fn received() -> Vec<EventBatch> {
    let (dial, mut room) = pipes();
    let mut listener = Listener::builder(config()).dial(dial).start();
    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    let request = peer.hear_request().await;
    peer.answer(&request, "k3f9", 1, MESSAGES - 300).await;
    // Side by side, because the pipe has less room than this.
    let say = tokio::spawn(async move {
        peer.say(&lines()).await;
        peer
    });
    let (mut batches, mut messages) = (Vec::new(), 0);
    while messages < MESSAGES {
        let batch = listener.next_event_batch().await.unwrap();
        messages += single(&batch).len() as u64;
        batches.push(batch);
    }
    drop(say.await.unwrap());
    batches
}

fn single(batch: &EventBatch) -> Vec<Message> {
    let events = batch.clone().into_events();
    events
        .into_iter()
        .filter_map(|event| if let ListenerEvent::Message(message) = event { Some(message) } else { None })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn have_the_single_messages_in_order() {
    let batches = received().await;
    assert!(batches.iter().any(|batch| matches!(batch, EventBatch::Numbered(_))), "they are used");
    let messages: Vec<Message> = batches.iter().flat_map(single).collect();
    let numbers: Vec<u64> = messages.iter().map(|message| message.position.as_ref().unwrap().seq).collect();
    assert_eq!(numbers, (1..=MESSAGES).collect::<Vec<_>>());
    let caught_up = |event: &ListenerEvent| matches!(event, ListenerEvent::CaughtUp(at) if at.seq == MESSAGES - 300);
    let events = batches.iter().flat_map(|batch| batch.clone().into_events()).collect::<Vec<_>>();
    let at = events.iter().position(caught_up).unwrap();
    let before = |event: &&ListenerEvent| matches!(event, ListenerEvent::Message(_));
    assert_eq!(events[..at].iter().filter(before).count() as u64, MESSAGES - 300, "between the two messages");
}

#[tokio::test(start_paused = true)]
async fn are_recorded_as_single_messages() {
    let batches = received().await;
    let dir = tempfile::tempdir().unwrap();
    let paths = ["blocks", "single", "twice"].map(|name| dir.path().join(name));
    let mut recorders = [0, 1, 2].map(|at: usize| Recorder::open(&paths[at]).unwrap());
    for batch in &batches {
        let [blocks, one_by_one, twice] = &mut recorders;
        let messages = single(batch);
        one_by_one.record(&messages).unwrap();
        match batch {
            EventBatch::Numbered(lines) => {
                blocks.record_numbered(lines).unwrap();
                // Of which the file has one already.
                twice.record(&messages[..1]).unwrap();
                twice.record_numbered(lines).unwrap();
            }
            _ => [blocks, twice].into_iter().for_each(|recorder| recorder.record(&messages).unwrap()),
        }
    }
    let positions = recorders.each_ref().map(|recorder| recorder.position().cloned());
    assert!(positions.iter().all(|position| position.as_ref().unwrap().seq == MESSAGES));
    recorders.into_iter().for_each(|recorder| recorder.close().unwrap());
    let [blocks, single, twice] = paths.map(|path| fs::read_to_string(path).unwrap());
    assert_eq!(blocks.lines().count() as u64, MESSAGES);
    assert!(blocks == single && twice == single);
}
