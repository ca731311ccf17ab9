//! The program when its output is not read, on signals, and with few descriptors.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use crate::binary::{Program, command};
use crate::metrics::get;
use crate::peer::{CONFIRMED, GREETING, PROMPT, Peer, guarded, id_post};

const FREE: [&str; 4] = ["--listen", "127.0.0.1:0", "--write", "127.0.0.1:0"];

/// Returns the write end of a full pipe, and its read end.
fn full_pipe() -> (Stdio, std::io::PipeReader) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    // The capacity of a pipe on Linux: one byte more would block.
    writer.write_all(&[b'x'; 65_536]).unwrap();
    (writer.into(), reader)
}

async fn registered(program: &Program, name: &str) -> Peer {
    let mut peer = Peer::connect(program.write).await;
    peer.expect(GREETING).await;
    peer.send(format!("\n{name}\n")).await;
    peer.expect(PROMPT).await;
    peer.record().await;
    peer.line().await;
    peer
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn serves_while_standard_error_is_full() {
    for format in ["text", "json"] {
        let (stderr, mut reader) = full_pipe();
        let arguments = [&FREE[..], &["--memory", "--metrics", "127.0.0.1:0", "--log-format", format]].concat();
        let program = Program::spawn_with_stderr(command(&arguments), stderr);
        let metrics = program.further.strip_prefix("metrics=").unwrap().parse().unwrap();
        // Each of these causes a log event, of which at least one is written.
        for _ in 0..20 {
            let mut wrong = Peer::connect(program.write).await;
            wrong.send("not a token\n").await;
            wrong.expect(format!("{GREETING}null\n{PROMPT}")).await;
        }
        let mut bob = registered(&program, "Bob").await;
        bob.send("hello\n\n").await;
        bob.expect(CONFIRMED).await;
        assert_eq!(get(metrics, "/readyz").await.0, 200);
        program.signal("-TERM");
        bob.expect_end().await;
        let ended = tokio::task::spawn_blocking(move || program.end());
        assert_eq!(guarded("the end", ended).await.unwrap().0, Some(0));
        // The lines that were not written are lost: the reader receives what was in the pipe before.
        let mut seen = Vec::new();
        reader.read_to_end(&mut seen).unwrap();
        assert!(seen.starts_with(&[b'x'; 65_536]));
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn serves_while_standard_output_is_full() {
    let (stdout, _reader) = full_pipe();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut command = command(&["--listen", "127.0.0.1:0", "--write", &port, "--memory"]);
    let mut child = command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::null()).spawn().unwrap();
    // The ready line cannot be written, so the test tries the port.
    let greeted = async {
        loop {
            if let Ok(stream) = tokio::net::TcpStream::connect(&port).await {
                Peer::new(stream).expect(GREETING).await;
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    guarded("a greeting", greeted).await;
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
    assert_eq!(guarded("the end", ended).await.unwrap().code(), Some(0));
}

#[test]
fn ready_line_on_a_full_disk_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command(&[&FREE[..], &["--memory"]].concat()).stdout(full).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("could not write the ready line"), "{said}");
}

/// `timeout` signals the program and its whole group, so that two signals arrive at once.
#[tokio::test]
async fn two_signals_at_once_are_one() {
    for _ in 0..10 {
        let program = Program::start(&["--memory"]);
        let mut bob = registered(&program, "Bob").await;
        program.signal("-TERM");
        program.signal("-TERM");
        bob.expect_end().await;
        drop(bob);
        assert_eq!(program.end().0, Some(0));
    }
}

#[tokio::test]
async fn later_signal_ends_a_drain() {
    let mut program = Program::start(&["--memory", "--drain-within", "600"]);
    // A listener that does not read its backlog delays the end.
    let _dead = Peer::connect_narrow(program.listen).await.seated().await;
    let mut bob = registered(&program, "Bob").await;
    for number in 0..400 {
        bob.send(id_post(&number.to_string(), &"x".repeat(16_000))).await;
        bob.answer().await;
    }
    program.signal("-TERM");
    bob.expect_end().await;
    let ends = async {
        while !program.has_ended() {
            program.signal("-TERM");
            tokio::task::yield_now().await;
        }
    };
    guarded("the end", ends).await;
    assert_eq!(program.end().0, Some(1));
}

#[test]
fn few_descriptors_are_a_warning() {
    let script = format!(
        "ulimit -n 100; exec {} --listen 127.0.0.1:0 --write 127.0.0.1:0 --memory --max-connections 5000",
        env!("CARGO_BIN_EXE_chat-server")
    );
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]);
    let program = Program::spawn(shell);
    program.signal("-TERM");
    let (_, _, log) = program.end();
    assert!(log.contains("WARN") && log.contains("open files"), "{log}");
}
