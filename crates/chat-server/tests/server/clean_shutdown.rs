//! What a start reads of a store that was shut down cleanly, and what makes it read everything. Damage that only a full
//! check can find shows whether a full check ran.
#![cfg(unix)]

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chat_proto::{Nickname, PostId, Text, Token};
use chat_server::{
    Appended, Author, Draft, Journal, ReadLimit, Recovery, SqliteJournal, TokenHash, check_store, list_accounts,
    revoke_account,
};
use serde_json::json;

use crate::peer::{GREETING, PROMPT, Peer, config, on_disk, start};

const MESSAGES: u64 = 40;

/// Creates a store with an account and some messages, closed.
fn filled(dir: &Path) {
    let mut journal = SqliteJournal::open(dir).unwrap();
    let (token, nickname) =
        (Token::new("9a08f44c-c541-41eb-8c47-0242ac110002").unwrap(), Nickname::new("Bob").unwrap());
    let account = Draft::Account { token: TokenHash::of(&token), nickname: nickname.clone() };
    let [Appended::Account(id)] = journal.append(&[account]).unwrap()[..] else { panic!("no account") };
    let author = Arc::new(Author { id, nickname });
    let posts = (1..=MESSAGES).map(|number| Draft::Post {
        author: Arc::clone(&author),
        id: Some(PostId::new(&format!("id-{}", number * 10)).unwrap()),
        text: Text::new(&format!("text {number} {}", "x".repeat(300))).unwrap(),
    });
    journal.append(&posts.collect::<Vec<_>>()).unwrap();
    journal.close().unwrap();
}

/// Flips a bit at each occurrence of `needle` in the file, and returns the offsets.
fn rot(store: &Path, needle: &str) -> Vec<usize> {
    let bytes = fs::read(store).unwrap();
    let found = |&at: &usize| bytes[at..].starts_with(needle.as_bytes());
    let places: Vec<usize> = (0..bytes.len()).filter(found).collect();
    let file = OpenOptions::new().write(true).open(store).unwrap();
    for at in &places {
        let last = at + needle.len() - 1;
        file.write_all_at(&[bytes[last] ^ 1], last as u64).unwrap();
    }
    places
}

/// Creates a closed store in which the text of the 17th message was damaged while a server had it open, so that its
/// note matches the damaged file.
pub(crate) fn rotten(dir: &Path) {
    filled(dir);
    let mut journal = SqliteJournal::open(dir).unwrap();
    assert_eq!(rot(&dir.join("room.db"), "text 17 x").len(), 1);
    journal.close().unwrap();
}

fn is_set_aside(dir: &Path) -> bool {
    match SqliteJournal::open(dir).unwrap().recovery() {
        Some(Recovery::SetAside { messages, .. }) => *messages == MESSAGES - 1,
        Some(other) => panic!("{other:?}"),
        None => false,
    }
}

fn places(journal: &SqliteJournal) -> Vec<u64> {
    let page = ReadLimit::new(100, usize::MAX);
    journal.reader().read(1, page).unwrap().iter().map(chat_server::LogEntry::seq).collect()
}

#[test]
fn start_after_a_clean_end_reads_no_message() {
    let dir = tempfile::tempdir().unwrap();
    rotten(dir.path());
    // No server reads the row, so none notices the damage, however often it starts.
    for _ in 0..2 {
        let mut journal = SqliteJournal::open(dir.path()).unwrap();
        assert_eq!((journal.recovery(), journal.head()), (None, MESSAGES));
        journal.close().unwrap();
    }
    // The reader skips it, and a server that has found damage leaves no note: the next start repairs.
    let mut journal = SqliteJournal::open(dir.path()).unwrap();
    let whole: Vec<u64> = (1..=MESSAGES).filter(|&seq| seq != 17).collect();
    assert_eq!(places(&journal), whole);
    journal.close().unwrap();
    drop(journal);
    assert!(is_set_aside(dir.path()));
    assert_eq!(places(&SqliteJournal::open(dir.path()).unwrap()), whole);
}

