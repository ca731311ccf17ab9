//! Signals to the program, mostly while its output is not read or its server answers nothing.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::{PipeReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use support::pipes::Pipes;
use support::room::Room;
use support::silent_room::SilentRoom;
use support::terminal::Terminal;
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
    send(pid, Signal::TERM);
}

fn send(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
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

#[test]
fn ignored_hangup_stays_ignored() {
    let (room, home) = (Room::open(), tempfile::tempdir().unwrap());
    let mut bob = Pipes::start_without_hangup(home.path(), &arguments(&room, "Bob"));
    bob.wait_for_report("writing: online");
    send(bob.id(), Signal::HUP);
    bob.line("still here");
    bob.wait_for_message("still here");
    terminate(bob.id());
    assert_eq!(bob.wait_exit(), 130);
}

/// Asks the program to end, and waits until it has, with the terminal's own modes.
fn assert_ends_restored(mut bob: Terminal) {
    bob.signal(Signal::TERM);
    assert_eq!(bob.wait_exit().exit_code(), 130);
    bob.assert_cooked();
}

#[test]
fn unread_terminal_does_not_delay_the_end() {
    for (mode, online) in [(None, "● online"), (Some("--plain"), "writing: online")] {
        let room = Room::open();
        let homes = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let mut ann = Pipes::start(homes[0].path(), &arguments(&room, "Ann"));
        ann.wait_for_report("writing: online");
        let arguments: Vec<_> = arguments(&room, "Bob").into_iter().chain(mode.map(str::to_owned)).collect();
        let bob = Terminal::start(homes[1].path(), &arguments, 80, 24);
        bob.wait_for(online);
        bob.stop_output();
        ann.line("one");
        // It is recorded, and then written to the terminal.
        wait_for_file(homes[1].path(), "history.txt", "Ann: one");
        assert_ends_restored(bob);
    }
}

/// The first write that is stuck is that which restores the terminal.
#[test]
fn stopped_output_does_not_keep_the_modes() {
    let room = Room::open();
    let home = tempfile::tempdir().unwrap();
    let bob = Terminal::start(home.path(), &arguments(&room, "Bob"), 80, 24);
    bob.wait_for("● online");
    bob.stop_output();
    assert_ends_restored(bob);
}

/// The wait for the confirmation takes longer than a program that counts as stuck has after a signal.
#[test]
fn an_unconfirmed_message_is_reported_after_a_signal() {
    let room = SilentRoom::open();
    let home = tempfile::tempdir().unwrap();
    let arguments: Vec<_> = room.arguments().into_iter().chain(["--nickname".into(), "Bob".into()]).collect();
    let mut bob = Terminal::start(home.path(), &arguments, 80, 24);
    bob.wait_for("● online");
    room.fall_silent();
    bob.keys("hello\r");
    wait_for_file(home.path(), "outbox", "written");
    bob.signal(Signal::TERM);
    assert_eq!(bob.wait_exit().exit_code(), 130);
    bob.wait_for("1 message was not confirmed");
    bob.assert_given_back();
}
