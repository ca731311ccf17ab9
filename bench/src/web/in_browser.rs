//! The page in Chromium: from the key Enter to the mark of a confirmed message, and the first load.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::setup::{Options, start};
use crate::table::Table;
use testkit::devtools::Browser;
use testkit::quantile::{median, quantile};

const LOADS: usize = 15;
const POSTS: usize = 200;
const WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(5);

const LOAD_BYTES: f64 = 40.0;
const USABLE_MS: f64 = 200.0;
const MARK_MS: f64 = 15.0;

/// Notes when the page can be used: the field for the nickname is there, or the conversation and the field for a text.
const USABLE: &str = "new MutationObserver(() => {
  if (window.usable !== undefined) return;
  const there = (id) => document.getElementById(id)?.hidden === false;
  if (there('welcome') || (there('chat') && document.getElementById('log').childElementCount >= 200)) window.usable = performance.now();
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['hidden'] })";

/// Notes when Enter was pressed, when a message with its mark is there, and when the frame after that begins.
const MARKS: &str = "window.marks = []; window.pressed = [];
addEventListener('keydown', (e) => e.key === 'Enter' && pressed.push(performance.timeOrigin + e.timeStamp), true);
new MutationObserver((records) => {
  const now = performance.timeOrigin + performance.now();
  for (const row of records.flatMap((record) => [...record.addedNodes]).filter((node) => node.matches?.('.row'))) {
    const mark = { at: now, own: row.querySelector('.sign') !== null };
    marks.push(mark);
    requestAnimationFrame((frame) => { mark.frame = performance.timeOrigin + frame; });
  }
}).observe(document.getElementById('log'), { childList: true })";

/// A tab of a person of its own.
struct Tab<'a> {
    browser: &'a Browser,
    target: String,
    session: String,
}

impl<'a> Tab<'a> {
    fn open(browser: &'a Browser, person: &str) -> Result<Self> {
        let params = json!({ "url": "about:blank", "browserContextId": person });
        let target = text(&browser.call(None, "Target.createTarget", &params)?["targetId"])?;
        let attach = json!({ "targetId": target, "flatten": true });
        let session = text(&browser.call(None, "Target.attachToTarget", &attach)?["sessionId"])?;
        let tab = Self { browser, target, session };
        for domain in ["Page", "Runtime", "Network"] {
            tab.call(&format!("{domain}.enable"), &json!({}))?;
        }
        tab.call("Emulation.setFocusEmulationEnabled", &json!({ "enabled": true }))?;
        tab.call("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": USABLE }))?;
        Ok(tab)
    }

    fn call(&self, method: &str, params: &Value) -> Result<Value> {
        self.browser.call(Some(&self.session), method, params)
    }

    fn go(&self, url: &str) -> Result<()> {
        self.call("Page.navigate", &json!({ "url": url })).map(drop)
    }

    fn eval(&self, expression: &str) -> Result<Value> {
        let params = json!({ "expression": expression, "returnByValue": true, "allowUnsafeEvalBlockedByCSP": false });
        Ok(self.call("Runtime.evaluate", &params)?["result"]["value"].clone())
    }

    /// Waits until an expression is true.
    fn until(&self, expression: &str) -> Result<()> {
        let deadline = Instant::now() + WITHIN;
        while Instant::now() < deadline {
            if self.eval(&format!("Boolean({expression})"))? == true {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        bail!("{expression} is not true within {WITHIN:?}")
    }

    fn say(&self, text: &str) -> Result<()> {
        self.call("Input.insertText", &json!({ "text": text }))?;
        let mut key = json!({ "type": "keyDown", "key": "Enter", "windowsVirtualKeyCode": 13, "text": "\r" });
        self.call("Input.dispatchKeyEvent", &key)?;
        key["type"] = "keyUp".into();
        self.call("Input.dispatchKeyEvent", &key).map(drop)
    }

    /// Registers, and enters the chat.
    fn register(&self, nickname: &str) -> Result<()> {
        self.until("document.activeElement?.id === 'nickname'")?;
        self.say(nickname)?;
        self.until("document.getElementById('registered')?.hidden === false")?;
        self.eval("document.getElementById('enter').click()")?;
        self.until("document.getElementById('online').className === 'well' && document.activeElement.id === 'text'")
    }
}

impl Drop for Tab<'_> {
    fn drop(&mut self) {
        let _ = self.browser.call(None, "Target.closeTarget", &json!({ "targetId": self.target }));
    }
}

