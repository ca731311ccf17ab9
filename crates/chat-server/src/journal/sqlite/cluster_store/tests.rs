//! A store that becomes one of a node, and one of a server alone again.

use std::time::Instant;

use chat_proto::{Nickname, PostId, Text};
use tempfile::TempDir;

use super::*;
use crate::accounts::TokenHash;
use crate::action::{ActionDraft, OperatorAction};
use crate::entry::{Appended, Author, Draft};
use crate::journal::Journal as _;
use crate::journal::sqlite::{SqliteJournal, SqliteProjection, backup_store, check_store, restore_store};
use crate::replication::{BatchEntry, Node, PlacedBatch, Projection as _};

const FIRST: Generation = Generation::from_bytes([7; 16]);
const SECOND: Generation = Generation::from_bytes([8; 16]);

fn post(id: &str) -> Draft {
    let author = Author { id: 1, nickname: Nickname::new("Keen Bob").unwrap() };
    Draft::Post { author: author.into(), id: Some(PostId::new(id).unwrap()), text: Text::new(id).unwrap() }
}

fn act(action: OperatorAction) -> Draft {
    Draft::Action(ActionDraft { actor: Nickname::new("operator").unwrap(), reason: None, action })
}

/// The store of a server alone with one account and two messages.
fn server() -> TempDir {
    let temp = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::open(temp.path()).unwrap();
    let token = TokenHash::from_bytes([3; 32]);
    journal.append(&[Draft::Account { token, nickname: Nickname::new("Keen Bob").unwrap() }]).unwrap();
    journal.append(&[post("a"), post("b")]).unwrap();
    journal.close().unwrap();
    temp
}

fn init(dir: &Path) -> StorePlace {
    LogBeginning::of_server(dir).unwrap().begin(FIRST, false).unwrap()
}

/// Lets a node store drafts, each in a batch of its own, after what it has applied.
fn store(dir: &Path, epoch: u64, drafts: &[Draft]) {
    let mut node = Node::new(SqliteProjection::open(dir).unwrap(), epoch);
    for draft in drafts {
        let now = Instant::now();
        assert!(node.propose(vec![((), vec![BatchEntry::of(draft)])], 1_000, now).is_ok());
        let place = node.projection().applied().place + 1;
        let bytes = node.poll_transmit().unwrap();
        assert_eq!(node.receive(&[PlacedBatch { place, at: 1_000, bytes }], now).unwrap().answers.len(), 1);
    }
    node.projection_mut().close().unwrap();
}

fn room(dir: &Path) -> (Seq, usize, String) {
    let report = check_store(dir).unwrap();
    assert!(report.is_good() && report.lost_end.is_none(), "{report:?}");
    (report.head, report.streams.len(), report.streams.last().unwrap().id.to_string())
}

