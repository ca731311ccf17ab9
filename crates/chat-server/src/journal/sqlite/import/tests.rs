//! A room that was exported and imported is the same room.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::accounts::TokenHash;
use crate::action::OperatorAction;
use crate::entry::{Author, Draft};
use crate::journal::Journal as _;
use crate::journal::sqlite::SqliteJournal;
use crate::journal::sqlite::export::export_store;
use crate::retention::Retention;

/// `Expire`: the messages older than this many steps expire.
#[derive(Debug, Clone)]
enum RoomStep {
    Account { revoked: bool },
    Post { account: AccountId, id: Option<u8>, text: String },
    Remove { seq: Seq, reason: Option<String> },
    Mute { account: AccountId, until: Option<i64> },
    Rename { account: AccountId, to: u8 },
    Token { account: AccountId },
    Erase { account: AccountId },
    Expire { steps: u64 },
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<RoomStep>> {
    let step = prop_oneof![
        1 => any::<bool>().prop_map(|revoked| RoomStep::Account { revoked }),
        5 => (0..4i64, prop::option::of(any::<u8>()), "\\PC{1,20}(\n\\PC{1,5})?")
            .prop_map(|(account, id, text)| RoomStep::Post { account, id, text }),
        1 => (1..20u64, prop::option::of("[a-z]{1,9}")).prop_map(|(seq, reason)| RoomStep::Remove { seq, reason }),
        1 => (1..4i64, prop::option::of(any::<i64>())).prop_map(|(account, until)| RoomStep::Mute { account, until }),
        1 => (1..4i64, any::<u8>()).prop_map(|(account, to)| RoomStep::Rename { account, to }),
        1 => (1..4i64).prop_map(|account| RoomStep::Token { account }),
        1 => (1..4i64).prop_map(|account| RoomStep::Erase { account }),
        1 => (0..9u64).prop_map(|steps| RoomStep::Expire { steps }),
        1 => Just(RoomStep::Reopen),
    ];
    prop::collection::vec(step, 0..30)
}

fn export(dir: &Path) -> String {
    let mut out = Vec::new();
    export_store(dir, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn import(text: &str, dir: &Path) -> Result<ImportReport, TransferError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    import_store(dir, file.path(), false, &TimeZone::UTC)
}

fn act(action: OperatorAction, reason: Option<&str>) -> Draft {
    let reason = reason.map(|reason| Text::new(reason).unwrap());
    Draft::Action(ActionDraft { actor: Nickname::new("root").unwrap(), reason, action })
}

fn build(dir: &Path, steps: &[RoomStep]) {
    let clock = Arc::new(AtomicI64::new(1_000));
    let open = || {
        let clock = Arc::clone(&clock);
        SqliteJournal::open(dir).unwrap().with_clock(move || clock.load(Ordering::Relaxed))
    };
    let mut journal = open();
    let mut accounts = 0;
    for step in steps {
        clock.fetch_add(1, Ordering::Relaxed);
        let nickname = |account| Nickname::new(&format!("Keen Bob {account}")).unwrap();
        let drafts = match step {
            RoomStep::Account { revoked } => {
                accounts += 1;
                let token = TokenHash::from_bytes([u8::try_from(accounts).unwrap(); 32]);
                let mut drafts = vec![Draft::Account { token, nickname: nickname(accounts) }];
                if *revoked {
                    let nickname = nickname(accounts).as_str().to_owned();
                    drafts.push(act(OperatorAction::Revoke { account: accounts, nickname }, None));
                }
                drafts
            }
            RoomStep::Post { account, id, text } => {
                let author = Arc::new(Author { id: *account, nickname: nickname(*account) });
                let id = id.map(|id| chat_proto::PostId::new(&format!("id-{id}")).unwrap());
                let Ok(text) = Text::new(text) else { continue };
                vec![Draft::Post { author, id, text }]
            }
            RoomStep::Remove { seq, reason } => {
                vec![act(OperatorAction::Remove { seqs: vec![*seq] }, reason.as_deref())]
            }
            RoomStep::Mute { account, until } => {
                let nickname = nickname(*account).as_str().to_owned();
                vec![act(OperatorAction::Mute { account: *account, nickname, until: *until }, None)]
            }
            RoomStep::Rename { account, to } => {
                let (nickname, to) = (nickname(*account).as_str().to_owned(), format!("Odd {to}"));
                vec![act(OperatorAction::Rename { account: *account, nickname, to }, None)]
            }
            RoomStep::Token { account } => {
                let (nickname, hash) = (nickname(*account).as_str().to_owned(), TokenHash::from_bytes([b'h'; 32]));
                vec![act(OperatorAction::Token { account: *account, nickname, hash }, None)]
            }
            RoomStep::Erase { account } => vec![act(OperatorAction::Erase { account: *account }, None)],
            RoomStep::Expire { steps } => {
                let keep = Retention::everything().with_age(Some(Duration::from_millis(*steps)));
                while journal.expire(&keep).unwrap().more {}
                continue;
            }
            RoomStep::Reopen => {
                drop(journal);
                journal = open();
                continue;
            }
        };
        journal.append(&drafts).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn an_imported_room_is_the_exported_one(steps in steps()) {
        let temp = tempfile::tempdir().unwrap();
        let (old, new) = (temp.path().join("old"), temp.path().join("new"));
        build(&old, &steps);
        let first = export(&old);
        // Of a token there is no trace.
        prop_assert!(!first.contains(&"68".repeat(32)));
        import(&first, &new).unwrap();
        let again = export(&new);
        prop_assert_eq!(first.lines().skip(1).collect::<Vec<_>>(), again.lines().skip(1).collect::<Vec<_>>());
        let room = |text: &str| match RoomRecord::parse(text.lines().next().unwrap()).unwrap() {
            RoomRecord::Room { format, streams, expired } => (streams, (format, expired)),
            other => panic!("{other:?}"),
        };
        let ((before, begin), (mut after, begin_after)) = (room(&first), room(&again));
        prop_assert_eq!(begin, begin_after);
        let own = after.pop().unwrap();
        prop_assert_eq!(&before, &after);
        prop_assert!(before.iter().all(|stream| stream.id != own.id));
        // It is a store that a server can open and continue.
        let journal = SqliteJournal::open(&new).unwrap();
        prop_assert!(journal.recovery().is_none());
        prop_assert_eq!(own.first, journal.head() + 1);
        prop_assert_eq!(journal.head(), SqliteJournal::open(&old).unwrap().head());
    }

    /// Whatever the file is, there is an error or a room, and an error leaves nothing.
    #[test]
    fn any_file_is_a_room_or_an_error(text in "(\\PC|\n|\\[14\\.01\\.23 17:07\\] a: b\n){0,40}") {
        let temp = tempfile::tempdir().unwrap();
        let new = temp.path().join("new");
        match import(&text, &new) {
            Ok(report) => prop_assert!(report.check.is_good()),
            Err(error) => {
                prop_assert!(error.is_usage(), "{error}");
                // Windows does not remove the open file of the lock, so an empty directory stays.
                prop_assert!(cfg!(windows) || !new.exists());
            }
        }
    }
}

/// No number is given twice, and an earlier program refuses such an export because it would do so.
#[test]
fn a_room_whose_messages_have_all_expired_continues_its_numbers() {
    let temp = tempfile::tempdir().unwrap();
    let (old, new) = (temp.path().join("old"), temp.path().join("new"));
    let post = |text: &str| RoomStep::Post { account: 0, id: None, text: text.to_owned() };
    build(&old, &[post("a"), post("b"), RoomStep::Reopen, RoomStep::Expire { steps: 0 }]);
    let text = export(&old);
    assert!(text.starts_with(r#"{"type":"room","format":2,"#), "{text}");
    import(&text, &new).unwrap();
    let mut journal = SqliteJournal::open(&new).unwrap();
    let author = Arc::new(Author { id: 0, nickname: Nickname::new("Server").unwrap() });
    let appended = journal.append(&[Draft::Post { author, id: None, text: Text::new("c").unwrap() }]).unwrap();
    assert!(matches!(appended[..], [crate::entry::Appended::Fresh { seq: 3, .. }]), "{appended:?}");
    // What has expired cannot be in the file too.
    let message = r#"{"type":"message","seq":2,"at":1,"account":0,"nick":"Server","text":"b"}"#;
    let end = text.lines().last().unwrap();
    let both = format!("{}\n{message}\n{end}\n", text.lines().next().unwrap());
    let error = import(&both, &temp.path().join("third")).unwrap_err().to_string();
    assert!(error.ends_with(":2: seq does not grow"), "{error}");
}

/// A new store that was complete when the process was killed is put in place, and any other one is not.
#[test]
fn a_killed_import_leaves_old_or_new() {
    let temp = tempfile::tempdir().unwrap();
    let history = |text: &str| format!("[14.01.23 17:07] Vlad: {text}\n");
    let made = temp.path().join("made");
    import(&history("new"), &made).unwrap();
    let complete = std::fs::read(made.join("room.db")).unwrap();
    for (left, is_new) in [("room.db.part", false), ("room.db.restored", true)] {
        for moved in 0..4 {
            let dir = temp.path().join(format!("{left}-{moved}"));
            import(&history("old"), &dir).unwrap();
            std::fs::write(dir.join(left), &complete).unwrap();
            if is_new {
                // Killed after it has moved some of the old files.
                for name in ["room.db-wal", "room.db-shm", "room.db"].into_iter().take(moved) {
                    let _ = std::fs::rename(dir.join(name), dir.join(format!("{name}.replaced-1")));
                }
            }
            drop(SqliteJournal::open(&dir).unwrap());
            let expected = if is_new { "\"text\":\"new\"" } else { "\"text\":\"old\"" };
            assert!(export(&dir).contains(expected), "{left} {moved}");
            assert!(!dir.join(left).exists());
        }
    }
}
