//! Copies of a whole room: `admin backup`, `restore`, `admin export` and `import`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use chat_server::transfer::EXPORT_FORMAT;
use serde_json::{Value, json};

use crate::binary::{Program, run};
use crate::moderation::{Room, object, post};
use crate::peer::{CONFIRMED, GREETING, Peer, WELCOME, id_post};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

type Files = BTreeMap<String, (u32, Vec<u8>)>;

/// Returns the name, the mode and the content of each file of a directory, except for locks and sockets.
fn files(dir: &Path) -> Files {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let named = entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path()));
    let kept = named.filter(|(name, path)| path.is_file() && name != "lock" && !name.ends_with("-shm"));
    kept.map(|(name, path)| (name, (path.metadata().unwrap().permissions().mode(), fs::read(path).unwrap()))).collect()
}

/// Runs a command that must fail because of its input.
fn refused(arguments: &[&str]) -> String {
    let (code, out, err) = run(arguments);
    assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}: {err}");
    assert_eq!(err.lines().count(), 1, "{arguments:?}: {err}");
    assert!(err.starts_with("chat-server: ") && !err.contains("os error"), "{arguments:?}: {err}");
    err
}

/// The rule of a restored room: numbers up to the backup stay, what came after it is a gap, and no listener mistakes a new
/// message for one that it has.
#[tokio::test]
async fn resuming_in_a_restored_room_is_truthful() {
    let mut room = Room::start();
    let (mut writer, _, token) = room.register("Bob").await;
    for (id, said) in [("a", "one"), ("b", "two"), ("c", "three")] {
        writer.send(id_post(id, said)).await;
        assert_eq!(object(&mut writer).await["ok"], id);
    }
    let (_, answer) = room.resume("{\"last\": 0}").await;
    let stream = answer["stream"].as_str().unwrap().to_owned();
    let backup = room.dir.path().with_extension("backup");
    let done = room.admin(&["backup", text(&backup)]);
    assert_eq!(done, format!("backed up 3 messages and 1 account to {}\n", backup.display()));
    assert_eq!(backup.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    for (id, said) in [("d", "after the backup"), ("e", "too")] {
        writer.send(id_post(id, said)).await;
        assert_eq!(object(&mut writer).await["ok"], id);
    }
    room.program = None;
    assert!(refused(&["restore", text(&backup), "--data-dir", room.path()]).contains("--replace"));
    let (code, out, err) = run(&["restore", text(&backup), "--replace", "--data-dir", room.path()]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.starts_with("restored 3 messages and 1 account; the room that was there is "), "{out}");
    let (code, out, _) = run(&["check", "--data-dir", room.path()]);
    assert_eq!((code, out.lines().count()), (Some(0), 1), "{out}");
    room.restart();
    let mut writer = Peer::connect(room.program().write).await;
    writer.send(format!("{token}\n")).await;
    writer.expect(GREETING).await;
    writer.record().await;
    writer.expect(WELCOME).await;
    // What the store has is not stored again; what it has lost is new.
    for (id, seq) in [("c", 3), ("e", 4), ("f", 5)] {
        writer.send(id_post(id, id)).await;
        let answer = object(&mut writer).await;
        assert_eq!((&answer["ok"], &answer["seq"]), (&json!(id), &json!(seq)));
        assert_ne!(answer["stream"], json!(stream));
    }
    for (seen, from, texts) in
        [(1, 2, &["two", "three", "e", "f"][..]), (3, 4, &["e", "f"]), (5, 4, &["e", "f"]), (99, 4, &["e", "f"])]
    {
        let (mut late, answer) = room.resume(&format!("{{\"stream\": \"{stream}\", \"after\": {seen}}}")).await;
        assert_eq!(answer["from"], from, "after {seen}");
        assert_ne!(answer["stream"], json!(stream), "it must report a gap");
        for expected in texts {
            assert_eq!(object(&mut late).await["text"], *expected);
        }
    }
    // The replaced room is whole, and can be put back.
    let aside = fs::read_dir(room.dir.path()).unwrap().flatten().map(|entry| entry.path());
    let aside = aside.filter(|path| text(path).contains("room.db.replaced-")).collect::<Vec<_>>();
    assert_eq!(aside.len(), 1, "{aside:?}");
    room.program = None;
    let (code, out, err) = run(&["restore", text(&aside[0]), "--replace", "--data-dir", room.path()]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.starts_with("restored 5 messages"), "{out}");
    fs::remove_file(backup).unwrap();
}

#[tokio::test]
async fn backup_is_of_one_moment_amid_posts() {
    let room = Room::start();
    let (mut writer, ..) = room.register("Bob").await;
    let large = "x".repeat(8_000);
    for _ in 0..100 {
        post(&mut writer, &large).await;
    }
    let target = tempfile::tempdir().unwrap();
    let file = target.path().join("room.backup");
    for _ in 0..3 {
        let posting = async {
            for _ in 0..20 {
                post(&mut writer, &large).await;
            }
        };
        let (dir, into) = (room.path().to_owned(), text(&file).to_owned());
        let backup =
            tokio::task::spawn_blocking(move || run(&["admin", "backup", &into, "--json", "--data-dir", &dir]));
        let ((code, out, err), ()) = tokio::join!(async { backup.await.unwrap() }, posting);
        assert_eq!(code, Some(0), "{err}");
        let report: Value = serde_json::from_str(&out).unwrap();
        assert!(report["messages"].as_u64().unwrap() >= 100, "{report}");
        assert_eq!(files(target.path()).into_keys().collect::<Vec<_>>(), ["room.backup"]);
        // It is a store as a start wants it.
        let restored = tempfile::tempdir().unwrap();
        let (code, _, err) = run(&["restore", text(&file), "--data-dir", text(&restored.path().join("new"))]);
        assert_eq!(code, Some(0), "{err}");
    }
}

/// A long read must not hold up the room, even when it removes a message meanwhile.
#[tokio::test]
async fn removals_do_not_wait_for_a_long_read() {
    let room = Room::start();
    let (mut writer, ..) = room.register("Bob").await;
    // More than fits into a pipe and the buffer before it.
    for _ in 0..40 {
        post(&mut writer, &"x".repeat(8_000)).await;
    }
    let mut reader = slow_export(room.dir.path());
    // Each would wait for five seconds, and the guard of a peer is shorter than all of them.
    let removing = async {
        for seq in 1..=20 {
            let (dir, seq) = (room.path().to_owned(), seq.to_string());
            let done = tokio::task::spawn_blocking(move || run(&["admin", "remove", &seq, "--data-dir", &dir]));
            assert_eq!(done.await.unwrap().0, Some(0));
        }
        post(&mut writer, "not held up").await;
    };
    crate::peer::guarded("the removals", removing).await;
    assert_eq!(reader.try_wait().unwrap(), None, "it still reads");
    reader.kill().unwrap();
    reader.wait().unwrap();
}

/// Starts a reader that keeps the store as it is now, as a backup does: an export whose output is not read.
fn slow_export(dir: &Path) -> std::process::Child {
    let mut child = crate::binary::command(&["admin", "export", "--data-dir", text(dir)]).spawn().unwrap();
    // The first byte shows that it has begun; the rest waits in the pipe.
    use std::io::Read as _;
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    child
}

#[tokio::test]
async fn an_imported_room_is_the_exported_one() {
    let mut room = Room::start();
    let (mut writer, nickname, token) = room.register("Bob").await;
    for (id, said) in [("a", "one"), ("b", "SECRETTEXT"), ("c", "two\nlines")] {
        writer.send(id_post(id, said)).await;
        object(&mut writer).await;
    }
    post(&mut writer, "plain").await;
    room.admin(&["remove", "2", "--reason", "spam"]);
    room.admin(&["mute", &nickname, "--for", "1h"]);
    let export = room.admin(&["export"]);
    assert!(!export.contains(&token) && !export.contains("SECRETTEXT"));
    room.program = None;
    assert_eq!(room.admin(&["export"]), export, "of a stopped store");

    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("export");
    fs::write(&file, &export).unwrap();
    let dir = files.path().join("new");
    let (code, out, err) = run(&["import", text(&file), "--data-dir", text(&dir)]);
    assert_eq!((code, out.as_str()), (Some(0), "imported 4 messages and 1 account\n"), "{err}");
    let (_, again, _) = run(&["admin", "export", "--data-dir", text(&dir)]);
    let rest = |export: &str| export.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rest(&again), rest(&export));
    // The old streams, so that listeners continue, and one of its own.
    let first: Value = serde_json::from_str(again.lines().next().unwrap()).unwrap();
    let old: Value = serde_json::from_str(export.lines().next().unwrap()).unwrap();
    assert_eq!((&first["streams"][0], &first["streams"][1]["first"]), (&old["streams"][0], &json!(5)));

    let program = Program::start(&["--data-dir", text(&dir)]);
    let mut listener = Peer::connect(program.listen).await;
    let stream = old["streams"][0]["id"].as_str().unwrap();
    let answer = listener.resume(&format!("{{\"stream\": \"{stream}\", \"after\": 2}}")).await;
    assert_eq!(answer["from"], 3);
    assert_eq!(object(&mut listener).await["text"], "two\nlines");
    // The token is not a part of it.
    let mut stranger = Peer::connect(program.write).await;
    stranger.send(format!("{token}\n")).await;
    stranger.expect(format!("{GREETING}null\n")).await;
}

