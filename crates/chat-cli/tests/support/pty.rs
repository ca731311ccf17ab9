//! `chat` with a terminal at both of its outputs, and every byte that reaches it.

use std::io::Read as _;
use std::process::Command;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

/// Runs to the end. Returns the exit code and what the terminal got.
pub fn run(command: &Command) -> (u32, String) {
    // Wide, so that no line is broken.
    let size = PtySize { rows: 50, cols: 1000, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).unwrap();
    let mut builder = CommandBuilder::new(command.get_program());
    builder.args(command.get_args());
    builder.env_clear();
    for (name, value) in command.get_envs() {
        builder.env(name, value.unwrap());
    }
    builder.cwd(command.get_current_dir().unwrap());
    let mut child = pair.slave.spawn_command(builder).unwrap();
    drop(pair.slave);
    let mut output = pair.master.try_clone_reader().unwrap();
    let mut seen = Vec::new();
    let mut bytes = [0; 4096];
    // The end of a terminal is an error on some systems.
    while let Ok(count @ 1..) = output.read(&mut bytes) {
        seen.extend_from_slice(&bytes[..count]);
    }
    let code = child.wait().unwrap().exit_code();
    (code, String::from_utf8_lossy(&seen).replace("\r\n", "\n"))
}
