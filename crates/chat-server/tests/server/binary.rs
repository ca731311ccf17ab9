//! The program: its ready line, its exit codes, its signals, and what survives kill -9.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use crate::peer::{CONFIRMED, GREETING, Peer, id_post};

pub(crate) struct Program {
    child: Child,
    out: BufReader<ChildStdout>,
    pub(crate) listen: SocketAddr,
    pub(crate) write: SocketAddr,
    /// The rest of the ready line after the two ports.
    pub(crate) further: String,
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Program {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let free = ["--listen", "127.0.0.1:0", "--write", "127.0.0.1:0"];
        Self::spawn(command(&[&free[..], arguments].concat()))
    }

    pub(crate) fn spawn(command: Command) -> Self {
        Self::spawn_with_stderr(command, Stdio::piped())
    }

    pub(crate) fn spawn_with_stderr(mut command: Command, stderr: Stdio) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut ready = String::new();
        out.read_line(&mut ready).unwrap();
        let (listen, rest) =
            ready.strip_prefix("ready listen=").and_then(|rest| rest.trim_end().split_once(" write=")).unwrap();
        let (write, further) = rest.split_once(' ').unwrap_or((rest, ""));
        let (listen, write) = (listen.parse().unwrap(), write.parse().unwrap());
        Self { child, out, listen, write, further: further.to_owned() }
    }

    fn on(dir: &Path) -> Self {
        Self::start(&["--data-dir", dir.to_str().unwrap()])
    }

    /// Returns the process id.
    #[cfg(target_os = "linux")]
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Returns true if the program has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for the end. Returns the exit code, the rest of standard output, and standard error.
    pub(crate) fn end(mut self) -> (Option<i32>, String, String) {
        let (mut out, mut err) = (String::new(), String::new());
        self.out.read_to_string(&mut out).unwrap();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut err).unwrap();
        }
        (self.child.wait().unwrap().code(), out, err)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // The log may tell why a test has failed.
        if let Some(stderr) = self.child.stderr.as_mut().filter(|_| std::thread::panicking()) {
            let mut log = String::new();
            let _ = stderr.read_to_string(&mut log);
            eprintln!("standard error of chat-server:\n{log}");
        }
    }
}

pub(crate) fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command(arguments).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_drains_with_exit_code_0() {
    for signal in ["-TERM", "-INT"] {
        let dir = tempfile::tempdir().unwrap();
        let program = Program::on(dir.path());
        let mut writer = Peer::connect(program.write).await;
        writer.expect(GREETING).await;
        program.signal(signal);
        writer.expect_end().await;
        drop(writer);
        let (code, out, err) = program.end();
        assert_eq!((code, out.as_str()), (Some(0), ""), "{err}");
    }
}

#[test]
fn exit_codes_of_errors() {
    assert_eq!(run(&["--listen", "nonsense"]).0, Some(2));
    assert_eq!(run(&["--metrics", "nonsense"]).0, Some(2));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let (code, _, err) = run(&["check", "--data-dir", path]);
    assert_eq!((code, err), (Some(1), format!("chat-server: no store found in {path}\n")));
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let (code, _, err) =
        run(&["--listen", "127.0.0.1:0", "--write", "127.0.0.1:0", "--data-dir", file.to_str().unwrap()]);
    assert_eq!((code, err.lines().count()), (Some(1), 1), "{err}");
    assert!(err.starts_with("chat-server: could not use "), "{err}");
}

#[test]
fn second_server_learns_what_is_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::on(dir.path());
    let (listen, path) = (program.listen.to_string(), dir.path().to_str().unwrap());
    let (code, out, err) = run(&["--listen", &listen, "--write", "127.0.0.1:0", "--memory"]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(
        err.starts_with(&format!("chat-server: could not listen on {listen}: ")) && err.lines().count() == 1,
        "{err}"
    );
    assert!(err.ends_with("; a server runs there, or chat-tui or chat-web with a local room\n"), "{err}");
    let (code, _, err) = run(&["--listen", "127.0.0.1:0", "--write", "127.0.0.1:0", "--data-dir", path]);
    let expected = format!("chat-server: {path} is in use by another server (process {})\n", program.child.id());
    assert_eq!((code, err), (Some(1), expected));
}