#[tokio::test]
async fn imports_a_history_of_the_original() {
    let files = tempfile::tempdir().unwrap();
    let (file, dir) = (files.path().join("history.txt"), files.path().join("new"));
    let history = "\u{feff}[14.01.23 17:07] Vlad: привет\n[14.01.23 17:08] Eva: two␊lines\n\
                   [14.01.23 17:08] Установлено соединение\n[14.01.23 17:06] Server: # к чату присоединился Боб\n\
                   [14.01.23 17:09] Vlad: again\r\n";
    fs::write(&file, history).unwrap();
    let mut command = crate::binary::command(&["import", text(&file), "--data-dir", text(&dir)]);
    let done = command.env("TZ", "UTC").output().unwrap();
    let err = String::from_utf8(done.stderr).unwrap();
    assert_eq!(String::from_utf8(done.stdout).unwrap(), "imported 4 messages and 2 accounts\n", "{err}");
    assert_eq!(err, "chat-server: skipped 1 line without a nickname and a text, the first is line 3\n");
    let (_, export, _) = run(&["admin", "export", "--data-dir", text(&dir)]);
    let records: Vec<Value> = export.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let messages: Vec<_> = records.iter().filter(|record| record["type"] == "message").collect();
    let said: Vec<_> =
        messages.iter().map(|said| (said["nick"].as_str().unwrap(), said["text"].as_str().unwrap())).collect();
    assert_eq!(
        said,
        [("Vlad", "привет"), ("Eva", "two\nlines"), ("Server", "# к чату присоединился Боб"), ("Vlad", "again")]
    );
    let times: Vec<_> = messages.iter().map(|said| said["at"].as_i64().unwrap() - 1_673_716_020_000).collect();
    assert_eq!(times, [0, 60_000, 60_000, 120_000], "time does not go back");
    assert_eq!(
        (&messages[0]["account"], &messages[3]["account"], &messages[2]["account"]),
        (&json!(1), &json!(1), &json!(0))
    );
    // An imported nickname is taken.
    let program = Program::start(&["--data-dir", text(&dir)]);
    let mut writer = Peer::connect(program.write).await;
    writer.send("\nBob\n").await;
    writer.expect(GREETING).await;
    drop(writer);
    let mut listener = Peer::connect(program.listen).await;
    let answer = listener.resume("{\"last\": 9}").await;
    assert_eq!(answer["head"], 4);
    assert_eq!(object(&mut listener).await["text"], "привет");
}

