//! The program on pipes: lines in, lines out.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use super::{GUARD, PROGRAM, environment};

/// The program and its output.
pub struct Pipes {
    child: Child,
    input: Option<ChildStdin>,
    said: Arc<Said>,
    followers: Vec<JoinHandle<()>>,
}

/// Messages, and reports.
type Lines = (Vec<String>, Vec<String>);

#[derive(Default)]
struct Said {
    lines: Mutex<Lines>,
    changed: Condvar,
}

impl Pipes {
    /// Starts the program.
    pub fn start(home: &Path, arguments: &[String]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(arguments);
        Self::start_command(home, command)
    }

    /// Starts it under a umask that allows all users everything.
    pub fn start_careless(home: &Path, arguments: &[String]) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", "umask 000; exec \"$@\"", "sh", PROGRAM]).args(arguments);
        Self::start_command(home, command)
    }

    /// Starts it with SIGHUP ignored, as `nohup` does.
    pub fn start_without_hangup(home: &Path, arguments: &[String]) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' HUP; exec \"$@\"", "sh", PROGRAM]).args(arguments);
        Self::start_command(home, command)
    }

    fn start_command(home: &Path, mut command: Command) -> Self {
        command.env_clear().env("RUST_LOG", "trace").envs(environment(home)).current_dir(home);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Said::default());
        let followers = vec![
            follow(child.stdout.take().unwrap(), said.clone(), |lines| &mut lines.0),
            follow(child.stderr.take().unwrap(), said.clone(), |lines| &mut lines.1),
        ];
        Self { input: child.stdin.take(), child, said, followers }
    }

    /// Returns the number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes a line.
    pub fn line(&mut self, text: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{text}\n").as_bytes()).unwrap();
        input.flush().unwrap();
    }

    /// Ends the input.
    pub fn end_input(&mut self) {
        self.input = None;
    }

    /// Waits for a message that ends like this.
    pub fn wait_for_message(&self, text: &str) -> String {
        self.wait(text, |lines| &lines.0)
    }

    /// Waits for a report that contains this.
    pub fn wait_for_report(&self, text: &str) -> String {
        self.wait(text, |lines| &lines.1)
    }

    /// Returns all messages so far.
    pub fn messages(&self) -> Vec<String> {
        self.said.lines.lock().unwrap().0.clone()
    }

    /// Returns all reports so far.
    pub fn reports(&self) -> Vec<String> {
        self.said.lines.lock().unwrap().1.clone()
    }

    /// Waits for the end, and until all output has been read.
    pub fn wait_exit(&mut self) -> i32 {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.followers.drain(..).for_each(|follower| follower.join().unwrap());
                return status.code().unwrap_or(-1);
            }
            assert!(begun.elapsed() < GUARD, "it did not end: {:?}", self.said.lines.lock().unwrap());
            std::thread::yield_now();
        }
    }

    fn wait(&self, text: &str, which: fn(&Lines) -> &Vec<String>) -> String {
        let begun = Instant::now();
        let mut lines = self.said.lines.lock().unwrap();
        loop {
            if let Some(line) = which(&lines).iter().find(|line| line.contains(text)) {
                return line.clone();
            }
            let left = GUARD.checked_sub(begun.elapsed());
            let left = left.unwrap_or_else(|| panic!("waited for {text}; got {lines:?}"));
            lines = self.said.changed.wait_timeout(lines, left).unwrap().0;
        }
    }
}

impl Drop for Pipes {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn follow(
    output: impl Read + Send + 'static,
    said: Arc<Said>,
    which: fn(&mut Lines) -> &mut Vec<String>,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            let Ok(line) = line else { break };
            which(&mut said.lines.lock().unwrap()).push(line);
            said.changed.notify_all();
        }
        said.changed.notify_all();
    })
}