#[tokio::test]
async fn lists_and_revokes_accounts_while_serving() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let program = Program::on(dir.path());
    let mut writer = Peer::connect(program.write).await;
    writer.send("\nBob\n").await;
    writer.line().await;
    writer.line().await;
    let record = writer.record().await;
    let (code, out, _) = run(&["accounts", "--data-dir", path, "list"]);
    assert_eq!((code, out.split('\t').next()), (Some(0), Some(record.nickname.as_str())));
    assert!(!out.contains(&record.token));
    assert_eq!(run(&["accounts", "--data-dir", path, "revoke", "Unknown Name"]).0, Some(1));
    let ids = run(&["accounts", "--data-dir", path, "list", "--ids"]).1;
    let (id, rest) = ids.split_once('\t').unwrap();
    assert!(rest.starts_with(&record.nickname), "{ids}");
    assert_eq!(run(&["accounts", "--data-dir", path, "revoke", "--id", "4711"]).0, Some(1));
    assert_eq!(run(&["accounts", "--data-dir", path, "revoke"]).0, Some(2));
    assert_eq!(run(&["accounts", "--data-dir", path, "revoke", "--id", id]).0, Some(0));
    writer.rest().await;
    assert_eq!(run(&["accounts", "--data-dir", path, "revoke", &record.nickname]).0, Some(0));
    assert!(run(&["accounts", "--data-dir", path, "list"]).1.ends_with("\trevoked\n"));
    let (code, out, _) = run(&["check", "--data-dir", path]);
    assert_eq!(code, Some(0));
    assert!(out.starts_with("good: messages=0 accounts=1 head=0 "), "{out}");
}

#[test]
fn serves_with_standard_output_closed() {
    let free = ["--listen", "127.0.0.1:0", "--write", "127.0.0.1:0", "--memory"];
    let mut child = command(&free).spawn().unwrap();
    drop(child.stdout.take());
    // It serves: it is still running when it is asked to end.
    assert!(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn survives_running_out_of_descriptors() {
    let script = format!(
        "ulimit -n 40; exec {} --listen 127.0.0.1:0 --write 127.0.0.1:0 --memory",
        env!("CARGO_BIN_EXE_chat-server")
    );
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]);
    let program = Program::spawn(shell);
    // The kernel connects those beyond the limit, and they receive nothing.
    let mut crowd = Vec::new();
    for _ in 0..60 {
        crowd.push(Peer::connect(program.write).await);
    }
    crowd[0].expect(GREETING).await;
    drop(crowd);
    Peer::connect(program.write).await.expect(GREETING).await;
}

#[cfg(unix)]
#[test]
fn only_a_clean_shutdown_leaves_a_note() {
    let dir = tempfile::tempdir().unwrap();
    let note = dir.path().join("closed");
    for (signal, left) in [("-TERM", true), ("-KILL", false), ("-INT", true)] {
        let program = Program::on(dir.path());
        assert!(!note.exists(), "before {signal}");
        program.signal(signal);
        program.end();
        assert_eq!(note.exists(), left, "after {signal}");
    }
}