#[tokio::test]
async fn damaged_row_is_a_hole_for_listeners() {
    let dir = tempfile::tempdir().unwrap();
    rotten(dir.path());
    let server = on_disk(&dir).await;
    let (mut listener, answer) = Peer::resuming(&server, "{\"after_time\": 0}").await;
    assert_eq!((&answer["from"], &answer["head"]), (&json!(1), &json!(MESSAGES)));
    for seq in (1..=MESSAGES).filter(|&seq| seq != 17) {
        assert_eq!(listener.numbered().await.seq, seq);
    }
    server.drain().await.unwrap();
    let journal = SqliteJournal::open(dir.path()).unwrap();
    assert!(matches!(journal.recovery(), Some(Recovery::SetAside { messages: 39, accounts: 1, .. })));
    start(config(), journal).await.drain().await.unwrap();
}

/// The row of the account has a wrong checksum, and the index finds it nevertheless.
#[tokio::test]
async fn damaged_account_is_put_off_and_repaired() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let server = on_disk(&dir).await;
    let store = dir.path().join("room.db");
    let (bytes, token) = (fs::read(&store).unwrap(), "9a08f44c-c541-41eb-8c47-0242ac110002");
    let hash = *TokenHash::of(&Token::new(token).unwrap()).as_bytes();
    // The nickname is behind the hash in the table.
    let row = [&hash[..], b"Bob"].concat();
    let at = (0..bytes.len()).find(|&at| bytes[at..].starts_with(&row)).unwrap();
    let file = OpenOptions::new().write(true).open(&store).unwrap();
    file.write_all_at(b"C", at as u64 + 32).unwrap();
    // Clients take a refusal as final, so there is none.
    for _ in 0..2 {
        let mut damaged = Peer::connect(server.write_addr()).await;
        damaged.expect(GREETING).await;
        damaged.send(format!("{token}\n")).await;
        damaged.expect_end().await;
    }
    server.drain().await.unwrap();
    let journal = SqliteJournal::open(dir.path()).unwrap();
    assert!(matches!(journal.recovery(), Some(Recovery::SetAside { accounts: 0, .. })), "{:?}", journal.recovery());
    let server = start(config(), journal).await;
    let mut lost = Peer::connect(server.write_addr()).await;
    lost.send(format!("{token}\n")).await;
    lost.expect(format!("{GREETING}null\n{PROMPT}")).await;
}

#[test]
fn changed_store_is_checked_completely() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 9] = [
        ("a server that did not close", |dir| drop(SqliteJournal::open(dir).unwrap())),
        ("no note", |dir| fs::remove_file(dir.join("closed")).unwrap()),
        ("another time", |dir| {
            let file = File::options().write(true).open(dir.join("room.db")).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
        }),
        ("a write with the time put back", |dir| {
            let file = File::options().write(true).open(dir.join("room.db")).unwrap();
            let before = file.metadata().unwrap().modified().unwrap();
            file.write_all_at(b"S", 0).unwrap();
            file.set_modified(before).unwrap();
        }),
        ("the same bytes written again", |dir| {
            let bytes = fs::read(dir.join("room.db")).unwrap();
            fs::write(dir.join("room.db"), bytes).unwrap();
        }),
        ("a copy in its place", |dir| {
            fs::copy(dir.join("room.db"), dir.join("copy")).unwrap();
            fs::rename(dir.join("copy"), dir.join("room.db")).unwrap();
        }),
        ("a write-ahead log", |dir| fs::write(dir.join("room.db-wal"), "something").unwrap()),
        ("an account revoked meanwhile", |dir| {
            assert!(revoke_account(dir, &Nickname::new("Bob").unwrap(), &Nickname::new("root").unwrap()).unwrap());
        }),
        ("damage found by a check", |dir| assert!(!check_store(dir).unwrap().is_good())),
    ];
    for (what, change) in changes {
        let dir = tempfile::tempdir().unwrap();
        rotten(dir.path());
        change(dir.path());
        assert!(is_set_aside(dir.path()), "{what}");
    }
}

