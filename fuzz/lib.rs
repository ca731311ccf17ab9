//! Shared parts of the targets: a script of lines, waits and commands read from bytes, and a temporary directory for
//! targets that need a file.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use chat_proto::{Line, Output, StateMachine};

/// Plays bytes against a state machine. Each line is a line of the peer, except that `~` and a number lets seconds pass,
/// `!` and a byte is a command of our side, and `$` ends the stream.
///
/// # Panics
/// The machine produces output without end, or a line with a line feed.
pub fn play<M: StateMachine>(data: &[u8], new: impl FnOnce(Instant) -> M, command: impl Fn(u8) -> Option<M::Command>) {
    let mut now = start();
    let mut machine = new(now);
    for step in data.split(|&byte| byte == b'\n') {
        let outcome = match step.first() {
            Some(b'~') => {
                let seconds: u64 = std::str::from_utf8(&step[1..]).ok().and_then(|s| s.parse().ok()).unwrap_or(1);
                now += Duration::from_secs(seconds % 1_000_000);
                machine.handle_timeout(now)
            }
            Some(b'!') => {
                if let Some(command) = command(step.get(1).copied().unwrap_or_default()) {
                    let _ = machine.handle_command(command, now);
                }
                Ok(())
            }
            Some(b'$') => machine.handle_end((step.len() > 1).then(|| line(&step[1..])), now),
            _ if machine.wants_input() => machine.handle_input(line(step), now),
            _ => Ok(()),
        };
        let mut turns = 0;
        loop {
            match machine.poll_output() {
                Output::Transmit(line) => assert!(!line.as_str().contains('\n'), "a line feed in a line"),
                Output::Event(_) => {}
                Output::Timeout(_) => break,
            }
            turns += 1;
            assert!(turns < 100_000, "output without end");
        }
        if outcome.is_err() {
            return;
        }
    }
}

fn line(bytes: &[u8]) -> Line {
    Line::from_bytes(bytes.to_vec().into())
}

/// Returns the same instant for all runs, so that a finding can be repeated.
fn start() -> Instant {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *START.get_or_init(Instant::now)
}

/// Writes a file with this content into a directory of this process, which is emptied for each run.
pub fn file(name: &str, content: &[u8]) -> PathBuf {
    static DIR: std::sync::OnceLock<tempfile::TempDir> = std::sync::OnceLock::new();
    let dir = DIR.get_or_init(|| {
        let memory = std::path::Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        dir.expect("a temporary directory")
    });
    for entry in std::fs::read_dir(dir.path()).expect("the temporary directory").flatten() {
        let _ = std::fs::remove_file(entry.path());
    }
    let path = dir.path().join(name);
    std::fs::write(&path, content).expect("a temporary file");
    path
}
