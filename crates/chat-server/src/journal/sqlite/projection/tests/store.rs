//! What a store of a node refuses: another log, another use, and damage.

use std::collections::HashMap;

use super::*;
use crate::replication::Looks;

#[test]
fn another_log_stops_the_node_for_good() {
    let (dir, mut projection) = created();
    let mut log = TestLog::new();
    let good = log.add(0, 1, vec![post(0, None, "one")]);
    let before = log.end;
    let stops = |bytes: Bytes| PlacedBatch { place: 2, at: 2, bytes };
    let batch = |generation: Generation, base: ChainLink| ProposedBatch {
        generation,
        epoch: 1,
        number: 1,
        at: 2,
        base,
        entries: vec![post(0, None, "two")],
    };
    let other = ChainLink { place: 1, hash: before.hash.after(1, b"other") };
    let mut torn = batch(GENERATION, before).encode().unwrap().to_vec();
    torn[40] ^= 1;
    let cases = [
        (batch(Generation::from_bytes([8; 16]), before).encode().unwrap(), Divergence::Generation),
        (batch(GENERATION, other).encode().unwrap(), Divergence::Base(1)),
        (batch(GENERATION, ChainLink { place: 2, ..before }).encode().unwrap(), Divergence::BaseAhead(2)),
        (torn.into(), Divergence::Unreadable(crate::replication::BatchError::Checksum)),
    ];
    projection.apply(std::slice::from_ref(&good)).unwrap();
    let hash = projection.content_hash().unwrap();
    projection.close().unwrap();
    drop(projection);
    for (bytes, why) in cases {
        let mut projection = SqliteProjection::open(dir.path()).unwrap();
        let run = projection.apply(&[stops(bytes)]).unwrap();
        assert_eq!((run.batches.len(), run.stopped), (0, Some(StoppedAt { place: 2, why })));
        assert_eq!((projection.applied().place, projection.content_hash().unwrap()), (1, hash));
    }
}

#[test]
fn a_store_has_one_use() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::open(dir.path()).unwrap();
    let nickname = Nickname::new("Keen Bob").unwrap();
    journal.append(&[Draft::Account { token: TokenHash::from_bytes([1; 32]), nickname: nickname.clone() }]).unwrap();
    let stream = journal.streams().to_vec();
    drop(journal);
    assert!(matches!(SqliteProjection::open(dir.path()), Err(JournalError::NotOfCluster)));
    let mut projection = SqliteProjection::create(dir.path(), GENERATION).unwrap();
    assert_eq!(projection.streams(), stream);
    // The names of before are taken.
    let mut log = TestLog::new();
    let run = projection.apply(&[log.add(0, 1, vec![register(2, "Keen ВОВ")])]).unwrap();
    assert_eq!(outcomes(&run), [EntryOutcome::LooksTaken]);
    drop(projection);
    assert!(matches!(SqliteJournal::open(dir.path()), Err(JournalError::OfCluster)));
    assert!(matches!(SqliteProjection::create(dir.path(), GENERATION), Err(JournalError::OfCluster)));
    assert!(matches!(revoke_account_by_id(dir.path(), 1, &nickname), Err(JournalError::OfCluster)));
    SqliteProjection::open(dir.path()).unwrap();
}

/// What a node has lost at its end it applies again, so it begins no new stream.
#[test]
fn an_old_copy_catches_up() {
    let (dir, mut projection) = created();
    let mut log = TestLog::new();
    projection.apply(&[log.add(0, 1, vec![post(0, None, "one")])]).unwrap();
    projection.close().unwrap();
    let copy = std::fs::read(dir.path().join("room.db")).unwrap();
    drop(projection);
    let mut projection = SqliteProjection::open(dir.path()).unwrap();
    let stream = projection.streams().to_vec();
    let later = log.add(0, 2, vec![post(0, None, "two")]);
    projection.apply(std::slice::from_ref(&later)).unwrap();
    let hash = projection.content_hash().unwrap();
    projection.close().unwrap();
    drop(projection);
    std::fs::write(dir.path().join("room.db"), copy).unwrap();
    let mut projection = SqliteProjection::open(dir.path()).unwrap();
    assert_eq!((projection.applied().place, projection.streams()), (1, &stream[..]));
    projection.apply(&[later]).unwrap();
    assert_eq!(projection.content_hash().unwrap(), hash);
}