#[test]
fn check_while_serving_forces_a_full_check() {
    let dir = tempfile::tempdir().unwrap();
    rotten(dir.path());
    let mut journal = SqliteJournal::open(dir.path()).unwrap();
    assert!(!check_store(dir.path()).unwrap().is_good());
    journal.close().unwrap();
    drop(journal);
    assert!(is_set_aside(dir.path()));
}

#[test]
fn reading_a_closed_store_keeps_its_note() {
    let dir = tempfile::tempdir().unwrap();
    rotten(dir.path());
    assert_eq!(list_accounts(dir.path()).unwrap().len(), 1);
    assert!(!is_set_aside(dir.path()));
}

#[test]
fn starts_with_a_damaged_note() {
    let dir = tempfile::tempdir().unwrap();
    rotten(dir.path());
    let note = dir.path().join("closed");
    assert_eq!(fs::metadata(&note).unwrap().permissions().mode() & 0o777, 0o600);
    let length = fs::read(&note).unwrap().len();
    // The tests of the note itself cut and flip each byte.
    for at in (0..length).step_by(11).chain([length - 1]) {
        for cut in [true, false] {
            let dir = tempfile::tempdir().unwrap();
            rotten(dir.path());
            let note = dir.path().join("closed");
            let mut bytes = fs::read(&note).unwrap();
            if cut {
                bytes.truncate(at);
            } else {
                bytes[at] ^= 1;
            }
            fs::write(&note, bytes).unwrap();
            assert!(is_set_aside(dir.path()), "{at} {cut}");
            assert!(!note.exists());
        }
    }
}

#[test]
fn start_notices_damage_in_what_it_reads() {
    for needle in ["text 40 x", "Bob"] {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path());
        let mut journal = SqliteJournal::open(dir.path()).unwrap();
        assert!(!rot(&dir.path().join("room.db"), needle).is_empty());
        journal.close().unwrap();
        drop(journal);
        let journal = SqliteJournal::open(dir.path()).unwrap();
        assert!(matches!(journal.recovery(), Some(Recovery::SetAside { .. })), "{needle}");
    }
}

#[test]
fn starts_with_a_note_but_no_store() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    fs::remove_file(dir.path().join("room.db")).unwrap();
    let journal = SqliteJournal::open(dir.path()).unwrap();
    assert_eq!(journal.recovery(), Some(&Recovery::TailLost { stored: MESSAGES, found: 0 }));
    assert!(!dir.path().join("closed").exists());
}

#[test]
fn notices_a_lost_tail_despite_a_note() {
    let (dir, longer) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    rotten(dir.path());
    filled(longer.path());
    let mut journal = SqliteJournal::open(longer.path()).unwrap();
    let author = Arc::new(Author { id: 1, nickname: Nickname::new("Bob").unwrap() });
    journal.append(&[Draft::Post { author, id: None, text: Text::new("one more").unwrap() }]).unwrap();
    fs::copy(longer.path().join("mark"), dir.path().join("mark")).unwrap();
    let journal = SqliteJournal::open(dir.path()).unwrap();
    let lost = Recovery::TailLost { stored: MESSAGES + 1, found: MESSAGES };
    assert_eq!(journal.recovery(), Some(&lost));
}

/// The index finds repeated posts, so a wrong entry could store a post twice.
#[test]
fn compares_the_index_with_the_messages() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let store = dir.path().join("room.db");
    let good = fs::read(&store).unwrap();
    // 170 becomes 171, which keeps the order.
    let found = rot(&store, "id-170");
    assert_eq!(found.len(), 2, "in the table and in the index");
    for at in found {
        let mut bytes = good.clone();
        bytes[at + "id-170".len() - 1] ^= 1;
        fs::write(&store, bytes).unwrap();
        let report = check_store(dir.path()).unwrap();
        assert!(!report.is_good(), "at {at}");
    }
    fs::write(&store, good).unwrap();
    assert!(check_store(dir.path()).unwrap().is_good());
}
