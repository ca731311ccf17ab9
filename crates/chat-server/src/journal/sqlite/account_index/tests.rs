//! The index over the life of a store, also with programs that do not know it.

use std::path::Path;

use chat_proto::{Nickname, Token};
use rusqlite::{Connection, params};

use crate::accounts::TokenHash;
use crate::action::{AccountId, ActionDraft, OperatorAction};
use crate::entry::{AccountRecord, Draft};
use crate::journal::data_dir::STORE;
use crate::journal::sqlite::{check_store, row};
use crate::journal::{Journal as _, Recovery, SqliteJournal};

fn token(text: &str) -> TokenHash {
    TokenHash::of(&Token::new(text).unwrap())
}

fn account(token_text: &str, nickname: &str) -> Draft {
    Draft::Account { token: token(token_text), nickname: Nickname::new(nickname).unwrap() }
}

fn act(action: OperatorAction) -> Draft {
    Draft::Action(ActionDraft { actor: Nickname::new("root").unwrap(), reason: None, action })
}

fn rename(account: AccountId, from: &str, to: &str) -> Draft {
    act(OperatorAction::Rename { account, nickname: from.to_owned(), to: to.to_owned() })
}

fn open(dir: &Path) -> SqliteJournal {
    let journal = SqliteJournal::open(dir).unwrap();
    assert_eq!(journal.recovery(), None);
    journal
}

fn close(mut journal: SqliteJournal) {
    journal.close().unwrap();
}

/// Returns which account has a token, and which look like a name.
fn found(journal: &SqliteJournal, token_text: &str, name: &str) -> (Option<AccountId>, Vec<AccountId>) {
    let reader = journal.reader();
    let accounts = reader.accounts().unwrap();
    let owner = accounts.by_token(&token(token_text)).unwrap();
    (owner.map(|account| account.id), accounts.look_alikes(name).unwrap())
}

fn count(journal: &SqliteJournal) -> u64 {
    journal.reader().accounts().unwrap().count().unwrap()
}

/// The store as it is while no server has it.
fn raw(dir: &Path) -> Connection {
    Connection::open(dir.join(STORE)).unwrap()
}

fn rows(connection: &Connection, table: &str) -> i64 {
    connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

fn is_good(dir: &Path) -> bool {
    check_store(dir).unwrap().is_good()
}

/// Takes away what a program that does not know the index would not have made.
fn forget_index(connection: &Connection) {
    connection.execute_batch("DROP TABLE name_look; DROP TABLE name_look_state; DROP INDEX account_token").unwrap();
}

/// Stores an account as an earlier program does.
fn insert_earlier(connection: &Connection, id: AccountId, token_text: &str, nickname: &str) {
    let token = token(token_text);
    let crc = row::account_crc(id, token.as_bytes(), nickname, 0, false);
    connection
        .execute(
            "INSERT OR REPLACE INTO account(id, token, nickname, at, revoked, crc) VALUES (?1, ?2, ?3, 0, 0, ?4)",
            params![id, token.as_bytes(), nickname, crc],
        )
        .unwrap();
}

/// Stores an action as an earlier program does, without its effect.
fn insert_earlier_action(connection: &Connection, n: i64, action: &OperatorAction) {
    let body = serde_json::to_string(action).unwrap();
    let crc = row::action_crc(n, 0, 0, "root", None, &body);
    connection
        .execute(
            "INSERT INTO action(n, at, head, actor, reason, body, crc) VALUES (?1, 0, 0, 'root', NULL, ?2, ?3)",
            params![n, body, crc],
        )
        .unwrap();
}

#[test]
fn follows_accounts_and_actions() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    journal.append(&[account("a", "Keen Bob"), account("b", "Odd Ann")]).unwrap();
    assert_eq!(found(&journal, "a", "KEEN BOB"), (Some(1), vec![1]));
    assert_eq!(found(&journal, "c", "Keen Ann"), (None, vec![]));
    // The number zero looks like a letter.
    journal.append(&[rename(1, "Keen Bob", "Keen B0b2")]).unwrap();
    for name in ["keenbob", "Keen Bob2"] {
        assert_eq!(found(&journal, "a", name), (Some(1), vec![1]), "{name}");
    }
    let nickname = "Keen B0b2".to_owned();
    journal.append(&[act(OperatorAction::Token { account: 1, nickname, hash: token("c") })]).unwrap();
    assert_eq!((found(&journal, "a", "x").0, found(&journal, "c", "x").0, count(&journal)), (None, Some(1), 2));
    close(journal);
    assert!(is_good(dir.path()));
    let mut journal = open(dir.path());
    journal.append(&[act(OperatorAction::Erase { account: 1 })]).unwrap();
    for name in ["Keen Bob", "Keen Bob2", "erased-1"] {
        assert_eq!(found(&journal, "c", name), (None, vec![]), "{name}");
    }
    assert_eq!((found(&journal, "b", "odd ann"), count(&journal)), ((Some(2), vec![2]), 1));
    close(journal);
    assert!(is_good(dir.path()));
}

