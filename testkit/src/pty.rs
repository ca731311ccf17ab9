//! Runs a program in a pseudo-terminal and returns every byte that the terminal got.

use std::io::Read as _;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

/// Time a program has to end.
const DEADLINE: Duration = Duration::from_secs(60);

/// Runs the program to its end with both outputs in a terminal that is wide enough for every line. It gets only the
/// environment that was set explicitly. Returns the exit code and the output, with the terminal's line ends as line feeds.
///
/// # Panics
/// The program could not be run, did not end in 60 s, or its output is not UTF-8.
#[must_use]
pub fn run(command: &Command) -> (u32, String) {
    let size = PtySize { rows: 50, cols: 1000, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
    let mut builder = CommandBuilder::new(command.get_program());
    builder.args(command.get_args());
    builder.env_clear();
    for (name, value) in command.get_envs() {
        builder.env(name, value.unwrap_or_default());
    }
    if let Some(directory) = command.get_current_dir() {
        builder.cwd(directory);
    }
    let mut child = pair.slave.spawn_command(builder).expect("a program that can be started");
    // Otherwise the terminal stays open after the end of the program.
    drop(pair.slave);
    let mut output = pair.master.try_clone_reader().expect("a reader of the terminal");
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let (mut all, mut bytes) = (Vec::new(), [0; 4096]);
        // The end of a terminal is an error on some systems.
        while let Ok(count @ 1..) = output.read(&mut bytes) {
            all.extend_from_slice(&bytes[..count]);
        }
        let _ = sender.send(all);
    });
    let Ok(output) = receiver.recv_timeout(DEADLINE) else {
        let _ = child.kill();
        panic!("{command:?} did not end in {} s", DEADLINE.as_secs());
    };
    let code = child.wait().expect("the exit status of the program").exit_code();
    (code, String::from_utf8(output).expect("UTF-8").replace("\r\n", "\n"))
}
