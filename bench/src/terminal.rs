//! A program in a pseudo-terminal, with a parser for its screen and the time of each change.

use std::io::{Read as _, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Deadline of every wait.
const GUARD: Duration = Duration::from_secs(60);

/// A pseudo-terminal with a program, which is killed when this is dropped.
pub(crate) struct Terminal {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    seen: Arc<Seen>,
    begun: Instant,
}

/// The parsed screen and the time of its last output.
struct Seen {
    screen: Mutex<(vt100::Parser, Instant)>,
    changed: Condvar,
}

impl Seen {
    fn lock(&self) -> MutexGuard<'_, (vt100::Parser, Instant)> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Terminal {
    /// Starts the program with an environment that contains nothing of this machine.
    pub(crate) fn start(program: &Path, home: &Path, arguments: &[String], width: u16, height: u16) -> Result<Self> {
        let pair = native_pty_system().openpty(size(width, height))?;
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        for (name, dir) in [("HOME", home.to_owned()), ("CHAT_DATA_DIR", home.join("data"))] {
            command.env(name, dir);
        }
        command.env("CHAT_CONFIG_DIR", home.join("config"));
        for (name, value) in [("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("TZ", "UTC")] {
            command.env(name, value);
        }
        command.cwd(home);
        let mut output = pair.master.try_clone_reader()?;
        let keys = pair.master.take_writer()?;
        let parser = vt100::Parser::new(height, width, 0);
        let begun = Instant::now();
        let child = pair.slave.spawn_command(command)?;
        let seen = Arc::new(Seen { screen: Mutex::new((parser, begun)), changed: Condvar::new() });
        let reader = seen.clone();
        thread::spawn(move || {
            let mut bytes = [0; 64 * 1024];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                let came = Instant::now();
                let mut screen = reader.lock();
                screen.0.process(&bytes[..count]);
                screen.1 = came;
                drop(screen);
                reader.changed.notify_all();
            }
        });
        Ok(Self { master: pair.master, child, keys, seen, begun })
    }

    /// Returns the time of the start.
    pub(crate) fn begun(&self) -> Instant {
        self.begun
    }

    /// Returns the process id.
    pub(crate) fn pid(&self) -> Result<u32> {
        self.child.process_id().context("the program has ended")
    }

    /// Sends keys.
    pub(crate) fn keys(&mut self, keys: &str) -> Result<()> {
        self.keys.write_all(keys.as_bytes())?;
        Ok(self.keys.flush()?)
    }

    /// Resizes the terminal.
    pub(crate) fn resize(&self, width: u16, height: u16) -> Result<()> {
        self.seen.lock().0.screen_mut().set_size(height, width);
        self.master.resize(size(width, height))
    }

    /// Waits until the rows of the screen satisfy `wanted`. Returns the time of the output that made them so.
    pub(crate) fn wait(&self, what: &str, wanted: impl Fn(&[String]) -> bool) -> Result<Instant> {
        let begun = Instant::now();
        let mut screen = self.seen.lock();
        loop {
            let shown = screen.0.screen();
            let rows: Vec<String> = shown.rows(0, shown.size().1).collect();
            if wanted(&rows) {
                return Ok(screen.1);
            }
            if begun.elapsed() > GUARD {
                bail!("{what} did not appear in 60 s; the screen is\n{}", rows.join("\n"));
            }
            let woken = self.seen.changed.wait_timeout(screen, Duration::from_secs(1));
            screen = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until a row contains this text.
    pub(crate) fn wait_for(&self, text: &str) -> Result<Instant> {
        self.wait(text, |rows| rows.iter().any(|row| row.contains(text)))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}
