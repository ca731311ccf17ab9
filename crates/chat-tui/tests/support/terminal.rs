//! The program in a terminal of its own, and a parser of the screen.

use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};

use super::{GUARD, PROGRAM, environment};

/// A terminal with the program in it.
pub struct Terminal {
    master: Option<Box<dyn MasterPty + Send>>,
    /// Kept open, so that the last output of a program is not lost when it closes its side.
    slave: Option<Box<dyn SlavePty + Send>>,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    seen: Arc<Seen>,
}

/// Runs the program to its end. Returns the exit code and every byte that the terminal got.
pub fn run_raw(home: &Path, arguments: &[String]) -> (u32, String) {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).envs(environment(home)).env("NO_COLOR", "1").current_dir(home);
    testkit::pty::run(&command)
}

struct Seen {
    parser: Mutex<vt100::Parser>,
    /// Every byte so far.
    bytes: Mutex<Vec<u8>>,
    changed: Condvar,
    closed: AtomicBool,
}

impl Terminal {
    /// Starts the program in a terminal of this size.
    pub fn start(home: &Path, arguments: &[String], width: u16, height: u16) -> Self {
        let mut command = CommandBuilder::new(PROGRAM);
        command.args(arguments);
        Self::start_command(home, command, width, height)
    }

    /// Starts the program with further variables.
    pub fn start_with(home: &Path, arguments: &[String], variables: &[(&str, &str)]) -> Self {
        let mut command = CommandBuilder::new("env");
        command.args(variables.iter().map(|(name, value)| format!("{name}={value}")));
        command.arg(PROGRAM);
        command.args(arguments);
        Self::start_command(home, command, 80, 24)
    }

    /// Starts a shell with job control that starts the program, and resumes it after a line.
    pub fn start_in_shell(home: &Path, arguments: &[String]) -> Self {
        let mut command = CommandBuilder::new("bash");
        let line = format!("{PROGRAM} {}; echo stopped; read -r line; fg >/dev/null; echo over", arguments.join(" "));
        command.args(["--norc", "--noprofile", "-c", &format!("set -m; {line}")]);
        Self::start_command(home, command, 80, 24)
    }

    fn start_command(home: &Path, mut command: CommandBuilder, width: u16, height: u16) -> Self {
        let size = PtySize { rows: height, cols: width, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        command.env_clear();
        for (name, value) in environment(home) {
            command.env(name, value);
        }
        command.cwd(home);
        let child = pair.slave.spawn_command(command).unwrap();
        let parser = Mutex::new(vt100::Parser::new(height, width, 0));
        let seen =
            Arc::new(Seen { parser, bytes: Mutex::default(), changed: Condvar::new(), closed: AtomicBool::new(false) });
        let mut output = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let reader = seen.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 16 * 1024];
            // The end of a terminal is an error on some systems.
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                if reader.closed.load(Ordering::Acquire) {
                    break;
                }
                reader.bytes.lock().unwrap().extend_from_slice(&bytes[..count]);
                reader.parser.lock().unwrap().process(&bytes[..count]);
                reader.changed.notify_all();
            }
            reader.changed.notify_all();
        });
        Self { master: Some(pair.master), slave: Some(pair.slave), child, keys, seen }
    }

    /// Types.
    pub fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Pastes, as a terminal does.
    pub fn paste(&mut self, text: &str) {
        self.keys(&format!("\x1b[200~{text}\x1b[201~"));
    }

    /// Returns the content of the screen.
    pub fn screen(&self) -> String {
        self.seen.parser.lock().unwrap().screen().contents()
    }

    /// Waits until the screen shows `text`.
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_until(text, |screen| screen.contents().contains(text))
    }

    /// Waits until the screen no longer shows `text`.
    pub fn wait_without(&self, text: &str) -> String {
        self.wait_until(&format!("no {text}"), |screen| !screen.contents().contains(text))
    }

    /// Waits until the screen satisfies a condition.
    pub fn wait_until(&self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) -> String {
        let begun = Instant::now();
        let mut parser = self.seen.parser.lock().unwrap();
        while !wanted(parser.screen()) {
            let left = GUARD.checked_sub(begun.elapsed());
            let left =
                left.unwrap_or_else(|| panic!("waited for {what}; the screen is\n{}", parser.screen().contents()));
            parser = self.seen.changed.wait_timeout(parser, left).unwrap().0;
        }
        parser.screen().contents()
    }

    /// Returns every byte that the program has sent.
    pub fn bytes(&self) -> String {
        String::from_utf8_lossy(&self.seen.bytes.lock().unwrap()).into_owned()
    }

    /// Waits until the program has sent a sequence, which the screen may not show.
    pub fn wait_for_bytes(&self, sequence: &str) {
        self.wait_until(&format!("{sequence:?}"), |_| self.bytes().contains(sequence));
    }

    /// Makes the terminal report a size of zero, as some do that do not know theirs.
    pub fn forget_size(&self) {
        let size = PtySize { rows: 0, cols: 0, pixel_width: 0, pixel_height: 0 };
        self.master.as_ref().unwrap().resize(size).unwrap();
    }

    /// Changes the size.
    pub fn resize(&self, width: u16, height: u16) {
        self.seen.parser.lock().unwrap().screen_mut().set_size(height, width);
        let size = PtySize { rows: height, cols: width, pixel_width: 0, pixel_height: 0 };
        self.master.as_ref().unwrap().resize(size).unwrap();
    }

    /// Makes the terminal take no more output, as Ctrl+S does: the next write to it does not return.
    pub fn stop_output(&self) {
        let path = self.master.as_ref().unwrap().tty_name().unwrap();
        let terminal = rustix::fs::open(path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        rustix::termios::tcflow(&terminal, rustix::termios::Action::OOff).unwrap();
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits until the kernel reports that the program is stopped.
    pub fn wait_stopped(&self) {
        let begun = Instant::now();
        let path = format!("/proc/{}/stat", self.pid().as_raw_nonzero());
        while !std::fs::read_to_string(&path).unwrap().contains(") T ") {
            assert!(begun.elapsed() < GUARD, "it was not stopped");
            std::thread::yield_now();
        }
    }

    /// Closes the terminal, as a window is closed.
    pub fn close(&mut self) {
        // The reading thread keeps the terminal open too; the output of this key ends it.
        self.seen.closed.store(true, Ordering::Release);
        self.keys("x");
        self.keys = Box::new(std::io::sink());
        self.slave = None;
        self.master = None;
    }

    /// Waits for the program to end.
    pub fn wait_exit(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < GUARD, "it did not end; the screen is\n{}", self.screen());
            std::thread::yield_now();
        }
    }

    /// Asserts that the terminal is as the program found it.
    pub fn assert_given_back(&self) {
        self.wait_until("the terminal to be given back", |screen| {
            !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste()
        });
        self.assert_cooked();
    }

    /// Asserts that the terminal is in cooked mode with echo.
    pub fn assert_cooked(&self) {
        const ECHO: u32 = 0o10;
        const ICANON: u32 = 0o2;
        let flags = self.master.as_ref().unwrap().get_termios().unwrap().local_flags.bits();
        assert_eq!(flags & (ECHO | ICANON), ECHO | ICANON);
    }

    fn pid(&self) -> Pid {
        let pid = self.child.process_id().unwrap();
        Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A stopped program does not notice that its terminal is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
