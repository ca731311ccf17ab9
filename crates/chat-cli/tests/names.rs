//! One name in several spellings is one account.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use support::*;

fn accounts(home: &Home) -> Vec<serde_json::Value> {
    read(&home.data("creds.jsonstream")).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn name_with_blanks_registers_once() {
    for name in ["Bob ", " Bob", "Bob\t", "Bob\r", "Bob\r\n", "Bo\u{7}b"] {
        let (room, home) = (Room::start(), Home::new());
        for text in ["one", "two", "three"] {
            let output = run(home.chat_in(&room, ["send", "-u", name, "-m", text]));
            assert_eq!(code(&output), 0, "{name:?}: {}", err(&output));
        }
        assert_eq!(accounts(&home).len(), 1, "{name:?}");
        let output = run(home.chat_in(&room, ["ping", "-u", name]));
        assert_eq!(code(&output), 0, "{name:?}: {}", err(&output));
    }
}

#[test]
fn accounts_are_found_in_either_normal_form() {
    let (room, home) = (Room::start(), Home::new());
    let room_name = format!("127.0.0.1:{}", room.write.port());
    assert_eq!(code(&run(home.chat_in(&room, ["register", "-u", "Zoe\u{301}"]))), 0);
    let nick = accounts(&home)[0]["nickname"].as_str().unwrap().to_owned();
    let other: String =
        if nick.contains('\u{301}') { nick.replace("e\u{301}", "é") } else { nick.replace('é', "e\u{301}") };
    assert_ne!(nick, other);
    let output = run(home.chat(["accounts", "move", &other, "--to", "chat.example:5050"]));
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(accounts(&home)[0]["room"], "chat.example:5050");
    let output = run(home.chat(["accounts", "move", &other, "--room", "chat.example:5050", "--to", &room_name]));
    assert_eq!(code(&output), 0, "{}", err(&output));
    let output = run(home.chat(["accounts", "remove", &other, "--room", &room_name]));
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(accounts(&home).len(), 0);
    assert_eq!(code(&run(home.chat_in(&room, ["register", "-u", "Zoe\u{301}"]))), 0);
    let nick = accounts(&home)[0]["nickname"].as_str().unwrap().to_owned();
    let other: String =
        if nick.contains('\u{301}') { nick.replace("e\u{301}", "é") } else { nick.replace('é', "e\u{301}") };
    let output = run(home.chat(["accounts", "remove", &other]));
    assert_eq!(code(&output), 0, "{}", err(&output));
}

#[test]
fn register_names_the_other_room() {
    let (room, other, home) = (Room::start(), Room::start(), Home::new());
    assert_eq!(code(&run(home.chat_in(&room, ["register", "-u", "Bob"]))), 0);
    let output = run(home.chat_in(&other, ["register", "-u", "Bob"]));
    assert_eq!(code(&output), 0, "{}", err(&output));
    let from = format!("127.0.0.1:{}", room.write.port());
    assert!(err(&output).contains(&from), "{}", err(&output));
    // In its own room a second account is what was asked for.
    let output = run(home.chat_in(&room, ["register", "-u", "Bob"]));
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(!err(&output).contains("warning"), "{}", err(&output));
}