/// What was confirmed before a kill is present after it, once, at its position.
#[tokio::test]
async fn kill_9_loses_no_confirmed_message() {
    let dir = tempfile::tempdir().unwrap();
    let mut token = String::new();
    let mut confirmed: HashMap<String, u64> = HashMap::new();
    let mut stream = None;
    for round in 0..8u64 {
        let mut program = Program::on(dir.path());
        let mut writer = Peer::connect(program.write).await;
        writer.expect(GREETING).await;
        writer.send(if token.is_empty() { "\nBob\n".to_owned() } else { format!("{token}\n") }).await;
        if token.is_empty() {
            writer.line().await;
        }
        token = writer.record().await.token;
        writer.line().await;
        // What may not be stored is sent again under its id, as a client does.
        let posts: String =
            (0..400).map(|n| id_post(&format!("{}-{n}", round / 2), &format!("{} {n}", round / 2))).collect();
        writer.send(posts).await;
        for _ in 0..(37 + 90 * (round % 4)) {
            let answer = writer.answer().await;
            let (id, seq) = (answer["ok"].as_str().unwrap().to_owned(), answer["seq"].as_u64().unwrap());
            assert_eq!(*confirmed.entry(id).or_insert(seq), seq, "the same position every time");
            let name = answer["stream"].as_str().unwrap().to_owned();
            assert_eq!(stream.get_or_insert_with(|| name.clone()), &name, "no kill breaks the log");
        }
        program.child.kill().unwrap();
        program.child.wait().unwrap();
        for line in writer.rest_lossy().await {
            let answer: serde_json::Value = serde_json::from_str(line.trim_start_matches('\u{1}')).unwrap();
            confirmed.insert(answer["ok"].as_str().unwrap().to_owned(), answer["seq"].as_u64().unwrap());
        }
    }
    let program = Program::on(dir.path());
    let mut listener = Peer::connect(program.listen).await;
    let head = listener.resume("{\"after_time\": 0}").await["head"].as_u64().unwrap();
    let mut texts = HashMap::new();
    for seq in 1..=head {
        let message = listener.numbered().await;
        assert_eq!(message.seq, seq);
        assert!(texts.insert(message.text, seq).is_none(), "stored once");
    }
    for (id, seq) in &confirmed {
        assert_eq!(texts.get(&id.replace('-', " ")), Some(seq), "{id}");
    }
    drop(program);
    let (code, out, _) = run(&["check", "--data-dir", dir.path().to_str().unwrap()]);
    assert_eq!(code, Some(0), "{out}");
}

#[cfg(target_os = "linux")]
#[test]
fn core_dumps_are_disabled() {
    let program = Program::start(&["--memory"]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", program.child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{core}");
}

#[test]
fn reports_an_unwritable_account_list() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = chat_server::SqliteJournal::open(dir.path()).unwrap();
    let nickname = chat_proto::Nickname::new("Keen Bob").unwrap();
    let token = chat_server::TokenHash::of(&chat_proto::Token::new("9a08").unwrap());
    chat_server::Journal::append(&mut journal, &[chat_server::Draft::Account { token, nickname }]).unwrap();
    drop(journal);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut list = command(&["accounts", "--data-dir", dir.path().to_str().unwrap(), "list"]);
    let output = list.stdout(full).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("could not write to standard output"), "{said}");
}

#[test]
fn names_an_unreadable_store() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("room.db"), "x".repeat(8192)).unwrap();
    let path = dir.path().to_str().unwrap();
    let (code, _, said) = run(&["check", "--data-dir", path]);
    assert_eq!(code, Some(1));
    assert!(said.starts_with(&format!("chat-server: {path}: ")), "{said}");
}

/// A program that parses the log must be able to parse the line that reports why the server ended.
#[test]
fn json_log_contains_only_objects() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("room.db"), "x".repeat(8192)).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let path = dir.path().to_str().unwrap();
    let (code, _, said) =
        run(&["--listen", &listen, "--write", "127.0.0.1:0", "--data-dir", path, "--log-format", "json"]);
    assert_eq!(code, Some(1), "{said}");
    let lines: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let says = |what: &str| lines.iter().any(|line| line["message"].as_str().is_some_and(|text| text.contains(what)));
    assert!(says("the store was damaged") && says("could not listen on"), "{said}");
}

/// The plain protocol has no answer for a text that is too long, so the operator must find it in the log.
#[tokio::test]
async fn dropped_text_is_in_the_log() {
    let program = Program::start(&["--memory"]);
    let mut writer = Peer::connect(program.write).await;
    writer.send(format!("\nBob\n{}\n\nafter\n\n", "x".repeat(30_000))).await;
    while writer.line().await != CONFIRMED {}
    program.signal("-TERM");
    let (code, _, log) = program.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("a text that is too long"), "{log}");
}

#[tokio::test]
async fn logs_repeated_events_once_a_second() {
    let program = Program::start(&["--memory", "--max-connections", "1", "--register-rate", "0.001:1"]);
    let mut first = Peer::connect(program.write).await;
    first.expect(GREETING).await;
    for _ in 0..20 {
        Peer::connect(program.write).await.expect_end().await;
    }
    first.send("\nBob\n").await;
    first.line().await;
    first.record().await;
    program.signal("-TERM");
    let (code, _, log) = program.end();
    assert_eq!(code, Some(0), "{log}");
    let told = log.lines().filter(|line| line.contains("too many connections")).count();
    assert!((1..20).contains(&told), "{log}");
}
