//! Operators: removed messages, mutes, bans, and the commands of `chat-server admin` on a running and a stopped server.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::binary::{Program, run};
use crate::peer::{CONFIRMED, GREETING, PROMPT, Peer, WELCOME};

/// The program with a store, and the commands for it.
pub(crate) struct Room {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) program: Option<Program>,
}

impl Room {
    pub(crate) fn start() -> Self {
        let mut room = Self { dir: tempfile::tempdir().unwrap(), program: None };
        room.restart();
        room
    }

    pub(crate) fn path(&self) -> &str {
        self.dir.path().to_str().unwrap()
    }

    pub(crate) fn program(&self) -> &Program {
        self.program.as_ref().unwrap()
    }

    /// Kills the server, without a chance to close its store, and starts it again.
    pub(crate) fn restart(&mut self) {
        self.program = None;
        self.program = Some(Program::start(&["--data-dir", self.path()]));
    }

    /// Runs an admin command. Returns exit code, standard output and standard error.
    pub(crate) fn try_admin(&self, words: &[&str]) -> (Option<i32>, String, String) {
        run(&[&["admin", "--data-dir", self.path(), "--actor", "root"], words].concat())
    }

    pub(crate) fn admin(&self, words: &[&str]) -> String {
        let (code, out, err) = self.try_admin(words);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{words:?}");
        out
    }

