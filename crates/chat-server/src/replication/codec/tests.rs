//! Round trips, damage, and other encodings of the same batch.

use proptest::prelude::*;

use super::*;

fn nickname() -> impl Strategy<Value = Nickname> {
    "[A-Za-zА-я]{1,12} [a-z]{1,12}".prop_map(|name| Nickname::new(&name).unwrap())
}

fn text() -> impl Strategy<Value = Text> {
    "[ -~а-я\n]{1,80}".prop_filter_map("not a text", |text| Text::new(&text).ok())
}

fn id() -> impl Strategy<Value = PostId> {
    "[a-z0-9-]{1,32}".prop_map(|id| PostId::new(&id).unwrap())
}

fn action() -> impl Strategy<Value = OperatorAction> {
    let name = || nickname().prop_map(|name| name.as_str().to_owned());
    prop_oneof![
        prop::collection::vec(any::<u64>(), 0..5).prop_map(|seqs| OperatorAction::Remove { seqs }),
        (any::<i64>(), name(), any::<Option<i64>>()).prop_map(|(account, nickname, until)| OperatorAction::Mute {
            account,
            nickname,
            until
        }),
        (any::<i64>(), name()).prop_map(|(account, nickname)| OperatorAction::Revoke { account, nickname }),
        (any::<i64>(), name(), name()).prop_map(|(account, nickname, to)| OperatorAction::Rename {
            account,
            nickname,
            to
        }),
        (any::<i64>(), name(), any::<[u8; 32]>()).prop_map(|(account, nickname, hash)| OperatorAction::Token {
            account,
            nickname,
            hash: TokenHash::from_bytes(hash)
        }),
        any::<i64>().prop_map(|account| OperatorAction::Erase { account }),
    ]
}

fn entry() -> impl Strategy<Value = BatchEntry> {
    prop_oneof![
        (any::<i64>(), nickname(), prop::option::of(id()), text()).prop_map(|(author, nickname, id, text)| {
            BatchEntry::Post { author: Arc::new(Author { id: author, nickname }), id, text }
        }),
        (any::<[u8; 32]>(), nickname()).prop_map(|(token, nickname)| {
            let looks = Looks::of(nickname.as_str());
            BatchEntry::Register { token: TokenHash::from_bytes(token), nickname, looks }
        }),
        (nickname(), prop::option::of(text()), action(), any::<bool>()).prop_map(|(actor, reason, action, named)| {
            let looks = named.then(|| Looks::of(actor.as_str()));
            BatchEntry::Act { draft: ActionDraft { actor, reason, action }, looks }
        }),
        any::<u64>().prop_map(|through| BatchEntry::Expire { through }),
        Just(BatchEntry::Barrier),
    ]
}

fn batch() -> impl Strategy<Value = ProposedBatch> {
    let header = (any::<[u8; 16]>(), any::<u64>(), any::<u64>(), any::<i64>(), any::<u64>(), any::<[u8; 32]>());
    (header, prop::collection::vec(entry(), 0..8)).prop_map(
        |((generation, epoch, number, at, place, hash), entries)| {
            let base = ChainLink { place, hash: ChainHash::from_bytes(hash) };
            ProposedBatch { generation: Generation::from_bytes(generation), epoch, number, at, base, entries }
        },
    )
}

/// Returns the bytes with a correct checksum.
fn summed(mut body: Vec<u8>) -> Vec<u8> {
    body.extend(crc32fast::hash(&body).to_le_bytes());
    body
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(batch in batch()) {
        prop_assert_eq!(ProposedBatch::decode(&batch.encode().unwrap()), Ok(batch));
    }

    #[test]
    fn a_flipped_bit_is_found(batch in batch(), place: prop::sample::Index, bit in 0..8u8) {
        let mut bytes = batch.encode().unwrap().to_vec();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        prop_assert_eq!(ProposedBatch::decode(&bytes), Err(BatchError::Checksum));
    }

    #[test]
    fn a_batch_has_one_encoding(batch in batch(), place: prop::sample::Index, byte: u8, cut in any::<Option<prop::sample::Index>>()) {
        let mut body = batch.encode().unwrap().to_vec();
        body.truncate(body.len() - CRC_BYTES);
        let place = place.index(body.len());
        body[place] = byte;
        if let Some(cut) = cut {
            body.truncate(cut.index(body.len()));
        }
        let bytes = summed(body);
        if let Ok(decoded) = ProposedBatch::decode(&bytes) {
            prop_assert_eq!(decoded.encode().unwrap(), bytes);
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = ProposedBatch::decode(&bytes);
        let _ = ProposedBatch::decode(&summed(bytes));
    }
}

#[test]
fn what_no_store_can_apply_is_malformed() {
    let generation = Generation::from_bytes([1; 16]);
    let base = ChainLink::beginning(generation);
    let rename = |to: &str| {
        let action = OperatorAction::Rename { account: 1, nickname: "Keen Bob".into(), to: to.into() };
        let draft = ActionDraft { actor: Nickname::new("operator").unwrap(), reason: None, action };
        let entries = vec![BatchEntry::Act { draft, looks: None }];
        ProposedBatch { generation, epoch: 1, number: 1, at: 0, base, entries }.encode()
    };
    for wrong in ["", " Calm Eve", "Calm\nEve", &"x".repeat(10_000)] {
        assert_eq!(rename(wrong), Err(BatchError::Malformed), "{wrong:?}");
    }
    // The same from a node that does not check it.
    let mut body = rename("Calm Eve").unwrap().to_vec();
    body.truncate(body.len() - CRC_BYTES);
    let at = body.windows(8).position(|found| found == b"Calm Eve").unwrap();
    body[at] = b' ';
    assert_eq!(ProposedBatch::decode(&summed(body)), Err(BatchError::Malformed));
}

#[test]
fn later_kinds_are_named() {
    let generation = Generation::from_bytes([1; 16]);
    let base = ChainLink::beginning(generation);
    let batch = ProposedBatch { generation, epoch: 1, number: 1, at: 0, base, entries: vec![BatchEntry::Barrier] };
    let mut body = batch.encode().unwrap().to_vec();
    body.truncate(body.len() - CRC_BYTES);
    let (kind, room) = (body.len() - 2, body.len() - 1);
    let changed = |at: usize, byte: u8| {
        let mut other = body.clone();
        other[at] = byte;
        ProposedBatch::decode(&summed(other))
    };
    assert_eq!(changed(0, 9), Err(BatchError::Version(9)));
    assert_eq!(changed(kind, 77), Err(BatchError::Kind(77)));
    assert_eq!(changed(room, 3), Err(BatchError::Room(3)));
    assert_eq!(changed(room, 0x80), Err(BatchError::Malformed));
}

#[test]
fn a_batch_over_the_limit_is_refused() {
    let generation = Generation::from_bytes([1; 16]);
    let author = Arc::new(Author { id: 1, nickname: Nickname::new("Keen Bob").unwrap() });
    let post = BatchEntry::Post { author, id: None, text: Text::new(&"x".repeat(16_000)).unwrap() };
    let base = ChainLink::beginning(generation);
    let mut batch = ProposedBatch { generation, epoch: 1, number: 1, at: 0, base, entries: vec![post; 65] };
    assert!(batch.encode().unwrap().len() < MAX_BATCH_BYTES);
    batch.entries.extend_from_within(..1);
    assert_eq!(batch.encode(), Err(BatchError::Malformed));
    assert_eq!(ProposedBatch::decode(&vec![0; MAX_BATCH_BYTES + 1]), Err(BatchError::Malformed));
}
