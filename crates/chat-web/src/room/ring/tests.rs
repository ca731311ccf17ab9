use chat_client::StreamId;
use proptest::prelude::*;

use super::*;

fn at(stream: &str, seq: u64) -> Position {
    Position { stream: StreamId::new(stream).unwrap(), seq }
}

fn message(stream: &str, seq: u64, bytes: usize) -> RingItem {
    RingItem { position: Some(at(stream, seq)), json: "x".repeat(bytes).into(), removal: None }
}

fn note() -> RingItem {
    RingItem { position: None, json: "note".into(), removal: None }
}

fn removal(stream: &str, seq: u64) -> RingItem {
    let removal =
        RingRemoval { position: at(stream, seq), note: "note".into(), in_place: format!("gone {seq}").into() };
    RingItem { removal: Some(Box::new(removal)), ..note() }
}

fn texts(items: &[RingItem]) -> Vec<&str> {
    items.iter().map(|item| item.json.as_str()).collect()
}

fn seqs(items: &[RingItem]) -> Vec<u64> {
    items.iter().filter_map(|item| item.position.as_ref()).map(|position| position.seq).collect()
}

/// Reads all from an index in small steps; `None` if something was evicted.
fn read_all(ring: &RecentRing, mut index: u64) -> Option<Vec<RingItem>> {
    let mut all = Vec::new();
    loop {
        match ring.read(index, 7) {
            RingRead::Items { items, next } => {
                assert_eq!(next, index + items.len() as u64);
                all.extend(items);
                index = next;
            }
            RingRead::UpToDate => return Some(all),
            RingRead::Evicted => return None,
        }
    }
}

#[test]
fn finds_a_place_between_messages() {
    let mut ring = RecentRing::new(3, 1000);
    ring.begin_after(at("a", 4));
    assert_eq!(ring.place_after(&at("a", 4)), RingPlace::At(0));
    for seq in 5..=6 {
        ring.push(message("a", seq, 1));
    }
    ring.push(note());
    assert_eq!(ring.place_after(&at("a", 4)), RingPlace::At(0));
    // What stands between two messages follows the first one.
    assert_eq!(ring.place_after(&at("a", 6)), RingPlace::At(2));
    assert_eq!(ring.place_after(&at("a", 3)), RingPlace::Behind);
    assert_eq!(ring.place_after(&at("a", 7)), RingPlace::Unknown);
    assert_eq!(ring.place_after(&at("b", 6)), RingPlace::Unknown);
    ring.push(message("b", 1, 1));
    assert_eq!(ring.place_after(&at("a", 5)), RingPlace::At(1));
    assert_eq!(ring.place_after(&at("a", 9)), RingPlace::At(2));
}

#[test]
fn last_counts_messages() {
    let mut ring = RecentRing::new(10, 1000);
    assert_eq!(ring.last(3), 0);
    for seq in 1..=4 {
        ring.push(message("a", seq, 1));
        ring.push(note());
    }
    assert_eq!((ring.last(0), ring.last(1), ring.last(2), ring.last(9)), (8, 6, 4, 0));
}

#[test]
fn keeps_the_newest_item_of_any_size() {
    let mut ring = RecentRing::new(10, 5);
    ring.push(message("a", 1, 100));
    assert_eq!(read_all(&ring, 0).unwrap().len(), 1);
    ring.push(message("a", 2, 100));
    assert_eq!(ring.read(0, 10), RingRead::Evicted);
    assert_eq!(ring.place_after(&at("a", 1)), RingPlace::At(1));
}

#[test]
fn removal_takes_the_text_out() {
    let mut ring = RecentRing::new(10, 1000);
    for seq in 1..=3 {
        ring.push(message("a", seq, 4));
    }
    ring.push(removal("a", 2));
    ring.push(removal("a", 9));
    ring.push(removal("b", 1));
    assert_eq!(texts(&read_all(&ring, 0).unwrap()), ["xxxx", "gone 2", "xxxx", "note", "note", "note"]);
    // A page that has the message gets the removal, once; one that is before it gets what stands in its place.
    let removals = |last, from, to| ring.removals(from..to, &last, 1000).0.len();
    assert_eq!([removals(at("a", 3), 0, 6), removals(at("a", 1), 0, 6), removals(at("a", 9), 0, 6)], [1, 0, 2]);
    assert_eq!([removals(at("b", 3), 0, 6), removals(at("a", 3), 4, 6), removals(at("a", 3), 9, 3)], [1, 0, 0]);
}

#[test]
fn removal_outlives_its_message() {
    let mut ring = RecentRing::new(2, 1000);
    for seq in 1..=2 {
        ring.push(message("a", seq, 4));
    }
    ring.push(removal("a", 1));
    ring.push(message("a", 3, 4));
    let (found, next) = ring.removals(0..ring.end(), &at("a", 2), 1000);
    assert_eq!((texts(&found), next), (vec!["note"], 4));
}

#[test]
fn removals_come_in_steps() {
    let mut ring = RecentRing::new(10, 1000);
    for seq in 1..=5 {
        ring.push(removal("a", seq));
    }
    let (mut index, mut steps) = (0, Vec::new());
    while index < ring.end() {
        let (found, next) = ring.removals(index..ring.end(), &at("a", 9), 9);
        steps.push(found.len());
        index = next;
    }
    assert_eq!(steps, [2, 2, 1]);
}

#[test]
fn removal_counts_its_own_bytes() {
    let mut ring = RecentRing::new(10, 26);
    ring.push(message("a", 1, 10));
    ring.push(removal("a", 1));
    // What stands in the place of the message is 6 bytes, the removal in its two forms 10.
    ring.push(message("a", 2, 10));
    assert_eq!(read_all(&ring, 0).unwrap().len(), 3);
    ring.push(message("a", 3, 1));
    assert_eq!(read_all(&ring, 1).unwrap().len(), 3);
}

proptest! {
    /// Whatever was pushed and evicted, a page that has everything up to a message either continues with exactly the
    /// messages after it, or is told that it cannot.
    #[test]
    fn no_hole_and_no_repetition(
        steps in proptest::collection::vec((0..10_u8, 1..20_usize, 1..3_u64), 0..60),
        max_items in 1..12_usize,
        max_bytes in 1..80_usize,
        start in 0..5_u64,
        has_floor in any::<bool>(),
    ) {
        let mut ring = RecentRing::new(max_items, max_bytes);
        if has_floor {
            ring.begin_after(at("s", start));
        }
        let mut said = Vec::new();
        let mut seq = start;
        for (kind, bytes, step) in steps {
            if kind == 0 {
                ring.push(note());
            } else {
                // Numbers have holes where the room left messages out.
                seq += if kind == 1 { step } else { 1 };
                said.push(seq);
                ring.push(message("s", seq, bytes));
            }
        }
        for place in 0..=seq + 1 {
            let expected: Vec<u64> = said.iter().copied().filter(|said| *said > place).collect();
            match ring.place_after(&at("s", place)) {
                RingPlace::At(index) => prop_assert_eq!(seqs(&read_all(&ring, index).unwrap()), expected),
                RingPlace::Behind => prop_assert!(place < seq),
                RingPlace::Unknown => prop_assert!(place > seq || said.is_empty()),
            }
        }
        // A page that reads while items are evicted is told so, and never gets a later item in place of an earlier one.
        for index in 0..ring.end() {
            if let RingRead::Items { items, .. } = ring.read(index, usize::MAX) {
                prop_assert_eq!(items.len() as u64, ring.end() - index);
            }
        }
        let kept = ring.items().count();
        prop_assert!(kept <= max_items.max(1));
    }
}