#[test]
fn tokens_with_the_same_beginning_are_told_apart() {
    let hash = |last: u8| TokenHash::from_bytes(std::array::from_fn(|at| if at == 31 { last } else { 0xff }));
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    for last in [0, 7, 0xff] {
        let nickname = Nickname::new(&format!("Keen Bob{last}")).unwrap();
        journal.append(&[Draft::Account { token: hash(last), nickname }]).unwrap();
    }
    let reader = journal.reader();
    let found = |last| reader.accounts().unwrap().by_token(&hash(last)).unwrap().map(|account| account.id);
    assert_eq!([0, 7, 0xff, 8].map(found), [Some(1), Some(2), Some(3), None]);
}

#[test]
fn store_of_an_earlier_program_is_indexed() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    let drafts: Vec<_> = (1..=200).map(|n| account(&format!("t{n}"), &format!("Keen Bob{n}"))).collect();
    journal.append(&drafts).unwrap();
    journal.append(&[rename(7, "Keen Bob7", "Odd Ann"), act(OperatorAction::Erase { account: 9 })]).unwrap();
    close(journal);
    forget_index(&raw(dir.path()));
    assert!(is_good(dir.path()));
    let journal = open(dir.path());
    assert_eq!(found(&journal, "t200", "Keen Bob200"), (Some(200), vec![200]));
    assert_eq!(found(&journal, "t7", "Keen Bob7"), (Some(7), vec![7]));
    assert_eq!(found(&journal, "t7", "Odd Ann"), (Some(7), vec![7]));
    assert_eq!(found(&journal, "t9", "Keen Bob9"), (None, vec![]));
    assert_eq!(count(&journal), 199);
    close(journal);
    assert!(is_good(dir.path()));
}

#[test]
fn catches_up_with_an_earlier_program() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    journal.append(&[account("a", "Keen Bob"), account("b", "Odd Ann"), account("c", "Wise Eve")]).unwrap();
    close(journal);
    let connection = raw(dir.path());
    insert_earlier(&connection, 4, "d", "Glad Joe");
    insert_earlier(&connection, 2, "b", "Odd Anna");
    let renamed = OperatorAction::Rename { account: 2, nickname: "Odd Ann".to_owned(), to: "Odd Anna".to_owned() };
    insert_earlier_action(&connection, 1, &renamed);
    let erased = AccountRecord::erased(1);
    let (hash, name) = (erased.token.as_bytes(), erased.nickname.as_str());
    let crc = row::account_crc(1, hash, name, 0, true);
    let sql = "UPDATE account SET token = ?1, nickname = ?2, at = 0, revoked = 1, crc = ?3 WHERE id = 1";
    connection.execute(sql, params![hash, name, crc]).unwrap();
    insert_earlier_action(&connection, 2, &OperatorAction::Erase { account: 1 });
    drop(connection);
    // What is missing is no damage.
    assert!(is_good(dir.path()));
    let journal = open(dir.path());
    assert_eq!(found(&journal, "a", "Keen Bob"), (None, vec![]));
    for name in ["Odd Ann", "Odd Anna"] {
        assert_eq!(found(&journal, "b", name), (Some(2), vec![2]), "{name}");
    }
    assert_eq!(found(&journal, "d", "Glad Joe"), (Some(4), vec![4]));
    close(journal);
    let connection = raw(dir.path());
    assert_eq!(rows(&connection, "name_look WHERE account = 1"), 0);
    assert!(is_good(dir.path()));
}

#[test]
fn another_rule_indexes_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    journal.append(&[account("a", "Keen Bob")]).unwrap();
    close(journal);
    let connection = raw(dir.path());
    let crc = row::look_state_crc(0, 1, 0);
    connection.execute("UPDATE name_look_state SET rule = 0, account = 1, crc = ?1", [crc]).unwrap();
    connection.execute_batch("UPDATE name_look SET print = 5").unwrap();
    assert!(is_good(dir.path()));
    drop(connection);
    let journal = open(dir.path());
    assert_eq!(found(&journal, "a", "keen bob"), (Some(1), vec![1]));
    close(journal);
    assert_eq!(rows(&raw(dir.path()), "name_look WHERE print = 5"), 0);
}

