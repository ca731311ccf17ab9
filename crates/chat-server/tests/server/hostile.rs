//! Hostile arguments, paths and nicknames must not send control sequences to the operator's terminal.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use chat_proto::display::MAX_MARKS;
use chat_server::{Server, ServerConfig, SqliteJournal};
use testkit::hostile::{CORPUS, steers};

use crate::peer::Peer;

const PROGRAM: &str = env!("CARGO_BIN_EXE_chat-server");

/// Runs the program to its end in a terminal. Returns the exit code and the terminal's output.
fn in_terminal(arguments: &[&str]) -> (u32, String) {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env("NO_COLOR", "1");
    testkit::pty::run(&command)
}

#[test]
fn arguments_cannot_steer_the_terminal() {
    for evil in CORPUS {
        let flag = format!("--bogus{evil}");
        let inside = format!("/proc/{evil}");
        let cases = [
            (2, vec![flag.as_str()]),
            (2, vec!["--listen", evil]),
            (2, vec!["--post-rate", evil]),
            (2, vec![evil]),
            (1, vec!["--data-dir", &inside]),
            (1, vec!["--config", &inside]),
            (2, vec!["--metrics", evil]),
            (1, vec!["check", "--data-dir", &inside]),
            (1, vec!["accounts", "--data-dir", &inside, "list"]),
        ];
        for (expected, arguments) in cases {
            let (code, screen) = in_terminal(&arguments);
            assert_eq!(code, expected, "{arguments:?}: {screen}");
            assert!(!screen.is_empty() && !steers(&screen), "{arguments:?}: {screen:?}");
            let piped = Command::new(PROGRAM).args(&arguments).stdin(Stdio::null()).output().unwrap();
            let piped = String::from_utf8(piped.stderr).unwrap();
            assert!(!piped.is_empty() && !steers(&piped), "{arguments:?}: {piped:?}");
        }
    }
    assert!(in_terminal(&["--bogus\u{1b}]0;pwn\u{7}"]).1.contains("--bogus␛]0;pwn␇"));
}

#[test]
fn logged_paths_cannot_steer_the_terminal() {
    for evil in CORPUS.into_iter().filter(|evil| !evil.contains('/')) {
        for format in ["text", "json"] {
            let parent = tempfile::tempdir().unwrap();
            let dir = parent.path().join(evil);
            std::fs::create_dir(&dir).unwrap();
            // A looser mode is logged; the invalid address then ends the program.
            std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
            let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let address = taken.local_addr().unwrap().to_string();
            let dir = dir.to_str().unwrap();
            let arguments = ["--data-dir", dir, "--listen", &address, "--log-format", format];
            let (code, screen) = in_terminal(&arguments);
            assert_eq!(code, 1, "{screen}");
            assert!(screen.contains("other users could access this") && !steers(&screen), "{screen:?}");
        }
    }
}

#[tokio::test]
async fn lists_clean_names_only_on_a_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let pile = "\u{301}".repeat(30);
    let nickname = register(dir.path(), &format!("Bob{pile}")).await;
    assert!(nickname.ends_with(&pile));
    let arguments = ["accounts", "--data-dir", dir.path().to_str().unwrap(), "list"];
    let (_, screen) = in_terminal(&arguments);
    assert!(screen.contains(&format!("Bob{}<+{}>\t", "\u{301}".repeat(MAX_MARKS), 30 - MAX_MARKS)), "{screen:?}");
    let piped = Command::new(PROGRAM).args(arguments).output().unwrap();
    assert!(String::from_utf8(piped.stdout).unwrap().starts_with(&format!("{nickname}\t")));
}

async fn register(dir: &Path, name: &str) -> String {
    let config = ServerConfig::on_free_ports();
    let server = Server::start(config, SqliteJournal::open(dir).unwrap()).await.unwrap();
    let mut writer = Peer::connect(server.write_addr()).await;
    writer.send(&format!("\n{name}\n")).await;
    writer.line().await;
    writer.line().await;
    let record = writer.record().await;
    drop(writer);
    server.drain().await.unwrap();
    record.nickname
}