fn format(dir: &Path) -> i64 {
    let connection = Connection::open(dir.join("room.db")).unwrap();
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

fn text(dir: &Path) -> String {
    LogBeginning::of_server(dir).unwrap().text().to_owned()
}

#[test]
fn a_node_leaves_with_all_that_it_has() {
    let temp = server();
    let (dir, before) = (temp.path(), room(temp.path()));
    let place = init(dir);
    assert_eq!((place.generation, place.place, place.head, place.stream.as_str()), (FIRST, 0, 2, before.2.as_str()));
    assert_eq!(store_place(dir).unwrap(), Some(place));
    assert!(matches!(SqliteJournal::open(dir), Err(JournalError::OfCluster)));
    store(dir, 1, &[post("c"), post("b"), post("d")]);
    SqliteProjection::open(dir).unwrap().leave(false).unwrap();
    assert_eq!((room(dir), format(dir)), ((4, before.1, before.2), schema::PLAIN_FORMAT));
    assert_eq!(store_place(dir).unwrap(), None);
    let mut journal = SqliteJournal::open(dir).unwrap();
    assert!(journal.recovery().is_none());
    assert_eq!(journal.accounts().unwrap()[0].nickname.as_str(), "Keen Bob");
    let again = journal.append(&[post("a"), post("d"), post("e")]).unwrap();
    assert_eq!(again[..2], [Appended::Repeated { seq: 1 }, Appended::Repeated { seq: 4 }]);
    assert!(matches!(again[2], Appended::Fresh { seq: 5, .. }), "{again:?}");
}

#[test]
fn a_run_that_was_interrupted_finds_the_same_text() {
    let temp = server();
    let before = text(temp.path());
    assert_eq!(text(temp.path()), before);
    init(temp.path());
    assert!(matches!(LogBeginning::of_server(temp.path()), Err(JournalError::OfCluster)));
    // It is the same room as before, so it has the same text again.
    SqliteProjection::open(temp.path()).unwrap().leave(false).unwrap();
    assert_eq!(text(temp.path()), before);
    SqliteJournal::open(temp.path()).unwrap().append(&[post("c")]).unwrap();
    assert_ne!(text(temp.path()), before);
}

#[test]
fn a_store_keeps_the_format_of_what_is_in_it() {
    let revoked = act(OperatorAction::Revoke { account: 1, nickname: "Keen Bob".into() });
    let renamed = act(OperatorAction::Rename { account: 1, nickname: "Keen Bob".into(), to: "Keen Eve".into() });
    for (draft, expected) in [(revoked, schema::ACTION_FORMAT), (renamed, schema::EXPIRY_FORMAT)] {
        let temp = server();
        init(temp.path());
        store(temp.path(), 1, &[draft]);
        assert_eq!(format(temp.path()), schema::CLUSTER_FORMAT);
        SqliteProjection::open(temp.path()).unwrap().leave(false).unwrap();
        assert_eq!(format(temp.path()), expected);
        SqliteJournal::open(temp.path()).unwrap();
    }
}

#[test]
fn what_leaves_without_its_log_begins_a_new_stream() {
    let temp = server();
    let before = room(temp.path());
    init(temp.path());
    SqliteProjection::open(temp.path()).unwrap().leave(true).unwrap();
    let after = room(temp.path());
    assert_eq!((after.0, after.1), (before.0, before.1 + 1));
    assert!(SqliteJournal::open(temp.path()).unwrap().recovery().is_none());
}

#[test]
fn a_log_is_begun_again_where_the_store_is() {
    let temp = server();
    let dir = temp.path();
    let stream = init(dir).stream;
    store(dir, 1, &[post("c")]);
    let beginning = LogBeginning::of_node(dir).unwrap();
    assert_eq!(beginning.place().unwrap().place, 1);
    let place = beginning.begin(SECOND, false).unwrap();
    assert_eq!((place.generation, place.place, place.head, &place.stream), (SECOND, 0, 3, &stream));
    // The same run of a node is a new one to the new log.
    store(dir, 1, &[post("c"), post("d")]);
    let place = LogBeginning::of_node(dir).unwrap().begin(FIRST, true).unwrap();
    assert_eq!((place.head, place.stream != stream), (4, true));
    assert_eq!(room(dir).1, 2);
}

// Windows has no `admin backup`: the lock on the unfinished copy keeps SQLite out there.
#[cfg(unix)]
#[test]
fn a_copy_of_a_running_node_is_a_node_at_its_place() {
    let (temp, other) = (server(), tempfile::tempdir().unwrap());
    let file = other.path().join("copy");
    backup_store(temp.path(), &file).unwrap();
    let dir = other.path().join("room");
    let refused = NodeCopy::prepare(&dir, &file, false);
    assert!(matches!(refused, Err(TransferError::NotOfNode { .. })), "{refused:?}");
    assert!(!dir.exists());

    init(temp.path());
    store(temp.path(), 1, &[post("c")]);
    let mut running = SqliteProjection::open(temp.path()).unwrap();
    backup_store(temp.path(), &file).unwrap();
    let restored = restore_store(&dir, &file, false);
    assert!(matches!(restored, Err(TransferError::Journal(JournalError::OfCluster))), "{restored:?}");
    let copy = NodeCopy::prepare(&dir, &file, false).unwrap();
    assert_eq!(Some(copy.place()), store_place(temp.path()).unwrap().as_ref());
    assert_eq!(copy.install().unwrap().aside, None);
    let mut joined = SqliteProjection::open(&dir).unwrap();
    assert_eq!((joined.applied(), joined.head()), (running.applied(), 3));
    assert_eq!(joined.content_hash().unwrap(), running.content_hash().unwrap());
    drop(joined);
    assert!(matches!(NodeCopy::prepare(&dir, &file, false), Err(TransferError::RoomExists { .. })));
    let replaced = NodeCopy::prepare(&dir, &file, true).unwrap().install().unwrap();
    assert!(replaced.aside.unwrap().exists());
}