#[test]
fn a_damaged_store_is_not_repaired() {
    let (dir, mut projection) = created();
    let mut log = TestLog::new();
    projection.apply(&[log.add(0, 1, vec![post(0, None, "unmistakable")])]).unwrap();
    projection.close().unwrap();
    drop(projection);
    let path = dir.path().join("room.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(12).position(|found| found == b"unmistakable").unwrap();
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(matches!(SqliteProjection::open(dir.path()), Err(JournalError::Damaged)));
}

/// Damage that leaves the structure of the file intact.
#[test]
fn damage_of_the_place_in_the_log_is_found() {
    for change in [
        "UPDATE proposer SET number = number + 1",
        "UPDATE looks SET account = 2",
        "UPDATE chain SET hash = zeroblob(32) WHERE place = 0",
        "DELETE FROM chain WHERE place = 1",
        "UPDATE replica SET at = at + 1",
        "DELETE FROM replica",
    ] {
        let (dir, mut projection) = created();
        let mut log = TestLog::new();
        projection.apply(&[log.add(0, 1, vec![register(1, "Keen Bob")])]).unwrap();
        projection.close().unwrap();
        drop(projection);
        let connection = rusqlite::Connection::open(dir.path().join("room.db")).unwrap();
        assert_eq!(connection.execute(change, []).unwrap(), 1, "{change}");
        drop(connection);
        assert!(matches!(SqliteProjection::open(dir.path()), Err(JournalError::Damaged)), "{change}");
        let report = crate::journal::sqlite::check_store(dir.path()).unwrap();
        assert_eq!((report.damaged_rows, report.is_good()), (1, false), "{change}");
    }
}

#[test]
fn a_server_alone_does_not_repair_it() {
    let (dir, mut projection) = created();
    let mut log = TestLog::new();
    projection.apply(&[log.add(0, 1, vec![post(0, None, "one")])]).unwrap();
    projection.close().unwrap();
    drop(projection);
    let path = dir.path().join("room.db");
    let bytes = std::fs::read(&path).unwrap();
    // The magic, the format, the mark, the whole header, and all but the header.
    for damaged in [0..1, 60..64, 68..72, 0..100, 100..4096] {
        let mut changed = bytes.clone();
        changed[damaged.clone()].fill(0xa5);
        std::fs::write(&path, &changed).unwrap();
        assert!(matches!(SqliteJournal::open(dir.path()), Err(JournalError::OfCluster)), "{damaged:?}");
        assert_eq!(std::fs::read(&path).unwrap(), changed, "{damaged:?}");
    }
}

#[test]
fn names_of_erased_accounts_leave_no_bytes() {
    let (dir, mut projection) = created();
    let mut log = TestLog::new();
    // In an order that splits pages in all places, of letters that look like no other.
    let name = |n: u32| {
        let hash = n.wrapping_mul(0x9e37_79b1);
        let letters = (0..8).map(|at| char::from(b"abcdefghkpstuxyz"[(hash >> (28 - 4 * at)) as usize & 15]));
        format!("Keen {}", letters.collect::<String>())
    };
    let numbers: Vec<u32> = (1..=3_000).collect();
    for part in numbers.chunks(100) {
        let register = |n: &u32| {
            let mut token = [7; 32];
            token[..4].copy_from_slice(&n.to_be_bytes());
            let (token, nickname) = (TokenHash::from_bytes(token), Nickname::new(&name(*n)).unwrap());
            BatchEntry::of(&Draft::Account { token, nickname })
        };
        let batch = log.add(0, 1, part.iter().map(register).collect());
        let applied = projection.apply(&[batch]).unwrap();
        assert!(outcomes(&applied).iter().all(|outcome| matches!(outcome, EntryOutcome::Registered(_))));
    }
    projection.close().unwrap();
    drop(projection);
    let found = |is_it: fn(usize) -> bool| -> Vec<u32> {
        let bytes = std::fs::read(dir.path().join("room.db")).unwrap();
        let form = |n: &u32| Looks::of(&name(*n)).forms().next().unwrap().as_bytes().to_vec();
        let counts = places(&bytes, &numbers.iter().map(form).collect::<Vec<_>>());
        numbers.iter().zip(counts).filter(|(_, count)| is_it(*count)).map(|(n, _)| *n).collect()
    };
    // Those of which a split has left a copy.
    let mut erased = found(|count| count > 1);
    erased.truncate(3);
    assert!(!erased.is_empty());
    let mut projection = SqliteProjection::open(dir.path()).unwrap();
    let erase = |n: &u32| act(OperatorAction::Erase { account: i64::from(*n) });
    projection.apply(&[log.add(0, 2, erased.iter().map(erase).collect())]).unwrap();
    projection.close().unwrap();
    assert_eq!(found(|count| count == 0), erased);
}

/// Returns in how many places each of some texts of the same length is.
fn places(bytes: &[u8], needles: &[Vec<u8>]) -> Vec<usize> {
    let mut counts = vec![0; needles.len()];
    let numbers: HashMap<&[u8], usize> = needles.iter().map(Vec::as_slice).zip(0..).collect();
    for window in bytes.windows(needles[0].len()) {
        if let Some(number) = numbers.get(window) {
            counts[*number] += 1;
        }
    }
    counts
}
