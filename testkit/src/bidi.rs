//! A client of WebDriver BiDi, with which Firefox is driven: JSON objects over a WebSocket on a port of this machine that
//! the system chooses.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

use crate::process;

/// How long Firefox may take to start, and for one answer, on a machine that does much else.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// How long Firefox may take to end by itself.
const END_WITHIN: Duration = Duration::from_secs(20);

const PROGRAM: &str = "firefox-esr";

/// No start page, no updates, no reports: the profile is used once.
const SETTINGS: &str = r#"user_pref("app.update.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.homepage", "about:blank");
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
"#;

/// Returns whether Firefox can be used.
///
/// # Errors
/// It is not installed, or does not start.
pub fn installed() -> Result<()> {
    let found = Command::new(PROGRAM).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match found {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => bail!("{PROGRAM} ended with {status}"),
        Err(error) => bail!("{PROGRAM} could not be started: {}", error.kind()),
    }
}

/// A running Firefox with a profile of its own, and its one tab.
#[derive(Debug)]
pub struct Firefox {
    process: Child,
    socket: WebSocket<TcpStream>,
    tab: String,
    next: u64,
    _profile: TempDir,
}

impl Firefox {
    /// Starts Firefox in a language, `en` or `ru`.
    ///
    /// # Errors
    /// It is not installed, or does not answer in time.
    pub fn start(language: &str) -> Result<Self> {
        let profile = tempfile::tempdir()?;
        let languages = format!("user_pref(\"intl.accept_languages\", \"{language}\");\n");
        std::fs::write(profile.path().join("user.js"), SETTINGS.to_owned() + &languages)?;
        let mut process = Command::new(PROGRAM)
            .args(["--headless", "--no-remote", "--remote-debugging-port", "0", "--profile"])
            .arg(profile.path())
            .env("HOME", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let connected = connect(&mut process);
        match connected {
            Ok(socket) => {
                let mut firefox = Self { process, socket, tab: String::new(), next: 0, _profile: profile };
                firefox.call("session.new", &json!({ "capabilities": {} }))?;
                let tree = firefox.call("browsingContext.getTree", &json!({}))?;
                firefox.tab = tree["contexts"][0]["context"].as_str().context("Firefox has no tab")?.to_owned();
                Ok(firefox)
            }
            Err(error) => {
                let _ = process.kill();
                let _ = process.wait();
                Err(error)
            }
        }
    }

    /// Sends a command and returns its result.
    ///
    /// # Errors
    /// The answer is an error, or there is none in time.
    pub fn call(&mut self, method: &str, params: &Value) -> Result<Value> {
        self.next += 1;
        let command = json!({ "id": self.next, "method": method, "params": params });
        self.socket.send(Message::text(command.to_string()))?;
        let deadline = Instant::now() + ANSWER_WITHIN;
        while Instant::now() < deadline {
            let message = self.socket.read().with_context(|| format!("no answer to {method}"))?;
            let Message::Text(object) = message else { continue };
            let mut object: Value = serde_json::from_str(&object)?;
            if object["id"] != self.next {
                continue;
            }
            if object["type"] == "success" {
                return Ok(object["result"].take());
            }
            bail!("{method}: {}: {}", object["error"], object["message"]);
        }
        bail!("no answer to {method}")
    }

    /// Loads an address in the tab.
    ///
    /// # Errors
    /// It cannot be loaded.
    pub fn go(&mut self, url: &str) -> Result<()> {
        let params = json!({ "context": self.tab, "url": url, "wait": "complete" });
        self.call("browsingContext.navigate", &params).map(drop)
    }

    /// Loads the page again.
    ///
    /// # Errors
    /// It cannot be loaded.
    pub fn reload(&mut self) -> Result<()> {
        let params = json!({ "context": self.tab, "wait": "complete" });
        self.call("browsingContext.reload", &params).map(drop)
    }

    /// Evaluates an expression, which may be a promise, and returns its value as JSON.
    ///
    /// # Errors
    /// It throws.
    pub fn eval(&mut self, expression: &str) -> Result<Value> {
        let expression = format!("Promise.resolve({expression}).then((value) => JSON.stringify(value))");
        let params = json!({ "expression": expression, "awaitPromise": true, "target": { "context": self.tab } });
        let answer = self.call("script.evaluate", &params)?;
        if answer["type"] != "success" {
            bail!("{}\n  in {expression}", answer["exceptionDetails"]["text"]);
        }
        Ok(answer["result"]["value"].as_str().map(serde_json::from_str).transpose()?.unwrap_or_default())
    }

    /// Presses the keys of a text one after the other. Enter is `\u{e007}`, as WebDriver names it.
    ///
    /// # Errors
    /// The tab has ended.
    pub fn keys(&mut self, text: &str) -> Result<()> {
        let key = |c: char| [json!({ "type": "keyDown", "value": c }), json!({ "type": "keyUp", "value": c })];
        let keys: Vec<Value> = text.chars().flat_map(key).collect();
        let source = json!({ "type": "key", "id": "keyboard", "actions": keys });
        self.call("input.performActions", &json!({ "context": self.tab, "actions": [source] })).map(drop)
    }
}

/// Connects to the address that Firefox writes to standard error.
fn connect(process: &mut Child) -> Result<WebSocket<TcpStream>> {
    let stderr = process.stderr.take().context("no pipe from Firefox")?;
    let (send, address) = channel();
    // It reads to the end: a full pipe would stop Firefox.
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if let Some((_, url)) = line.split_once("listening on ws://") {
                let _ = send.send(url.trim().to_owned());
            }
        }
    });
    let address = address.recv_timeout(ANSWER_WITHIN).context("Firefox named no address for BiDi")?;
    let stream = TcpStream::connect(&address)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    Ok(client(format!("ws://{address}/session"), stream).context("Firefox refused the WebSocket")?.0)
}

impl Drop for Firefox {
    fn drop(&mut self) {
        // Asked, it ends its helper processes before itself, and nothing writes into the profile when that is removed.
        let _ = self.call("browser.close", &json!({}));
        process::end_within(&mut self.process, END_WITHIN);
    }
}
