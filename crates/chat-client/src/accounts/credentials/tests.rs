//! Tests of the account file: files of other programs, two writers at once, damage.

use chat_proto::{Nickname, Token};

use super::*;

fn account(nickname: &str, token: &str) -> Account {
    Account { nickname: Nickname::new(nickname).unwrap(), token: Token::new(token).unwrap() }
}

fn names(credentials: &Credentials) -> Vec<&str> {
    credentials.accounts().map(|stored| stored.nickname().as_str()).collect()
}

#[test]
fn keeps_what_other_programs_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("creds.jsonstream");
    let original = concat!(
        "{\"nickname\": \"Keen Bob\", \"account_hash\": \"aaa\", \"server\": [1, 2]}\n",
        "not json\n",
        "\n",
        "{\"nickname\": \"\\u0416\\u0443\\u043a\", \"account_hash\": \"bbb\"}",
    );
    std::fs::write(&path, original).unwrap();
    let mut credentials = Credentials::load(&path).unwrap();
    assert_eq!(names(&credentials), ["Keen Bob", "Жук"]);
    assert!(credentials.warnings().contains(&FileWarning::DamagedLine { path: path.clone(), line: 2 }));
    credentials.add(&account("Jolly \"sasha\"", "ccc"), Some("sasha")).unwrap();
    let content = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        content,
        concat!(
            "{\"nickname\": \"Keen Bob\", \"account_hash\": \"aaa\", \"server\": [1, 2]}\n",
            "not json\n",
            "{\"nickname\": \"\\u0416\\u0443\\u043a\", \"account_hash\": \"bbb\"}\n",
            "{\"nickname\": \"Jolly \\\"sasha\\\"\", \"account_hash\": \"ccc\", \"asked\": \"sasha\"}\n",
        )
    );
}

#[test]
fn finds_by_nickname_then_by_requested_name() {
    let dir = tempfile::tempdir().unwrap();
    let mut credentials = Credentials::load(dir.path().join("c")).unwrap();
    credentials.add(&account("Keen Bob", "a"), Some("Bob")).unwrap();
    credentials.add(&account("Jolly Bob", "b"), Some("Bob")).unwrap();
    credentials.add(&account("Bob Marley", "c"), None).unwrap();
    assert_eq!(credentials.find("Jolly Bob").unwrap().unwrap().token().expose(), "b");
    assert!(credentials.find("Marley").unwrap().is_none());
    let error = credentials.find("Bob").unwrap_err();
    assert_eq!(error.to_string(), "2 accounts match the name \"Bob\": \"Keen Bob\", \"Jolly Bob\"");
    assert_eq!(credentials.remove("Keen Bob").unwrap(), 1);
    assert_eq!(credentials.find("Bob").unwrap().unwrap().nickname().as_str(), "Jolly Bob");
    credentials.add(&account("Jolly Bob", "d"), None).unwrap();
    assert!(matches!(credentials.find("Jolly Bob"), Err(CredentialsError::Ambiguous { .. })));
}

#[test]
fn finds_tokens_of_the_own_room_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c");
    std::fs::write(&path, "{\"nickname\": \"Old Bob\", \"account_hash\": \"o\", \"server\": {\"a\": 1}}\n").unwrap();
    let mut credentials = Credentials::load(&path).unwrap();
    credentials.add_for("localhost:5050", &account("Keen Bob", "a"), Some("Bob")).unwrap();
    let of_room = |credentials: &Credentials, room: &str| -> Vec<String> {
        credentials.of_room(room).iter().map(|stored| stored.nickname().to_string()).collect()
    };
    for room in ["127.0.0.1:5050", "[::1]:5050", "LocalHost:5050"] {
        assert_eq!(of_room(&credentials, room), ["Keen Bob"], "{room}");
        assert_eq!(credentials.find_in(room, "Bob").unwrap().unwrap().token().expose(), "a");
        assert!(credentials.find_in(room, "Old Bob").unwrap().is_none());
    }
    for room in ["chat.example:5050", "localhost:5051"] {
        assert_eq!(of_room(&credentials, room), ["Old Bob"], "{room}");
        assert!(credentials.find_in(room, "Bob").unwrap().is_none());
    }
    assert_eq!(Credentials::load(&path).unwrap().accounts().last().unwrap().room(), Some("localhost:5050"));

    credentials.add_for("Chat.Example:5050", &account("Old Bob", "o"), None).unwrap();
    credentials.add_for("chat.example:5050", &account("Jolly Bob", "b"), Some("Bob")).unwrap();
    credentials.add_for("chat.example:5050", &account("Swift Bob", "d"), Some("Bob")).unwrap();
    assert_eq!(of_room(&credentials, "CHAT.example:5050"), ["Old Bob", "Jolly Bob", "Swift Bob"]);
    let error = credentials.find_in("chat.example:5050", "Bob").unwrap_err();
    assert_eq!(error.to_string(), "2 accounts match the name \"Bob\": \"Jolly Bob\", \"Swift Bob\"");
    assert_eq!(of_room(&credentials, "elsewhere:1"), [] as [&str; 0], "no token of another room");
    // Known fields survive when the account is added again.
    credentials.add(&account("Old Bob", "o"), None).unwrap();
    let content = std::fs::read_to_string(&path).unwrap();
    let old = r#"{"nickname": "Old Bob", "account_hash": "o", "room": "Chat.Example:5050", "server": {"a":1}}"#;
    assert_eq!(content.lines().last(), Some(old));
}