/// Measures the page.
pub(super) fn measure(options: &Options, table: &mut Table) -> Result<()> {
    let (_server, gateway) = start(options)?;
    let url = format!("http://{}/", gateway.address());
    let browser = Browser::start("en", &[])?;
    first_load(&browser, &url, table)?;
    marks(&browser, &url, table)
}

/// Creates cookies and storage of their own.
fn person(browser: &Browser) -> Result<String> {
    text(&browser.call(None, "Target.createBrowserContext", &json!({}))?["browserContextId"])
}

fn first_load(browser: &Browser, url: &str, table: &mut Table) -> Result<()> {
    let (mut newcomers, mut members, mut bytes) = (Vec::new(), Vec::new(), 0.0);
    for _ in 0..LOADS {
        let person = person(browser)?;
        let newcomer = Tab::open(browser, &person)?;
        newcomer.go(url)?;
        newcomer.until("window.usable")?;
        newcomers.push(number(&newcomer.eval("window.usable")?)?);
        let loaded = browser.events(&newcomer.session, "Network.loadingFinished");
        bytes = loaded.iter().filter_map(|event| event["encodedDataLength"].as_f64()).sum();
        newcomer.register("Reader")?;
        let member = Tab::open(browser, &person)?;
        member.call("Network.setCacheDisabled", &json!({ "cacheDisabled": true }))?;
        member.go(url)?;
        member.until("window.usable")?;
        members.push(number(&member.eval("window.usable")?)?);
    }
    table.at_most("first load, all answers with their headers", bytes / 1e3, LOAD_BYTES, "kB");
    for (who, times) in [
        ("the field for the nickname is there, without a cache", &newcomers),
        ("200 messages are there, without a cache", &members),
    ] {
        let what = format!("from the address to usable: {who}, median of {LOADS}");
        table.at_most(&what, median(times), USABLE_MS, "ms");
        table.shown("– slowest", format!("{:.0} ms", quantile(times, 1.0)));
    }
    Ok(())
}

fn marks(browser: &Browser, url: &str, table: &mut Table) -> Result<()> {
    let (bob, ann) = (Tab::open(browser, &person(browser)?)?, Tab::open(browser, &person(browser)?)?);
    for (tab, nickname) in [(&bob, "Bob"), (&ann, "Ann")] {
        tab.go(url)?;
        tab.register(nickname)?;
        tab.eval(MARKS)?;
    }
    let mut random = fastrand::Rng::with_seed(1);
    for post in 1..=POSTS {
        bob.say(&format!("message {post}"))?;
        bob.until(&format!("marks.length === {post}"))?;
        thread::sleep(Duration::from_millis(random.u64(20..60)));
    }
    ann.until(&format!("marks.length === {POSTS}"))?;
    let times = |tab: &Tab<'_>, list: &str| -> Result<Vec<f64>> {
        let values = tab.eval(list)?;
        values.as_array().context("no list")?.iter().map(number).collect()
    };
    let pressed = times(&bob, "pressed")?;
    let since = |times: &[f64]| -> Vec<f64> { times.iter().zip(&pressed).map(|(at, key)| at - key).collect() };
    let marked = since(&times(&bob, "marks.filter((mark) => mark.own).map((mark) => mark.at)")?);
    let painted = since(&times(&bob, "marks.map((mark) => mark.frame)")?);
    let heard = since(&times(&ann, "marks.map((mark) => mark.at)")?);
    anyhow::ensure!(marked.len() == POSTS && heard.len() == POSTS, "{} marks", marked.len());
    table.at_most(&format!("Enter to the mark of a confirmed message, p50 of {POSTS}"), median(&marked), MARK_MS, "ms");
    let [p90, p99] = [0.9, 0.99].map(|share| quantile(&marked, share));
    table.shown("– p90, p99", format!("{p90:.1}, {p99:.1} ms"));
    table.shown("– to the frame that shows it, p50", format!("{:.1} ms", median(&painted)));
    table.shown("– to the page of another person, p50, p99", {
        format!("{:.1}, {:.1} ms", median(&heard), quantile(&heard, 0.99))
    });
    Ok(())
}

fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).with_context(|| format!("{value} is no text"))
}

fn number(value: &Value) -> Result<f64> {
    value.as_f64().with_context(|| format!("{value} is no number"))
}