#[test]
fn damage_of_the_index_is_noticed_and_repaired() {
    let breakages = [
        "UPDATE name_look SET account = 3 WHERE account = 2",
        "UPDATE name_look SET print = print + 1 WHERE account = 2",
        "DELETE FROM name_look WHERE account = 2",
        "INSERT INTO name_look(print, account) VALUES (77, 1)",
        "UPDATE name_look_state SET account = 50",
    ];
    for breakage in breakages {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = open(dir.path());
        let drafts: Vec<_> = (1..=64).map(|n| account(&format!("t{n}"), &format!("Keen Bob{n}"))).collect();
        journal.append(&drafts).unwrap();
        close(journal);
        assert!(is_good(dir.path()), "{breakage}");
        raw(dir.path()).execute_batch(breakage).unwrap();
        assert!(!is_good(dir.path()), "{breakage}");
        let journal = SqliteJournal::open(dir.path()).unwrap();
        assert!(matches!(journal.recovery(), Some(Recovery::SetAside { accounts: 64, .. })), "{breakage}");
        assert_eq!(found(&journal, "t2", "Keen Bob2"), (Some(2), vec![2]), "{breakage}");
        close(journal);
        assert!(is_good(dir.path()), "{breakage}");
    }
}

#[test]
fn damage_of_the_index_of_tokens_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    journal.append(&[account("a", "Keen Bob"), account("b", "Odd Ann")]).unwrap();
    close(journal);
    let path = dir.path().join(STORE);
    let mut bytes = std::fs::read(&path).unwrap();
    let hash = token("a");
    let places: Vec<_> = (0..=bytes.len() - 32).filter(|at| bytes[*at..at + 32] == hash.as_bytes()[..]).collect();
    // In the table, which comes first, and in the index.
    assert_eq!(places.len(), 2);
    bytes[places[1] + 31] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(!is_good(dir.path()));
    let journal = SqliteJournal::open(dir.path()).unwrap();
    assert!(matches!(journal.recovery(), Some(Recovery::SetAside { accounts: 2, .. })));
    assert_eq!(found(&journal, "a", "Keen Bob"), (Some(1), vec![1]));
}

#[test]
fn a_start_with_nothing_to_add_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    // The note of the last registrations is behind.
    journal.append(&[account("a", "Keen Bob"), account("b", "Odd Ann")]).unwrap();
    close(journal);
    let mut connection = raw(dir.path());
    let version =
        |connection: &Connection| -> i64 { connection.query_row("PRAGMA data_version", [], |row| row.get(0)).unwrap() };
    let observer = raw(dir.path());
    let before = version(&observer);
    super::prepare(&mut connection).unwrap();
    assert_eq!(version(&observer), before);
}

/// The table of a store is compared with names by the rule of the program: a change of the rule must not go unnoticed.
#[test]
fn rule_is_the_one_that_was_stored() {
    use sha2::{Digest as _, Sha256};
    let mut hash = Sha256::new();
    // All others are ideographs, syllables of Hangul, or not assigned.
    for c in ('\0'..'\u{3400}').chain('\u{a000}'..'\u{ac00}').chain('\u{f900}'..'\u{20000}') {
        for form in chat_proto::display::skeletons(&format!("a{c}B")) {
            hash.update(form);
            hash.update([0xff]);
        }
    }
    let digest: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        digest, "beb6bda87a5c14b6",
        "the rule has changed: add one to RULE in table.rs, and put this digest here"
    );
}

#[test]
fn erased_accounts_leave_no_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    for n in 1..=600 {
        // One by one, in no order, so that pages are split many times.
        let n = n * 389 % 601;
        journal.append(&[account(&format!("t{n}"), &format!("Keen Bob{n}"))]).unwrap();
    }
    let bytes = |dir: &Path| std::fs::read(dir.join(STORE)).unwrap();
    let needles = |n: i64| {
        let print = super::table::prints(&format!("Keen Bob{n}")).next().unwrap();
        [token(&format!("t{n}")).as_bytes().to_vec(), print.to_be_bytes().to_vec()]
    };
    let has = |bytes: &[u8], needle: &[u8]| bytes.windows(needle.len()).any(|found| found == needle);
    let erased: Vec<i64> = (1..=600).step_by(60).collect();
    for n in &erased {
        let reader = journal.reader();
        let id = reader.accounts().unwrap().look_alikes(&format!("Keen Bob{n}")).unwrap()[0];
        journal.append(&[act(OperatorAction::Erase { account: id })]).unwrap();
    }
    close(journal);
    let bytes = bytes(dir.path());
    for n in 1..=600 {
        for needle in needles(n) {
            assert_eq!(has(&bytes, &needle), !erased.contains(&n), "{n}");
        }
    }
}
