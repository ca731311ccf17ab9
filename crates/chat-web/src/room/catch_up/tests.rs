use chat_client::testing::Room;
use chat_client::{ClientConfig, StreamId};

use super::super::ring::RingRemoval;
use super::*;
use crate::dialler::Dialler;

fn at(seq: u64) -> Position {
    Position { stream: StreamId::new("s").unwrap(), seq }
}

fn message(seq: u64) -> RingItem {
    RingItem { position: Some(at(seq)), json: format!("message {seq}").into(), removal: None }
}

fn removal(seq: u64, filling: usize) -> RingItem {
    let note = format!("removed {seq}{}", "-".repeat(filling));
    let removal = RingRemoval { position: at(seq), note: note.as_str().into(), in_place: "gone".into() };
    RingItem { position: None, json: note.into(), removal: Some(Box::new(removal)) }
}

/// Returns a page that was away since a message, in front of a ring with these items.
fn returning(last: u64, items: impl IntoIterator<Item = RingItem>) -> PageCursor {
    let room = Room::new();
    room.refuse(true);
    let dialler = Dialler::from_dials(move || room.dial());
    let own = StreamId::new("own").unwrap();
    let feed = RoomFeed::start(ClientConfig::default(), dialler.clone(), own);
    items.into_iter().for_each(|item| feed.ring().push(item));
    let begin = PageBegin::After(at(last));
    let mut cursor = PageCursor::new(feed, RoomHistory::new(ClientConfig::default(), dialler), begin.clone());
    cursor.begin(&begin, true);
    cursor
}

/// Returns the objects of each step up to `caught_up`.
async fn steps(cursor: &mut PageCursor) -> Vec<Vec<String>> {
    let mut steps = Vec::new();
    loop {
        match cursor.next().await {
            PageStep::Event(PageEvent::CaughtUp) => return steps,
            PageStep::Event(PageEvent::Gap(gap)) => steps.push(vec![gap.cause.to_owned()]),
            PageStep::Event(event) => panic!("{event:?}"),
            PageStep::Items(items) => steps.push(items.iter().map(|item| item.json.to_string()).collect()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn removals_reach_a_page_far_behind() {
    let items = (5_000..5_300).map(message).chain([removal(900, 0), message(5_300), removal(901, 0)]);
    let all = steps(&mut returning(900, items.chain((5_301..5_600).map(message)))).await;
    assert_eq!((&all[0], &all[1]), (&vec!["far_behind".to_owned()], &vec!["removed 900".to_owned()]));
    assert_eq!((&all[2][0], all[2..].concat().len()), (&"message 5400".to_owned(), FIRST_MESSAGES));
}

#[tokio::test(start_paused = true)]
async fn removals_are_told_once() {
    let items = [message(1), message(2), removal(1, 0), message(3), removal(2, 0), message(4)];
    let all = steps(&mut returning(3, items)).await;
    assert_eq!(all.concat(), ["removed 1", "removed 2", "message 4"]);
}

#[tokio::test(start_paused = true)]
async fn removals_are_sent_in_steps() {
    let items = (1..=1_000).map(|seq| removal(seq, 100)).chain((5_000..5_300).map(message));
    let all = steps(&mut returning(1_000, items)).await;
    let sizes: Vec<usize> = all.iter().map(|step| step.iter().map(String::len).sum()).collect();
    assert!(sizes.iter().all(|size| *size <= STEP_BYTES), "{sizes:?}");
    assert_eq!(all.concat().iter().filter(|text| text.starts_with("removed")).count(), 1_000);
}