#[test]
fn removes_from_the_own_room_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c");
    let mut credentials = Credentials::load(&path).unwrap();
    credentials.add_for("localhost:5050", &account("Keen Bob", "a"), None).unwrap();
    credentials.add_for("localhost:5050", &account("Keen Bob", "b"), None).unwrap();
    credentials.add_for("chat.example:5050", &account("Keen Bob", "c"), None).unwrap();
    credentials.add_for("chat.example:5050", &account("Keen Bob", "a"), None).unwrap();
    assert!(credentials.remove_account("127.0.0.1:5050", &account("Keen Bob", "a")).unwrap());
    assert!(!credentials.remove_account("127.0.0.1:5050", &account("Keen Bob", "a")).unwrap());
    let left = Credentials::load(&path).unwrap();
    assert_eq!(left.accounts().map(|stored| stored.token().expose()).collect::<Vec<_>>(), ["b", "c", "a"]);
}

#[test]
fn concurrent_adds_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c");
    let (mut one, mut other) = (Credentials::load(&path).unwrap(), Credentials::load(&path).unwrap());
    one.add(&account("One", "a"), None).unwrap();
    other.add(&account("Other", "b"), None).unwrap();
    assert_eq!(names(&Credentials::load(&path).unwrap()), ["One", "Other"]);
    std::thread::scope(|scope| {
        for n in 0..8 {
            let path = &path;
            scope.spawn(move || {
                let name = format!("n{n}");
                Credentials::load(path).unwrap().add(&account(&name, &name), None).unwrap();
            });
        }
    });
    assert_eq!(Credentials::load(&path).unwrap().accounts().count(), 10);
}

#[test]
fn reads_several_objects_of_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c");
    std::fs::write(&path, r#"{"nickname": "A", "account_hash": "a"}{"nickname": "B", "account_hash": "b"}"#).unwrap();
    let mut credentials = Credentials::load(&path).unwrap();
    assert_eq!(names(&credentials), ["A", "B"]);
    credentials.remove("A").unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"nickname\": \"B\", \"account_hash\": \"b\"}\n");
}

#[test]
fn never_prints_a_token() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c");
    std::fs::write(&path, "{\"nickname\": \"A\", \"account_hash\": \"sekret\"}\n{\"account_hash\": \"sekret\"\n")
        .unwrap();
    let credentials = Credentials::load(&path).unwrap();
    let said = format!("{credentials:?} {:?} {:?}", credentials.find("A"), credentials.warnings());
    assert!(!said.contains("sekret"), "{said}");
}

#[test]
fn damage_hides_no_other_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c");
    let line = |n: u32| format!("{{\"nickname\": \"N{n}\", \"account_hash\": \"token-{n}\"}}\n");
    let whole: String = (0..3).map(line).collect();
    let check = |damaged: &[u8]| {
        std::fs::write(&path, damaged).unwrap();
        let mut credentials = Credentials::load(&path).unwrap();
        let found = credentials.accounts().count();
        let reported = credentials.warnings().iter().filter(|w| matches!(w, FileWarning::DamagedLine { .. })).count();
        credentials.add(&account("New", "new"), None).unwrap();
        assert_eq!(credentials.accounts().count(), found + 1);
        (found, reported)
    };
    for at in 0..whole.len() {
        let mut damaged = whole.clone().into_bytes();
        damaged[at] ^= 0x15;
        let (found, reported) = check(&damaged);
        // Losing a line feed joins two lines; an extra one splits a line.
        assert!(found >= 1 && found + reported >= 2, "byte {at}: {found} found, {reported} reported");
        let (found, _) = check(&whole.as_bytes()[..at]);
        assert!(found >= whole[..at].matches('\n').count());
    }
}
