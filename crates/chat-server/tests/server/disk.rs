//! Disks that fail, with the real program: strace makes its system calls fail or kills it at one of them, and a small tmpfs
//! is full. They need strace and root, so `.ci/disk` runs them, and says when it cannot.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use chat_server::{SqliteJournal, export_store};
use serde_json::json;

use crate::binary::{Program, command, run};
use crate::moderation::{Room, object};
use crate::peer::{GREETING, Peer, WELCOME, guarded, id_post};

/// System calls of a program that are made to fail, until this is dropped.
struct Faults(Child);

impl Faults {
    /// Attaches to all threads of the program. `rules` are options of strace.
    fn inject(program: &Program, rules: &[&str]) -> Self {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-o", "/dev/null", "-p", &program.pid().to_string()]).args(rules);
        let mut child = strace.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("strace is needed");
        let mut said = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
        assert!(said.contains("attached"), "{said}");
        Self(child)
    }

    /// Detaches.
    fn end(self) {}

    /// Ends strace without detaching, which takes for ever after the program was killed.
    fn abandon(mut self) {
        self.0.kill().unwrap();
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        // strace detaches on SIGTERM; the program goes on.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// Logs in with a token, for posts with ids.
async fn log_in(program: &Program, token: &str) -> Peer {
    let mut writer = Peer::connect(program.write).await;
    writer.send(format!("{token}\n")).await;
    writer.expect(GREETING).await;
    writer.record().await;
    writer.expect(WELCOME).await;
    writer
}

/// Returns the texts of the whole log.
async fn texts(program: &Program) -> Vec<String> {
    last_texts(program, 100_000).await
}

/// Returns the texts of the last messages, at most `count`.
async fn last_texts(program: &Program, count: u64) -> Vec<String> {
    let mut listener = Peer::connect(program.listen).await;
    let answer = listener.resume(&json!({"last": count}).to_string()).await;
    let mut texts = Vec::new();
    for _ in answer["from"].as_u64().unwrap()..=answer["head"].as_u64().unwrap() {
        texts.push(object(&mut listener).await["text"].as_str().unwrap().to_owned());
    }
    texts
}

#[tokio::test]
#[ignore = "needs strace and root: run by .ci/disk"]
async fn a_failed_sync_ends_the_server() {
    for call in ["post", "probe"] {
        let mut room = Room::start();
        if call == "probe" {
            room.program = None;
            room.program = Some(Program::start(&["--data-dir", room.path(), "--metrics", "127.0.0.1:0"]));
        }
        let (mut writer, _, token) = room.register("Bob").await;
        assert_eq!(writer.post("a", "one").await["ok"], "a");
        let faults =
            Faults::inject(room.program(), &["-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO"]);
        if call == "post" {
            // No answer: it may or may not be there after the next start.
            writer.send(id_post("b", "two")).await;
        } else {
            let port = room.program().further.strip_prefix("metrics=").unwrap().parse().unwrap();
            crate::metrics::get(port, "/readyz").await;
        }
        writer.expect_end().await;
        let (code, out, err) = room.program.take().unwrap().end();
        assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
        assert!(err.contains("the disk did not confirm what was written (sync failed)"), "{err}");
        faults.end();
        assert!(!room.dir.path().join("closed").exists(), "the next start must check everything");
        room.restart();
        let mut writer = log_in(room.program(), &token).await;
        assert_eq!(writer.post("b", "two").await["ok"], "b");
        // Stored once, whether the failed transaction has reached the file or not.
        assert_eq!(texts(room.program()).await, ["one", "two"]);
    }
}

#[tokio::test]
#[ignore = "needs strace and root: run by .ci/disk"]
async fn failed_write_declines_until_it_works() {
    let mut room = Room::start();
    let (mut writer, ..) = room.register("Bob").await;
    assert_eq!(writer.post("a", "one").await["ok"], "a");
    let faults = Faults::inject(room.program(), &["-e", "trace=pwrite64", "-e", "inject=pwrite64:error=EIO"]);
    for _ in 0..3 {
        assert_eq!(writer.post("b", "two").await, json!({"no": "b", "code": "storage", "retry_after_ms": 1000}));
    }
    assert_eq!(texts(room.program()).await, ["one"], "listeners are served");
    faults.end();
    assert_eq!(writer.post("b", "two").await["seq"], 2);
    room.restart();
    assert_eq!(texts(room.program()).await, ["one", "two"]);
}

/// The log is not thrown away while its pages are not in the store.
#[tokio::test]
#[ignore = "needs strace and root: run by .ci/disk"]
async fn a_failed_checkpoint_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let options = ["--data-dir", dir.path().to_str().unwrap(), "--post-rate", "off", "--post-bytes", "off"];
    let program = Program::start(&options);
    let mut writer = Peer::connect(program.write).await;
    writer.send("\nBob\n").await;
    writer.expect(format!("{GREETING}{}", crate::peer::PROMPT)).await;
    writer.record().await;
    writer.expect(WELCOME).await;
    // A new server empties the log once, at a time of its own, and must end when that sync fails. A removal does it now.
    assert_eq!(writer.post("removed", "one").await["seq"], 1);
    let removed = run(&["admin", "--data-dir", dir.path().to_str().unwrap(), "remove", "1"]);
    assert_eq!(removed.0, Some(0), "{removed:?}");
    let log = dir.path().join("room.db-wal");
    guarded("an empty log", async {
        while fs::metadata(&log).unwrap().len() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let store = dir.path().join("room.db");
    let faults = Faults::inject(
        &program,
        &["-P", store.to_str().unwrap(), "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO"],
    );
    // More pages than the log has before a checkpoint.
    let large = "x".repeat(16_000);
    // Some at a time: after the first failure each transaction tries the checkpoint again.
    for first in (0..1_152).step_by(64) {
        let posts: String =
            (first..first + 64).map(|number| id_post(&number.to_string(), &format!("{number} {large}"))).collect();
        writer.send(posts).await;
        for number in first..first + 64 {
            assert_eq!(object(&mut writer).await["ok"], json!(number.to_string()));
        }
    }
    // While the faults are in force.
    program.signal("-KILL");
    faults.abandon();
    drop(program);
    let program = Program::start(&options);
    let texts = last_texts(&program, 1_152).await;
    assert_eq!(texts.len(), 1_152);
    assert!(texts.iter().enumerate().all(|(number, text)| text.starts_with(&format!("{number} "))));
}

#[tokio::test]
#[ignore = "needs strace and root: run by .ci/disk"]
async fn a_slow_disk_confirms_in_order() {
    let mut room = Room::start();
    let (mut writer, ..) = room.register("Bob").await;
    let _faults = Faults::inject(
        room.program(),
        &["-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:delay_exit=5000"],
    );
    let posts: String = (0..200).map(|number| id_post(&number.to_string(), &number.to_string())).collect();
    writer.send(posts).await;
    for number in 0..200 {
        let answer = object(&mut writer).await;
        assert_eq!((&answer["ok"], &answer["seq"]), (&json!(number.to_string()), &json!(number + 1)));
    }
    room.restart();
    let expected: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    assert_eq!(texts(room.program()).await, expected);
}

#[tokio::test]
#[ignore = "needs root: run by .ci/disk"]
async fn full_disk_declines_until_there_is_space() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    // The mount ends with the namespace, and so with the server.
    let script = "mount -t tmpfs -o size=4m,mode=0700 tmpfs \"$1\" && exec \"$0\" --data-dir \"$1\" --min-free off \
                  --listen 127.0.0.1:0 --write 127.0.0.1:0";
    let mut unshare = Command::new("unshare");
    unshare.args(["-m", "sh", "-c", script, env!("CARGO_BIN_EXE_chat-server"), path]);
    let program = Program::spawn(unshare);
    let inside = |words: &[&str]| {
        let pid = program.pid().to_string();
        let done = Command::new("nsenter").args(["-t", &pid, "-m"]).args(words).output().unwrap();
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    };
    let mut writer = Peer::connect(program.write).await;
    writer.send("\nBob\n").await;
    writer.expect(format!("{GREETING}{}", crate::peer::PROMPT)).await;
    writer.record().await;
    writer.expect(WELCOME).await;
    let large = "x".repeat(16_000);
    let mut stored = 0u64;
    let filling = async {
        loop {
            let answer = writer.post(&format!("id-{stored}"), &large).await;
            if answer["code"] == "storage" {
                break;
            }
            stored += 1;
            assert_eq!(answer["seq"], stored);
        }
    };
    guarded("the disk is full", filling).await;
    assert!(stored > 20, "{stored}");
    assert_eq!(texts(&program).await.len() as u64, stored, "listeners are served");
    inside(&["mount", "-o", "remount,size=32m", path]);
    assert_eq!(writer.post(&format!("id-{stored}"), &large).await["seq"], stored + 1);
    let report = inside(&[env!("CARGO_BIN_EXE_chat-server"), "check", "--data-dir", path]);
    assert!(report.starts_with(&format!("good: messages={} ", stored + 1)), "{report}");
}

/// Kills a command at each of its system calls that change a file, one after another, until it ends by itself.
fn killed_at_each_call(arguments: &[&str], prepare: impl Fn(), check: impl Fn(usize)) {
    const CALLS: &str = "write,pwrite64,rename,unlink,unlinkat,fsync,fdatasync,ftruncate,mkdir,utimensat";
    for call in 1.. {
        prepare();
        let mut strace = Command::new("strace");
        strace.args(["-f", "-o", "/dev/null", "-e", &format!("trace={CALLS}")]);
        strace.args(["-e", &format!("inject={CALLS}:signal=KILL:when={call}")]);
        let program = command(arguments);
        let done = strace.arg(program.get_program()).args(program.get_args()).output().expect("strace is needed");
        check(call);
        if done.status.success() {
            assert!(call > 10, "the command made only {call} calls");
            return;
        }
    }
}

#[tokio::test]
#[ignore = "needs strace and root: run by .ci/disk"]
async fn a_copy_killed_anywhere_leaves_old_or_new() {
    let temp = tempfile::tempdir().unwrap();
    let at = |name: &str| temp.path().join(name).to_str().unwrap().to_owned();
    let (old, new) = ("[14.01.23 17:07] Vlad: old\n", "[14.01.23 17:07] Vlad: new\n");
    for (name, history) in [("old", old), ("new", new)] {
        fs::write(at(&format!("{name}.txt")), history).unwrap();
        assert_eq!(run(&["import", &at(&format!("{name}.txt")), "--data-dir", &at(name)]).0, Some(0));
        assert_eq!(run(&["admin", "backup", &at(&format!("{name}.db")), "--data-dir", &at(name)]).0, Some(0));
    }
    let export = |dir: &str| {
        // As a start does, which finishes what was complete.
        drop(SqliteJournal::open(dir).unwrap());
        let mut out = Vec::new();
        export_store(Path::new(dir), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let dir = at("room");
    let is_old_or_new = |call: usize| {
        let content = export(&dir);
        let has = |text: &str| content.contains(&format!("\"text\":\"{text}\""));
        assert!(has("old") != has("new"), "call {call}: {content}");
    };
    let renewed = || {
        let _ = fs::remove_dir_all(&dir);
        assert_eq!(run(&["restore", &at("old.db"), "--data-dir", &dir]).0, Some(0));
    };
    killed_at_each_call(&["restore", &at("new.db"), "--replace", "--data-dir", &dir], renewed, is_old_or_new);
    killed_at_each_call(&["import", &at("new.txt"), "--replace", "--data-dir", &dir], renewed, is_old_or_new);
    let target = at("target.db");
    let copied = || assert!(fs::copy(at("old.db"), &target).is_ok());
    killed_at_each_call(&["admin", "backup", &target, "--data-dir", &at("new")], copied, |call| {
        let dir = at("restored");
        let _ = fs::remove_dir_all(&dir);
        let (code, _, err) = run(&["restore", &target, "--data-dir", &dir]);
        assert_eq!(code, Some(0), "call {call}: {err}");
    });
    // What a killed one has left does not stand in the way.
    assert_eq!(run(&["admin", "backup", &target, "--data-dir", &at("new")]).0, Some(0));
    assert!(!Path::new(&at("target.db.part")).exists());
}