#[tokio::test]
async fn wrong_input_of_copies_changes_nothing() {
    let room = Room::start();
    let (mut writer, ..) = room.register("Bob").await;
    post(&mut writer, "hello").await;
    let outside = tempfile::tempdir().unwrap();
    let at = |name: &str| text(&outside.path().join(name)).to_owned();
    let export = room.admin(&["export"]);
    room.admin(&["backup", &at("good")]);
    let lines: Vec<&str> = export.lines().collect();
    let (room_line, account, message, end) = (lines[0], lines[1], lines[2], lines[3]);
    let wrong: BTreeMap<&str, String> = BTreeMap::from([
        ("empty", String::new()),
        ("text", "not a backup, and longer than a header: ".repeat(9)),
        ("cut", export[..export.len() - 20].to_owned()),
        ("without its end", format!("{room_line}\n{account}\n{message}\n")),
        ("with less", format!("{room_line}\n{account}\n{end}\n")),
        ("with more after its end", format!("{export}{message}\n")),
        ("without its beginning", format!("{account}\n{message}\n{end}\n")),
        ("twice", format!("{room_line}\n{account}\n{message}\n{message}\n{end}\n")),
        ("two accounts of a number", format!("{room_line}\n{account}\n{account}\n{end}\n")),
        ("of a later program", export.replacen("\"format\":1", &format!("\"format\":{}", EXPORT_FORMAT + 1), 1)),
        ("long", format!("{room_line}{}\n", " ".repeat(2 << 20))),
        ("no history", "[14.01.23 17:07] Vlad: x\nVlad: y\n".to_owned()),
        ("no message", "[14.01.23 17:07] connected\n".to_owned()),
        ("no day", "[31.02.23 17:07] Vlad: x\n".to_owned()),
    ]);
    for (name, content) in &wrong {
        fs::write(at(name), content).unwrap();
    }
    fs::create_dir(at("other")).unwrap();
    fs::write(at("other/thesis.txt"), "").unwrap();
    std::os::unix::fs::symlink("good", at("link")).unwrap();
    let before = (files(room.dir.path()), files(outside.path()));

    let fresh = at("fresh");
    for name in wrong.keys().copied().chain(["missing", "other", "good"]) {
        refused(&["import", &at(name), "--data-dir", &fresh]);
        assert!(!Path::new(&fresh).exists(), "{name}");
        refused(&["import", &at(name), "--data-dir", room.path()]);
    }
    for name in ["empty", "text", "cut", "missing", "other"] {
        refused(&["restore", &at(name), "--data-dir", &fresh]);
        assert!(!Path::new(&fresh).exists(), "{name}");
    }
    for name in ["text", "other", "missing/file", "other/.."] {
        refused(&["admin", "backup", &at(name), "--data-dir", room.path()]);
    }
    refused(&["admin", "backup", text(&room.dir.path().join("copy")), "--data-dir", room.path()]);
    refused(&["admin", "backup", &at("link"), "--data-dir", room.path()]);
    refused(&["admin", "backup", &at("copy"), "--data-dir", &at("other")]);
    refused(&["admin", "export", "--data-dir", &at("nowhere")]);
    refused(&["restore", &at("good"), "--data-dir", room.path()]);
    refused(&["restore", &at("good"), "--data-dir", &at("other")]);
    refused(&["import", &at("no message"), "--data-dir", &at("other")]);
    for words in [&["restore"][..], &["import"], &["admin", "backup"], &["restore", "a", "b"], &["import", "--replace"]]
    {
        let (code, _, err) = run(words);
        assert_eq!(code, Some(2), "{words:?}: {err}");
    }
    // A running server keeps its room.
    for (command, file) in [("restore", "good"), ("import", "export")] {
        fs::write(at("export"), &export).unwrap();
        let (code, _, err) = run(&[command, &at(file), "--replace", "--data-dir", room.path()]);
        assert_eq!(code, Some(1), "{err}");
        assert!(err.contains(" is running (process ") && err.lines().count() == 1, "{err}");
        fs::remove_file(at("export")).unwrap();
    }
    // A running server moves pages between the files of its store at any time, so the messages are compared.
    let of_room = |mut files: Files| {
        files.retain(|name, _| !name.starts_with("room.db"));
        files
    };
    assert!(of_room(before.0) == of_room(files(room.dir.path())), "the room has changed");
    assert!(before.1 == files(outside.path()), "something has changed");
    assert_eq!(room.admin(&["export"]), export);
    post(&mut writer, "still here").await;
    writer.send("\n").await;
    writer.expect(CONFIRMED).await;
}
