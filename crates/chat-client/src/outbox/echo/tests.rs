//! Tests of echoes with and without numbers, before and after their receipts.

use std::time::{Duration, SystemTime};

use chat_proto::StreamId;

use super::*;
use crate::delivery_state::Receipt;

fn id(n: u32) -> PostId {
    PostId::new(&n.to_string()).unwrap()
}

fn text(raw: &str) -> Text {
    Text::new(raw).unwrap()
}

fn at(stream: &str, seq: u64) -> Position {
    Position { stream: StreamId::new(stream).unwrap(), seq }
}

fn heard(sender: &str, raw: &str, position: Option<Position>) -> Message {
    let mut message = Message::new(Some(Nickname::new(sender).unwrap()), text(raw));
    message.position = position;
    message
}

fn confirmed(n: u32, position: Option<Position>) -> DeliveryState {
    DeliveryState::Confirmed(Receipt::new(id(n), position))
}

fn matcher(messages: &[(u32, &str, DeliveryState)]) -> EchoMatcher<u32> {
    let mut echoes = EchoMatcher::new();
    echoes.set_nickname(Some(Nickname::new("Keen Bob").unwrap()));
    for (n, raw, state) in messages {
        echoes.add(id(*n), &text(raw));
        assert_eq!(echoes.update(&id(*n), state), None);
    }
    echoes
}

fn seen(n: u32, tag: u32) -> EchoOutcome<u32> {
    EchoOutcome { id: id(n), echo: Echo::Seen(tag) }
}

fn missed(n: u32) -> EchoOutcome<u32> {
    EchoOutcome { id: id(n), echo: Echo::Missed }
}

/// A gap that ends after everything that a test confirms.
fn gap(cause: GapCause) -> Gap {
    Gap::new(SystemTime::UNIX_EPOCH, SystemTime::now() + Duration::from_secs(3600), None, cause)
}

#[test]
fn confirmed_after_the_gap_is_awaited() {
    let mut echoes = matcher(&[(1, "lost", DeliveryState::Written), (2, "waited", DeliveryState::Queued)]);
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
    let second = Duration::from_secs(1);
    assert_eq!(echoes.update_at(&id(1), &confirmed(1, None), end - second), None);
    assert_eq!(echoes.update_at(&id(2), &confirmed(2, None), end + second), None);
    let gap = Gap::new(SystemTime::UNIX_EPOCH, end, None, GapCause::Disconnected);
    assert_eq!(echoes.on_gap(&gap), [missed(1)]);
    assert_eq!(echoes.on_message(&heard("Keen Bob", "waited", None), 7), [seen(2, 7)]);
}

#[test]
fn plain_echo_is_the_oldest_written() {
    let refused = DeliveryState::Refused { code: chat_proto::DeclineCode::Rate, retry_after: None, reason: None };
    let mut echoes = matcher(&[
        (1, "hi", refused),
        (2, "hi", DeliveryState::Queued),
        (3, "hi", DeliveryState::Written),
        (4, "hi", DeliveryState::Unconfirmed),
    ]);
    let hi = heard("Keen Bob", "hi", None);
    assert_eq!(echoes.on_message(&heard("Eve", "hi", None), 0), []);
    assert_eq!(echoes.on_message(&hi, 1), [seen(3, 1)]);
    assert_eq!(echoes.on_message(&hi, 2), [seen(4, 2)]);
    assert_eq!(echoes.on_message(&hi, 3), [seen(2, 3)]);
    assert_eq!(echoes.on_message(&hi, 4), []);
    assert!(echoes.contains(&id(1)));
}

#[test]
fn number_decides_where_there_is_one() {
    let mut echoes = matcher(&[(1, "hi", confirmed(1, Some(at("s", 7)))), (2, "hi", confirmed(2, Some(at("s", 6))))]);
    assert_eq!(echoes.on_message(&heard("Keen Bob", "hi", Some(at("s", 6))), 1), [seen(2, 1)]);
    assert_eq!(echoes.on_message(&heard("Keen Bob", "hi", Some(at("s", 8))), 2), [missed(1)]);
}

#[test]
fn numbered_echo_before_its_receipt() {
    let mut echoes = matcher(&[(1, "yes", DeliveryState::Unconfirmed), (2, "yes", DeliveryState::Written)]);
    assert_eq!(echoes.on_message(&heard("Keen Bob", "yes", Some(at("s", 6))), 9), []);
    assert_eq!(echoes.update(&id(2), &confirmed(2, Some(at("s", 6)))), Some(seen(2, 9)));
    assert!(echoes.contains(&id(1)));
}

#[test]
fn this_run_comes_before_an_earlier_one() {
    let mut echoes = matcher(&[]);
    echoes.add_earlier(id(1), &text("yes"), DeliveryState::Unconfirmed);
    echoes.add(id(2), &text("yes"));
    echoes.update(&id(2), &DeliveryState::Written);
    let yes = heard("Keen Bob", "yes", None);
    assert_eq!(echoes.on_message(&yes, 0), [seen(2, 0)]);
    assert_eq!(echoes.on_message(&yes, 0), [seen(1, 0)]);
}

#[test]
fn gap_ends_waits_without_numbers() {
    let mut echoes = matcher(&[
        (1, "a", confirmed(1, None)),
        (2, "b", DeliveryState::Written),
        (3, "c", DeliveryState::Written),
        (4, "d", DeliveryState::Written),
    ]);
    assert_eq!(echoes.on_message(&heard("Eve", "x", Some(at("old", 5))), 0), []);
    assert_eq!(echoes.update(&id(2), &confirmed(2, Some(at("old", 6)))), None);
    assert_eq!(echoes.update(&id(3), &confirmed(3, Some(at("new", 2)))), None);
    assert_eq!(echoes.clone().on_gap(&gap(GapCause::Disconnected)), [missed(1)]);
    assert_eq!(echoes.on_gap(&gap(GapCause::OtherStream)), [missed(1), missed(2)]);
    assert_eq!(echoes.on_message(&heard("Eve", "y", Some(at("new", 3))), 0), [missed(3)]);
    assert_eq!(echoes.update(&id(4), &confirmed(4, Some(at("new", 1)))), Some(missed(4)), "the listener is past it");
}

#[test]
fn late_state_does_not_undo_confirmation() {
    let mut echoes = matcher(&[(1, "hi", confirmed(1, None))]);
    assert_eq!(echoes.update(&id(1), &DeliveryState::Written), None);
    assert_eq!(echoes.on_gap(&gap(GapCause::Disconnected)), [missed(1)]);
}

#[test]
fn line_breaks_come_back_as_spaces() {
    let mut echoes = matcher(&[(1, "two\nlines ", DeliveryState::Written)]);
    assert_eq!(echoes.on_message(&heard("Keen Bob", "two lines", None), 0), [seen(1, 0)]);
}

#[test]
fn early_messages_are_bounded() {
    let mut echoes = matcher(&[(1, "mine", DeliveryState::Written)]);
    for n in 0..2 * MAX_EARLY {
        echoes.on_message(&heard("Keen Bob", &format!("other {n}"), None), 0);
    }
    assert_eq!(echoes.early.len(), MAX_EARLY);
}
