//! Files that follow the room: what an address named before is found by the log, over any node, beside an older program,
//! and after a kill between any two steps.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use chat_client::{
    Account, Credentials, CredentialsError, KnownRooms, Nickname, Outbox, PostId, RoomKey, StreamId, Text, Token,
};

fn rooms(dir: &Path) -> KnownRooms {
    KnownRooms::load(dir.join("rooms.jsonl")).unwrap()
}

/// Returns the key of a room of which the user names these addresses.
fn given(addresses: &str) -> RoomKey {
    let nodes = chat_client::NodeAddress::list(addresses);
    RoomKey::from(&chat_client::ClientConfig::default().with_nodes(nodes))
}

fn log(name: &str) -> StreamId {
    StreamId::new(name).unwrap()
}

fn texts(outbox: &Outbox) -> Vec<String> {
    outbox.entries().into_iter().map(|entry| entry.text.to_string()).collect()
}

fn add(outbox: &Outbox, text: &str) {
    outbox.add(&PostId::new(&text.replace(' ', "-")).unwrap(), &Text::new(text).unwrap()).unwrap();
}

/// Opens the outbox as versions did that knew only addresses.
fn older_program(dir: &Path, address: &str) -> Outbox {
    Outbox::open(dir.join("outbox"), &format!("{address} Keen Bob")).unwrap()
}

fn open(dir: &Path, addresses: &str) -> Outbox {
    let room = rooms(dir).key(&given(addresses));
    Outbox::open_for(dir.join("outbox"), &room, "Keen Bob").unwrap()
}

#[test]
fn outbox_follows_the_room() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path();
    add(&older_program(dir, "a:5050"), "one");
    add(&older_program(dir, "x:5050"), "of another room");
    assert_eq!(texts(&open(dir, "a")), ["one"], "the log is not known yet");
    assert_eq!(texts(&open(dir, "b,a")), ["one"], "over a list too");

    // An older program beside it loses nothing, and what it adds is found.
    rooms(dir).learn(&given("a,b"), &log("s1")).unwrap();
    assert_eq!(texts(&open(dir, "b")), ["one"]);
    let old = older_program(dir, "a:5050");
    add(&old, "two");
    assert_eq!(texts(&old), ["two"]);
    drop(old);
    assert_eq!(texts(&open(dir, "b")), ["one", "two"]);
    assert_eq!(texts(&open(dir, "a")), ["one", "two"]);
    assert_eq!(texts(&open(dir, "x")), ["of another room"]);

    // The key stays when an older backup was restored and the room goes on in another log.
    rooms(dir).learn(&given("a,b"), &log("s2")).unwrap();
    assert_eq!(texts(&open(dir, "b")), ["one", "two"]);
}

/// The steps of the first start that knows the log: `rooms.jsonl` is written, then the outbox is.
#[test]
fn a_kill_between_two_steps_loses_nothing() {
    let before = tempfile::tempdir().unwrap();
    add(&older_program(before.path(), "a:5050"), "one");
    add(&older_program(before.path(), "a:5050"), "two");
    let old = std::fs::read(before.path().join("outbox")).unwrap();
    rooms(before.path()).learn(&given("a,b"), &log("s1")).unwrap();
    let noted = std::fs::read(before.path().join("rooms.jsonl")).unwrap();
    drop(open(before.path(), "a"));
    let new = std::fs::read(before.path().join("outbox")).unwrap();
    assert_ne!(old, new);
    for (has_rooms, outbox) in [(false, &old), (true, &old), (true, &new), (false, &new)] {
        for addresses in ["a,b", "b,a"] {
            let home = tempfile::tempdir().unwrap();
            std::fs::write(home.path().join("outbox"), outbox).unwrap();
            if has_rooms {
                std::fs::write(home.path().join("rooms.jsonl"), &noted).unwrap();
            }
            // An older program in between leaves all entries where they are.
            add(&older_program(home.path(), "a:5050"), "three");
            rooms(home.path()).learn(&given(addresses), &log("s1")).unwrap();
            assert_eq!(texts(&open(home.path(), addresses)), ["one", "two", "three"], "{has_rooms} {addresses}");
            assert_eq!(texts(&open(home.path(), "b")), ["one", "two", "three"]);
        }
    }
}

#[test]
fn accounts_are_found_over_any_node() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path();
    let account =
        |token: &str| Account { nickname: Nickname::new("Keen Bob").unwrap(), token: Token::new(token).unwrap() };
    let mut accounts = Credentials::load(dir.join("creds")).unwrap();
    accounts.add_for("a:5050", &account("t1"), Some("Bob")).unwrap();
    let find = |accounts: &Credentials, addresses: &str| {
        let room = rooms(dir).key(&given(addresses));
        let found = accounts.find_in(&room, "Bob").map(|found| found.map(|found| found.token().expose().to_owned()));
        found.map_err(|error: CredentialsError| error.to_string()).unwrap()
    };
    assert_eq!(find(&accounts, "b"), None, "a token is sent to no server that the user has not named as this room");
    assert_eq!(find(&accounts, "b,a").as_deref(), Some("t1"));
    rooms(dir).learn(&given("b"), &log("s1")).unwrap();
    assert_eq!(find(&accounts, "b"), None, "its log is no proof");
    rooms(dir).learn(&given("b,a"), &log("s1")).unwrap();
    assert_eq!(find(&accounts, "b").as_deref(), Some("t1"));

    // A new token replaces the old one, over whichever node it was given.
    let room = rooms(dir).key(&given("b"));
    accounts.renew_for(&room, &account("t2")).unwrap();
    assert_eq!((accounts.accounts().count(), find(&accounts, "a").as_deref()), (1, Some("t2")));
    assert!(accounts.remove_account(rooms(dir).key(&given("a")), &account("t2")).unwrap());
    assert_eq!(find(&accounts, "b"), None);
}
