//! The environment of the scenarios: a server, a terminal with the program in it, the program on pipes. Tests wait for
//! visible output; the guards only end a failure.
#![allow(dead_code, clippy::unwrap_used, unreachable_pub)]

pub mod pipes;
pub mod room;
pub mod silent_room;
#[cfg(unix)]
pub mod terminal;

use std::path::Path;
use std::time::{Duration, Instant};

/// The deadline of every wait.
pub const GUARD: Duration = Duration::from_secs(60);

/// Returns the environment of a program that must not see the configuration of this machine.
pub fn environment(home: &Path) -> Vec<(String, String)> {
    let dir = |name: &str| home.join(name).display().to_string();
    vec![
        ("HOME".into(), home.display().to_string()),
        ("CHAT_DATA_DIR".into(), dir("data")),
        ("CHAT_CONFIG_DIR".into(), dir("config")),
        ("TERM".into(), "xterm-256color".into()),
        ("LANG".into(), "C.UTF-8".into()),
        ("TZ".into(), "UTC".into()),
        ("PATH".into(), std::env::var("PATH").unwrap_or_default()),
    ]
}

/// The binary under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_chat-tui");

/// Writes a history with this many lines.
pub fn write_history(home: &Path, lines: usize) {
    use std::io::Write;
    let dir = home.join("data");
    std::fs::create_dir_all(&dir).unwrap();
    let mut file = std::io::BufWriter::new(std::fs::File::create(dir.join("history.txt")).unwrap());
    for number in 0..lines {
        writeln!(file, "[14.01.23 17:07] Jolly Ann: this is line {number} of many").unwrap();
    }
    file.flush().unwrap();
}

/// Waits until a file has this content.
pub fn wait_for_file(path: &Path, content: &str) {
    let begun = Instant::now();
    while std::fs::read_to_string(path).ok().as_deref() != Some(content) {
        assert!(begun.elapsed() < GUARD, "{} does not become {content:?}", path.display());
        std::thread::yield_now();
    }
}