    pub(crate) fn admin_json(&self, words: &[&str]) -> Vec<Value> {
        let out = self.admin(&[&["--json"], words].concat());
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Registers an account. Returns its writer, its nickname and its token.
    pub(crate) async fn register(&self, nickname: &str) -> (Peer, String, String) {
        let mut peer = Peer::connect(self.program().write).await;
        peer.send(format!("\n{nickname}\n")).await;
        peer.expect(format!("{GREETING}{PROMPT}")).await;
        let record = peer.record().await;
        peer.expect(WELCOME).await;
        (peer, record.nickname, record.token)
    }

    pub(crate) async fn resume(&self, from: &str) -> (Peer, Value) {
        let mut peer = Peer::connect(self.program().listen).await;
        let answer = peer.resume(from).await;
        (peer, answer)
    }
}

pub(crate) async fn post(writer: &mut Peer, text: &str) {
    writer.send(format!("{text}\n\n")).await;
    writer.expect(CONFIRMED).await;
}

pub(crate) async fn object(peer: &mut Peer) -> Value {
    serde_json::from_str(peer.line().await.strip_prefix('\u{1}').unwrap()).unwrap()
}

#[tokio::test]
async fn a_removed_message_leaves_a_tombstone() {
    let mut room = Room::start();
    let (mut writer, nickname, _) = room.register("Bob").await;
    let (mut live, answer) = room.resume("{\"last\": 0}").await;
    let mut plain = Peer::connect(room.program().listen).await.seated().await;
    for text in ["one", "SECRETTEXT", "three"] {
        post(&mut writer, text).await;
        assert_eq!(object(&mut live).await["text"], text);
        plain.expect(format!("{nickname}: {text}\n")).await;
    }
    assert_eq!(room.admin(&["remove", "2", "--reason", "spam"]), "removed 1 message\n");
    let removed = object(&mut live).await;
    assert_eq!((&removed["removed"], &removed["by"], &removed["reason"]), (&json!(2), &json!("root"), &json!("spam")));
    assert!(removed["at"].as_i64().unwrap() > 0);

    let stream = answer["stream"].as_str().unwrap().to_owned();
    let after = |seq: u64| format!("{{\"stream\": \"{stream}\", \"after\": {seq}}}");
    for killed in [false, true] {
        if killed {
            room.restart();
        }
        let (mut late, _) = room.resume(&after(0)).await;
        assert_eq!(object(&mut late).await["text"], "one");
        assert_eq!(object(&mut late).await, removed, "in its place");
        assert_eq!(object(&mut late).await["text"], "three");
        // One that had the message learns of it after the answer.
        let (mut away, _) = room.resume(&after(3)).await;
        assert_eq!(object(&mut away).await, removed);
        for file in std::fs::read_dir(room.dir.path()).unwrap().flatten() {
            let bytes = std::fs::read(file.path()).unwrap_or_default();
            assert!(!bytes.windows(10).any(|found| found == b"SECRETTEXT"), "{:?} has the text", file.file_name());
        }
    }
    // A plain listener sees nothing of it.
    plain.send("\u{1}{\"ping\": 2}\n").await;
    drop(plain);
    assert_eq!(room.admin(&["remove", "2"]), "removed 0 messages\n");
    assert_eq!(room.admin(&["remove", "--account", &nickname]), "removed 2 messages\n");
    let actions = room.admin_json(&["log"]);
    assert_eq!(actions[0]["seqs"], json!([2]));
    assert_eq!((&actions[1]["seqs"], &actions[1]["by"]), (&json!([1, 3]), &json!("root")));
}

#[tokio::test]
async fn a_mute_declines_posts_until_it_ends() {
    let mut room = Room::start();
    let (mut writer, nickname, token) = room.register("Bob").await;
    room.admin(&["mute", &nickname, "--for", "1h", "--reason", "flood"]);
    writer.send("\u{1}{\"id\": \"a\", \"text\": \"hello\"}\n").await;
    let answer = object(&mut writer).await;
    assert_eq!((&answer["code"], &answer["reason"]), (&json!("muted"), &json!("flood")));
    assert!((3_500_000..=3_600_000).contains(&answer["retry_after_ms"].as_u64().unwrap()), "{answer}");
    // The plain protocol has no word for it.
    writer.send("plain\n\n").await;
    writer.expect_end().await;
    room.restart();
    let mut writer = Peer::connect(room.program().write).await;
    writer.send(format!("{token}\n\u{1}{{\"id\": \"a\", \"text\": \"hello\"}}\n")).await;
    writer.expect(GREETING).await;
    writer.record().await;
    writer.expect(WELCOME).await;
    let answer = object(&mut writer).await;
    assert_eq!((&answer["code"], &answer["reason"]), (&json!("muted"), &json!("flood")));
    room.admin(&["unmute", &nickname]);
    writer.send("\u{1}{\"id\": \"a\", \"text\": \"hello\"}\n").await;
    assert_eq!(object(&mut writer).await["ok"], "a");
}

#[tokio::test]
async fn operators_of_a_stopped_room_take_turns() {
    let mut room = Room::start();
    let (_, nickname, _) = room.register("Bob").await;
    room.program = None;
    let path = room.path();
    let operators: Vec<_> = (0..6)
        .map(|number| {
            let mut program = Command::new(env!("CARGO_BIN_EXE_chat-server"));
            program
                .args(["admin", "--data-dir", path, "--actor", "root", "mute", &nickname])
                .args(["--for", &format!("{}h", number + 1)])
                .stdout(Stdio::null())
                .stderr(Stdio::piped());
            program.spawn().unwrap()
        })
        .collect();
    for operator in operators {
        let done = operator.wait_with_output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    assert_eq!(room.admin_json(&["log"]).len(), 6);
}

#[test]
fn a_server_waits_for_an_operator() {
    let room = Room::start();
    let dir = room.dir;
    drop(room.program);
    let held = chat_server::SqliteJournal::open(dir.path()).unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_chat-server"))
        .args(["--listen", "127.0.0.1:0", "--write", "127.0.0.1:0", "--data-dir"])
        .arg(dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(server.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(log.any(|line| line.contains("waiting for a command that uses the store")));
    drop(held);
    let mut ready = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let _ = server.kill();
    let _ = server.wait();
    assert!(ready.starts_with("ready "), "{ready:?}: {:?}", log.collect::<Vec<_>>());
}

#[tokio::test]
async fn bans_and_revocations_survive_a_kill() {
    let mut room = Room::start();
    let (mut writer, nickname, token) = room.register("Bob").await;
    room.admin(&["kick", &nickname]);
    writer.expect_end().await;
    for (refuse, allow) in [("ban", "unban"), ("revoke", "restore")] {
        let mut writer = Peer::connect(room.program().write).await;
        writer.send(format!("{token}\n")).await;
        writer.expect(GREETING).await;
        writer.record().await;
        writer.expect(WELCOME).await;
        room.admin(&[refuse, &nickname]);
        writer.expect_end().await;
        room.restart();
        let mut again = Peer::connect(room.program().write).await;
        again.send(format!("{token}\n")).await;
        again.expect(format!("{GREETING}null\n")).await;
        room.admin(&[allow, &nickname]);
        let mut again = Peer::connect(room.program().write).await;
        again.send(format!("{token}\n")).await;
        again.expect(GREETING).await;
        again.record().await;
    }
    room.admin(&["ban", "192.0.2.0/24", "--for", "2d", "--reason", "flood"]);
    let bans = room.admin_json(&["bans"]);
    assert_eq!((bans.len(), &bans[0]["addresses"]), (1, &json!("192.0.2.0/24")));
    room.restart();
    assert_eq!(room.admin_json(&["bans"]), bans);
    room.admin(&["unban", "192.0.2.0/24"]);
    assert_eq!(room.admin(&["bans"]), "");
}

#[tokio::test]
async fn lists_who_is_there_and_what_was_said() {
    let room = Room::start();
    let (mut writer, nickname, _) = room.register("Bob").await;
    post(&mut writer, "hello").await;
    let _listener = Peer::connect(room.program().listen).await.seated().await;
    let who = room.admin_json(&["who"]);
    let of = |side: &str| who.iter().find(|peer| peer["side"] == side).unwrap();
    assert_eq!((&of("write")["nickname"], &of("listen")["address"]), (&json!(nickname), &json!("127.0.0.1")));
    let stats = &room.admin_json(&["stats"])[0];
    assert_eq!((&stats["accounts"], &stats["newest"], &stats["listeners"]), (&json!(1), &json!(1), &json!(1)));
    assert_eq!(room.admin(&["announce", "back at noon"]), "announced as message 2\n");
    let export = room.admin_json(&["export", &nickname]);
    assert_eq!((export.len(), &export[0]["text"]), (1, &json!("hello")));
}

#[tokio::test]
async fn works_on_a_stopped_store() {
    let mut room = Room::start();
    let (mut writer, nickname, token) = room.register("Bob").await;
    post(&mut writer, "hello").await;
    room.program = None;
    room.admin(&["ban", &nickname]);
    room.admin(&["remove", "1"]);
    assert_eq!(room.admin_json(&["log"]).len(), 2);
    room.restart();
    let mut writer = Peer::connect(room.program().write).await;
    writer.send(format!("{token}\n")).await;
    writer.expect(format!("{GREETING}null\n")).await;
    let (mut late, _) = room.resume("{\"last\": 5}").await;
    assert_eq!(object(&mut late).await["removed"], 1);
}

/// No server can open a socket at a path of more than 107 bytes, so none is asked.
#[tokio::test]
async fn works_where_no_socket_fits() {
    let dir = tempfile::Builder::new().prefix(&"far".repeat(40)).tempdir().unwrap();
    let mut room = Room { dir, program: None };
    room.program = Some(Program::start(&["--data-dir", room.path()]));
    let (_, nickname, _) = room.register("Bob").await;
    room.program = None;
    room.admin(&["ban", &nickname]);
    assert_eq!(room.admin_json(&["log"]).len(), 1);
}

/// Connects as a balancer does for a client.
async fn behind(port: std::net::SocketAddr, client: &str) -> Peer {
    let mut peer = Peer::connect(port).await;
    let (family, own) = if client.contains(':') { ("TCP6", "::1") } else { ("TCP4", "127.0.0.1") };
    peer.send(format!("PROXY {family} {client} {own} 50000 5050\r\n")).await;
    peer
}

#[tokio::test]
async fn an_address_ban_comes_before_the_greeting() {
    let mut room = Room { dir: tempfile::tempdir().unwrap(), program: None };
    room.program = Some(Program::start(&["--data-dir", room.path(), "--proxy-from", "127.0.0.0/8"]));
    let (write, listen) = (room.program().write, room.program().listen);
    for (range, inside, outside) in [
        ("192.0.2.0/24", "192.0.2.77", "192.0.3.77"),
        ("198.51.100.7", "198.51.100.7", "198.51.100.8"),
        ("2001:db8:1::/48", "2001:db8:1:2::3", "2001:db8:2::3"),
        // A bare address stands for its /64.
        ("2001:db8:9::1", "2001:db8:9::ffff", "2001:db8:9:1::1"),
    ] {
        let mut writer = behind(write, inside).await;
        writer.expect(GREETING).await;
        let mut listener = behind(listen, inside).await.seated().await;
        let mut other = behind(write, outside).await;
        other.expect(GREETING).await;
        let mut reader = behind(listen, outside).await.seated().await;
        room.admin(&["ban", range]);
        writer.expect_end().await;
        listener.expect_end().await;
        for port in [write, listen] {
            behind(port, inside).await.expect_end().await;
        }
        // The others are served as before, and the balancer itself is never meant.
        other.send("\n").await;
        other.expect(PROMPT).await;
        reader.send("\u{1}{\"ping\": 2}\n").await;
        reader.expect("\u{1}{\"pong\": 2}\n").await;
        behind(write, outside).await.expect(GREETING).await;
        let mut own = Peer::connect(write).await;
        own.send("PROXY UNKNOWN\r\n").await;
        own.expect(GREETING).await;
        room.admin(&["unban", range]);
        behind(write, inside).await.expect(GREETING).await;
        behind(listen, inside).await.seated().await;
    }
}

async fn logged_in(room: &Room, token: &str) -> (Peer, String) {
    let mut peer = Peer::connect(room.program().write).await;
    peer.send(format!("{token}\n")).await;
    peer.expect(GREETING).await;
    let nickname = peer.record().await.nickname;
    peer.expect(WELCOME).await;
    (peer, nickname)
}

async fn is_refused(room: &Room, token: &str) {
    let mut peer = Peer::connect(room.program().write).await;
    peer.send(format!("{token}\n")).await;
    peer.expect(format!("{GREETING}null\n{PROMPT}")).await;
}

#[tokio::test]
async fn a_renamed_writer_posts_under_its_new_name() {
    let mut room = Room::start();
    let (mut writer, before, token) = room.register("Bob").await;
    let (mut live, _) = room.resume("{\"last\": 0}").await;
    post(&mut writer, "one").await;
    assert_eq!(object(&mut live).await["nick"], *before);
    let renamed = &room.admin_json(&["rename", &before, "Odd Robert", "--reason", "asked for it"])[0];
    assert_eq!(
        (&renamed["action"], &renamed["to"], &renamed["by"]),
        (&json!("rename"), &json!("Odd Robert"), &json!("root"))
    );
    // The log of the room shows who was who.
    let said = object(&mut live).await;
    assert_eq!((&said["nick"], &said["text"]), (&json!("Server"), &json!(format!("# {before} теперь Odd Robert"))));
    post(&mut writer, "two").await;
    assert_eq!(object(&mut live).await["nick"], "Odd Robert");
    let mut kept = writer;
    for killed in [false, true] {
        if killed {
            room.restart();
            kept = logged_in(&room, &token).await.0;
        }
        assert_eq!(logged_in(&room, &token).await.1, "Odd Robert");
        let (code, _, err) = room.try_admin(&["mute", &before]);
        assert_eq!(code, Some(2), "{err}");
        let log = room.admin(&["log"]);
        assert!(log.contains(&format!("renamed {before} to Odd Robert: asked for it")), "{log}");
        // Neither name is free for another account, nor one that looks like it.
        let (_, other, _) = room.register("Alice").await;
        for name in [&*before, "Odd Robert", "0dd RОBERT"] {
            let (code, out, err) = room.try_admin(&["rename", &other, name]);
            assert_eq!((code, out.as_str()), (Some(2), ""), "{name}: {err}");
        }
    }
    let export = room.admin_json(&["export", "Odd Robert"]);
    assert_eq!((&export[0]["nick"], &export[1]["nick"]), (&json!(before), &json!("Odd Robert")));
    room.program = None;
    drop(kept);
    room.admin(&["rename", "Odd Robert", &before]);
    room.restart();
    assert_eq!(logged_in(&room, &token).await.1, before);
}

#[tokio::test]
async fn a_new_token_replaces_the_old_one() {
    let mut room = Room::start();
    let (mut writer, nickname, old) = room.register("Bob").await;
    let printed = room.admin(&["token", &nickname]);
    let mut token = printed.trim_end().to_owned();
    assert_eq!((token.len(), printed.len()), (36, 37));
    writer.expect_end().await;
    for killed in [false, true] {
        if killed {
            room.restart();
        }
        is_refused(&room, &old).await;
        assert_eq!(logged_in(&room, &token).await.1, nickname);
    }
    room.program = None;
    let object = room.admin_json(&["token", &nickname]).remove(0);
    let stale = std::mem::replace(&mut token, object["token"].as_str().unwrap().to_owned());
    room.restart();
    is_refused(&room, &stale).await;
    assert_eq!(logged_in(&room, &token).await.1, nickname);
    // Neither the token nor its hash is shown again.
    let log = room.admin(&["--json", "log"]);
    assert!(log.contains("\"token\"") && !log.contains("hash") && !log.contains(&token), "{log}");
    for file in std::fs::read_dir(room.dir.path()).unwrap().flatten() {
        let bytes = std::fs::read(file.path()).unwrap_or_default();
        assert!(!bytes.windows(36).any(|found| found == token.as_bytes()), "{:?} has the token", file.file_name());
    }
}

#[tokio::test]
async fn an_erased_account_leaves_numbers_only() {
    let mut room = Room::start();
    let (mut writer, nickname, token) = room.register("SECRETNAME").await;
    let (mut other, ..) = room.register("Alice").await;
    for text in ["SECRETTEXT one", "SECRETTEXT two"] {
        post(&mut writer, text).await;
        post(&mut other, "kept").await;
    }
    room.admin(&["rename", &nickname, "Odd SECRETNAME"]);
    room.admin(&["mute", "Odd SECRETNAME"]);
    let (mut live, _) = room.resume("{\"last\": 0}").await;
    assert_eq!(
        room.admin(&["erase", "Odd SECRETNAME", "--reason", "asked for it"]),
        "erased account 1 and 2 messages\n"
    );
    writer.expect_end().await;
    // The message about the new name contains the old one too.
    for seq in [1, 3, 5] {
        assert_eq!(object(&mut live).await["removed"], seq);
    }
    for killed in [false, true] {
        if killed {
            room.restart();
        }
        is_refused(&room, &token).await;
        let (mut late, _) = room.resume("{\"last\": 5}").await;
        for seq in 1..=5 {
            let found = object(&mut late).await;
            assert_eq!(found[if seq % 2 == 1 { "removed" } else { "seq" }], seq, "{found}");
        }
        for file in std::fs::read_dir(room.dir.path()).unwrap().flatten() {
            let bytes = std::fs::read(file.path()).unwrap_or_default();
            for secret in ["SECRETTEXT", "SECRETNAME"] {
                let found = bytes.windows(secret.len()).any(|found| found == secret.as_bytes());
                assert!(!found, "{:?} has {secret}", file.file_name());
            }
        }
        let log = room.admin(&["log"]);
        assert!(log.contains("erased account 1: asked for it") && log.contains("muted erased-1"), "{log}");
    }
    // The names are free again, and the number is not.
    let (_, third, _) = room.register("Carol").await;
    room.admin(&["rename", &third, "Odd SECRETNAME"]);
    let (code, _, err) = room.try_admin(&["restore", "erased-1"]);
    assert_eq!(code, Some(2), "{err}");
}

#[tokio::test]
async fn the_older_revoke_is_an_action_too() {
    let mut room = Room::start();
    let (mut writer, nickname, token) = room.register("Bob").await;
    let (_, other, _) = room.register("Alice").await;
    for words in [&["revoke", &nickname][..], &["revoke", "--id", "2"]] {
        let (code, out, err) = run(&[&["accounts", "--data-dir", room.path()], words].concat());
        assert_eq!((code, out.as_str(), err.as_str()), (Some(0), "", ""));
    }
    writer.expect_end().await;
    let log = room.admin_json(&["log"]);
    let of = |index: usize| (&log[index]["action"], &log[index]["nickname"], log[index]["at"].as_i64() > Some(0));
    assert_eq!(of(0), (&json!("revoke"), &json!(nickname), true));
    assert_eq!(of(1), (&json!("revoke"), &json!(other), true));
    assert!(log[0]["by"].as_str().is_some_and(|by| !by.is_empty()));
    room.restart();
    is_refused(&room, &token).await;
    room.admin(&["restore", &nickname]);
    assert_eq!(logged_in(&room, &token).await.1, nickname);
}

/// Two operators at the same time lose nothing.
#[tokio::test]
async fn operators_at_the_same_time_lose_nothing() {
    let room = Room::start();
    let (mut writer, ..) = room.register("Bob").await;
    for number in 0..8 {
        post(&mut writer, &format!("message {number}")).await;
    }
    let command = |seq: u64| {
        Command::new(env!("CARGO_BIN_EXE_chat-server"))
            .args(["admin", "--data-dir", room.path(), "remove", &seq.to_string()])
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let all: Vec<_> = (1..=8).map(command).collect();
    for mut child in all {
        assert!(child.wait().unwrap().success());
    }
    let mut removed: Vec<_> = room.admin_json(&["log"]).iter().map(|action| action["seqs"][0].as_u64()).collect();
    removed.sort_unstable();
    assert_eq!(removed, (1..=8).map(Some).collect::<Vec<_>>());
}

#[tokio::test]
async fn wrong_input_changes_nothing() {
    let room = Room::start();
    let (mut writer, nickname, _) = room.register("Bob").await;
    post(&mut writer, "hello").await;
    let mut tried = std::collections::BTreeSet::new();
    for words in [
        &["remove"][..],
        &["remove", "0"],
        &["remove", "2"],
        &["remove", "1", "99"],
        &["remove", "x"],
        &["remove", "--account", "Missing Name"],
        &["remove", "1", "--since", "1h"],
        &["mute", "Missing Name"],
        &["mute", &nickname, "--for", "0s"],
        &["mute", &nickname, "--for", "soon"],
        &["ban", "127.0.0.1"],
        &["ban", "127.9.9.9"],
        &["ban", "::1"],
        &["ban", "::/0"],
        &["ban", "::ffff:127.0.0.1"],
        &["ban"],
        &["ban", "Missing Name"],
        &["unban", "Missing Name"],
        &["unban"],
        &["unmute", "Missing Name"],
        &["unmute"],
        &["mute"],
        &["bans", "extra"],
        &["who", "extra"],
        &["stats", "extra"],
        &["log", "extra"],
        &["kick"],
        &["revoke"],
        &["restore"],
        &["announce"],
        &["export", &nickname, "extra"],
        &["backup"],
        &["backup", ""],
        &["ban", "0.0.0.0/0"],
        &["ban", "192.0.2.1/33"],
        &["unban", "192.0.2.1"],
        &["kick", "Missing Name"],
        &["revoke", "Missing Name"],
        &["restore", "Missing Name"],
        &["announce", " "],
        &["export", "Missing Name"],
        &["rename", "Missing Name", "Odd Name"],
        &["rename", &nickname],
        &["rename", &nickname, &nickname],
        &["rename", &nickname, "Robert"],
        &["rename", &nickname, "Odd Rob:ert"],
        &["rename", &nickname, "Odd  Robert"],
        &["rename", &nickname, "Ser ver"],
        &["rename", &nickname, ""],
        &["token", "Missing Name"],
        &["token"],
        &["erase", "Missing Name"],
        &["erase"],
        &["erase", &nickname, "--reason", " "],
        &["frobnicate"],
        &["kick", &nickname, "--actor", " "],
    ] {
        tried.insert(words[0].to_owned());
        let (code, out, err) = room.try_admin(words);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{words:?}: {err}");
        assert!(err.contains(' ') && !err.contains("panicked"), "{words:?}: {err}");
    }
    assert_eq!(room.admin(&["log"]), "");
    assert_eq!(room.admin_json(&["export", &nickname]).len(), 1);
    let (_, help, _) = run(&["admin", "--help"]);
    let commands = help.split("Commands:\n").nth(1).unwrap().lines().map_while(|line| line.strip_prefix("  "));
    for command in commands.filter(|line| !line.starts_with(' ')).filter_map(|line| line.split(' ').next()) {
        assert!(command == "help" || tried.contains(command), "{command} is not tried");
    }
}

#[cfg(unix)]
#[test]
fn the_socket_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let room = Room::start();
    let socket = room.dir.path().join("admin.sock");
    assert_eq!(socket.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let (code, _, err) = run(&["admin", "--data-dir", Path::new("/nonexistent").to_str().unwrap(), "who"]);
    assert_eq!(code, Some(1), "{err}");
}
