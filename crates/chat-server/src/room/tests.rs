//! The room against a plain list: whatever is published, read, half-written or skipped, a listener
//! sees the list.

use chat_proto::{Nickname, Text};
use proptest::prelude::*;

use super::*;

fn messages(first: Seq, count: u64) -> Vec<StoredMessage> {
    let message = |seq: Seq| StoredMessage {
        seq,
        at: 1_000 + i64::try_from(seq).unwrap(),
        nickname: Nickname::new("Keen Bob").unwrap(),
        text: Text::new(&format!("-{}", "\né".repeat(seq as usize % 4))).unwrap(),
    };
    (first..first + count).map(message).collect()
}

/// Takes at most `appetite` bytes, as a socket would.
fn serve(room: &Room, place: &mut Place, journal: &[StoredMessage], appetite: usize, seen: &mut Vec<u8>) {
    let found = match room.from(place.next(), place.form(), 40, 3) {
        Found::Pieces(pieces) => pieces,
        Found::Level => return,
        Found::Behind => {
            let from = usize::try_from(place.next() - 1).unwrap();
            vec![Batch::encode_for(&journal[from..(from + 2).min(journal.len())], place.form()).unwrap()]
        }
    };
    let (mut left, mut at) = (appetite, *place);
    for batch in &found {
        let rest = at.rest(batch);
        let take = rest.len().min(left);
        seen.extend_from_slice(&rest[..take]);
        left -= take;
        at = at.after(batch);
    }
    place.advance(&found, appetite - left);
}

#[test]
fn an_empty_room_is_level_and_an_old_place_is_behind() {
    let room = Room::new(7, 1024);
    assert_eq!(room.from(8, Form::Plain, 64, 64), Found::Level);
    assert_eq!(room.from(7, Form::Plain, 64, 64), Found::Behind);
}

#[test]
fn the_ring_stays_within_its_limit() {
    let room = Room::new(0, 1_000);
    for seq in 1..200 {
        room.publish(&messages(seq, 1));
    }
    let ring = room.ring.read().unwrap();
    assert!(ring.bytes <= 1_000 && ring.batches.len() > 1, "{} bytes", ring.bytes);
    assert_eq!(ring.bytes, ring.batches.iter().map(Batch::size).sum::<usize>());
}

proptest! {
    #[test]
    fn every_listener_sees_the_list(
        numbered: bool,
        limit in 1usize..2_000,
        steps in prop::collection::vec((0u64..4, 0usize..200), 1..80),
    ) {
        let form = if numbered { Form::Numbered } else { Form::Plain };
        let room = Room::new(0, limit);
        let mut journal = Vec::new();
        let mut place = Place::new(1, form);
        let mut seen = Vec::new();
        for (published, appetite) in steps {
            let fresh = messages(journal.len() as u64 + 1, published);
            journal.extend(fresh.iter().cloned());
            room.publish(&fresh);
            serve(&room, &mut place, &journal, appetite, &mut seen);
        }
        while place.next() <= journal.len() as u64 {
            serve(&room, &mut place, &journal, 1_000, &mut seen);
        }
        prop_assert!(!place.is_inside_line());
        prop_assert_eq!(seen, batch::encode(&journal, form).to_vec());
    }
}
