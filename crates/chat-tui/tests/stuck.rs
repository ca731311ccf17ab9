//! Signals to the program while its output is not read.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::{PipeReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use portable_pty::{CommandBuilder, PtyPair, PtySize, native_pty_system};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use support::pipes::Pipes;
use support::room::Room;
use support::{GUARD, PROGRAM, environment};

/// Returns the write end of a full pipe, and its read end.
fn full_pipe() -> (Stdio, PipeReader) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    // The capacity of a pipe on Linux: one byte more would block.
    writer.write_all(&[b'x'; 65_536]).unwrap();
    (writer.into(), reader)
}

fn arguments(room: &Room, name: &str) -> Vec<String> {
    let name = ["--nickname".to_owned(), name.to_owned()];
    room.arguments().into_iter().chain(name).collect()
}

fn start(home: &Path, arguments: &[String], stdout: Stdio, stderr: Stdio) -> Child {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_clear().envs(environment(home)).current_dir(home);
    command.stdin(Stdio::piped()).stdout(stdout).stderr(stderr).spawn().unwrap()
}

/// Waits until a file of the program contains `text`.
fn wait_for_file(home: &Path, name: &str, text: &str) {
    let (path, begun) = (home.join("data").join(name), Instant::now());
    while !std::fs::read_to_string(&path).is_ok_and(|content| content.contains(text)) {
        assert!(begun.elapsed() < GUARD, "no {text} in {}", path.display());
        std::thread::yield_now();
    }
}

fn terminate(pid: u32) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::TERM).unwrap();
}

/// Returns the exit code; `None` after a kill at the end of the guard.
fn wait_exit(child: &mut Child) -> Option<i32> {
    let begun = Instant::now();
    while begun.elapsed() < GUARD {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap().code()
}

#[test]
fn full_output_does_not_delay_the_end() {
    let room = Room::open();
    let homes = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut ann = Pipes::start(homes[0].path(), &arguments(&room, "Ann"));
    ann.wait_for_report("writing: online");
    let (stdout, _reader) = full_pipe();
    let mut bob = start(homes[1].path(), &arguments(&room, "Bob"), stdout, Stdio::null());
    wait_for_file(homes[1].path(), "creds.jsonstream", "Bob");
    ann.line("one");
    // It is recorded, and then written to the pipe.
    wait_for_file(homes[1].path(), "history.txt", "Ann: one");
    terminate(bob.id());
    assert_eq!(wait_exit(&mut bob), Some(130));
}

#[test]
fn full_error_output_does_not_delay_the_end() {
    let room = Room::open();
    let home = tempfile::tempdir().unwrap();
    let (stderr, _reader) = full_pipe();
    let mut bob = start(home.path(), &arguments(&room, "Bob"), Stdio::null(), stderr);
    // Registering is reported first.
    wait_for_file(home.path(), "creds.jsonstream", "Bob");
    terminate(bob.id());
    assert_eq!(wait_exit(&mut bob), Some(130));
}

/// The program in a terminal.
struct InTerminal {
    pair: PtyPair,
    child: Box<dyn portable_pty::Child + Send + Sync>,
}

impl InTerminal {
    fn start(home: &Path, arguments: Vec<String>) -> Self {
        let size = PtySize { rows: 60, cols: 250, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(PROGRAM);
        command.args(arguments);
        command.env_clear();
        for (name, value) in environment(home) {
            command.env(name, value);
        }
        command.cwd(home);
        let child = pair.slave.spawn_command(command).unwrap();
        Self { pair, child }
    }

    fn terminate(&self) {
        terminate(self.child.process_id().unwrap());
    }

    /// Waits for the exit code of a signal, and for the terminal's own modes.
    fn assert_ends_restored(mut self) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if begun.elapsed() >= GUARD {
                self.child.kill().unwrap();
            }
            std::thread::yield_now();
        };
        assert_eq!(status.exit_code(), 130, "{status:?}");
        const ECHO: u32 = 0o10;
        assert_ne!(self.pair.master.get_termios().unwrap().local_flags.bits() & ECHO, 0);
    }
}

#[test]
fn unread_terminal_does_not_delay_the_end() {
    let room = Room::open();
    let homes = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut ann = Pipes::start(homes[0].path(), &arguments(&room, "Ann"));
    ann.wait_for_report("writing: online");
    let bob = InTerminal::start(homes[1].path(), arguments(&room, "Bob"));
    wait_for_file(homes[1].path(), "creds.jsonstream", "Bob");
    // More than a terminal buffers: each changes every row.
    for number in 0..60 {
        ann.line(&format!("{number} {}", "q".repeat(1_000)));
        wait_for_file(homes[1].path(), "history.txt", &format!("Ann: {number} q"));
    }
    bob.terminate();
    bob.assert_ends_restored();
}

/// Ends the program when its next write will be stuck.
fn end_with_stopped_output(mode: Option<&str>, online: &str) {
    let room = Room::open();
    let home = tempfile::tempdir().unwrap();
    let arguments = arguments(&room, "Bob").into_iter().chain(mode.map(str::to_owned)).collect();
    let bob = InTerminal::start(home.path(), arguments);
    let mut output = bob.pair.master.try_clone_reader().unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(online) {
        let mut piece = [0; 4096];
        let count = output.read(&mut piece).unwrap();
        seen.extend_from_slice(&piece[..count]);
    }
    let path = bob.pair.master.tty_name().unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY;
    let terminal = rustix::fs::open(path, flags, Mode::empty()).unwrap();
    rustix::termios::tcflow(&terminal, rustix::termios::Action::OOff).unwrap();
    bob.terminate();
    bob.assert_ends_restored();
}

/// The first write that is stuck is that which restores the terminal.
#[test]
fn stopped_output_does_not_keep_the_modes() {
    end_with_stopped_output(None, "\u{25cf}");
}

#[test]
fn stopped_output_does_not_keep_the_modes_in_plain_mode() {
    end_with_stopped_output(Some("--plain"), "online");
}
