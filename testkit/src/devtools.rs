//! A client of Chromium's DevTools protocol over a pipe: JSON objects that end with a NUL byte. No port, no WebSocket.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process;

/// How long Chromium may take for one answer, on a machine that does much else.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// How long Chromium may take to end by itself.
const END_WITHIN: Duration = Duration::from_secs(10);
/// Events that are kept for [`Browser::events`].
const KEPT_EVENTS: usize = 20_000;

const PROGRAM: &str = "chromium";

/// Returns whether Chromium can be used.
///
/// # Errors
/// It is not installed, or does not start.
pub fn installed() -> Result<()> {
    let found = Command::new(PROGRAM).arg("--version").stderr(Stdio::null()).output();
    match found {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => bail!("{PROGRAM} ended with {}", output.status),
        Err(error) => bail!("{PROGRAM} could not be started: {}", error.kind()),
    }
}

/// A running Chromium with a profile of its own.
#[derive(Debug)]
pub struct Browser {
    process: Child,
    stdin: RefCell<ChildStdin>,
    objects: Receiver<Value>,
    events: RefCell<VecDeque<Value>>,
    next: Cell<u64>,
    _profile: TempDir,
}

impl Browser {
    /// Starts Chromium in a language, `en` or `ru`, with further options.
    ///
    /// # Errors
    /// It is not installed.
    pub fn start(language: &str, options: &[String]) -> Result<Self> {
        let profile = tempfile::tempdir()?;
        // Chromium reads from descriptor 3 and writes to 4.
        let mut process = Command::new("sh")
            .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#, PROGRAM])
            .args(["--headless=new", "--remote-debugging-pipe", "--no-first-run", "--hide-scrollbars"])
            .args(["--no-default-browser-check", "--disable-background-networking", "--disable-component-update"])
            .args([
                "--disable-dev-shm-usage",
                "--disable-gpu",
                "--disable-sync",
                "--disable-extensions",
                "--mute-audio",
            ])
            // Tests run as root in containers, where the sandbox of Chromium cannot be set up. It loads our page only.
            .arg("--no-sandbox")
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("--accept-lang={language}"))
            .arg(format!("--lang={language}"))
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = process.stdin.take().context("no pipe to Chromium")?;
        let stdout = process.stdout.take().context("no pipe from Chromium")?;
        let (send, objects) = channel();
        std::thread::spawn(move || {
            for object in BufReader::new(stdout).split(0) {
                let Ok(object) = object else { break };
                let Ok(object) = serde_json::from_slice(&object) else { continue };
                if send.send(object).is_err() {
                    break;
                }
            }
        });
        let (stdin, events, next) = (RefCell::new(stdin), RefCell::default(), Cell::new(0));
        Ok(Self { process, stdin, objects, events, next, _profile: profile })
    }

    /// Sends a command and returns its number.
    pub fn send(&self, session: Option<&str>, method: &str, params: &Value) -> u64 {
        let id = self.next.get() + 1;
        self.next.set(id);
        let mut command = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        let bytes = format!("{command}\0");
        // A browser that has ended is noticed when its answer is read.
        let _ = self.stdin.borrow_mut().write_all(bytes.as_bytes());
        id
    }

    /// Sends a command to the browser, or to a page by its session, and returns the result.
    ///
    /// # Errors
    /// The answer is an error, or there is none in time.
    pub fn call(&self, session: Option<&str>, method: &str, params: &Value) -> Result<Value> {
        let id = self.send(session, method, params);
        let deadline = Instant::now() + ANSWER_WITHIN;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut object = self.objects.recv_timeout(left).map_err(|error| match error {
                RecvTimeoutError::Timeout => anyhow!("no answer to {method}"),
                RecvTimeoutError::Disconnected => anyhow!("Chromium has ended"),
            })?;
            if object["id"] != id {
                self.keep(object);
            } else if object["error"].is_null() {
                return Ok(object["result"].take());
            } else {
                bail!("{method}: {}", object["error"]);
            }
        }
    }

    /// Waits for an event of a session.
    ///
    /// # Errors
    /// There is none in time.
    pub fn wait_for(&self, session: &str, method: &str) -> Result<()> {
        let deadline = Instant::now() + ANSWER_WITHIN;
        while self.events(session, method).is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            self.keep(self.objects.recv_timeout(left).with_context(|| format!("no {method}"))?);
        }
        Ok(())
    }

    /// Returns the events of a session with this method so far.
    pub fn events(&self, session: &str, method: &str) -> Vec<Value> {
        while let Ok(object) = self.objects.try_recv() {
            self.keep(object);
        }
        let of = |event: &&Value| event["sessionId"] == session && event["method"] == method;
        self.events.borrow().iter().filter(of).map(|event| event["params"].clone()).collect()
    }

    fn keep(&self, event: Value) {
        if event["method"].is_string() {
            let mut events = self.events.borrow_mut();
            events.push_back(event);
            if events.len() > KEPT_EVENTS {
                events.pop_front();
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Asked, it ends its helper processes before itself, and nothing writes into the profile when that is removed.
        self.send(None, "Browser.close", &json!({}));
        process::end_within(&mut self.process, END_WITHIN);
    }
}
