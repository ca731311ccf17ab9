//! One tab: what a person does in it, and what is to be seen there.

use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::devtools::Browser;

/// The bound of every wait.
const WITHIN: Duration = Duration::from_secs(30);

/// A tab of a browser.
pub(crate) struct Page {
    browser: Rc<Browser>,
    target: String,
    session: String,
    url: String,
}

/// A row of the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) place: String,
    pub(crate) text: String,
}

impl Page {
    /// Opens a tab. `context` separates cookies and storage, as another person would have them; see [`new_person`].
    pub(crate) fn open(browser: &Rc<Browser>, context: Option<&str>, url: &str) -> Self {
        let mut params = json!({ "url": "about:blank" });
        if let Some(context) = context {
            params["browserContextId"] = context.into();
        }
        let target = string(&browser.call(None, "Target.createTarget", &params).unwrap()["targetId"]);
        let attach = json!({ "targetId": target, "flatten": true });
        let session = string(&browser.call(None, "Target.attachToTarget", &attach).unwrap()["sessionId"]);
        let page = Self { browser: Rc::clone(browser), target, session, url: url.to_owned() };
        for domain in ["Page", "Runtime", "Network", "Log", "Inspector"] {
            page.call(&format!("{domain}.enable"), json!({}));
        }
        // A tab that is not in front is in the state of one that is.
        page.call("Emulation.setFocusEmulationEnabled", json!({ "enabled": true }));
        page.go(url);
        page
    }

    /// Sends a command of the DevTools protocol to the tab.
    pub(crate) fn call(&self, method: &str, params: Value) -> Value {
        self.try_call(method, params).unwrap_or_else(|why| panic!("{why}"))
    }

    fn try_call(&self, method: &str, params: Value) -> Result<Value, String> {
        self.browser.call(Some(&self.session), method, &params).map_err(|why| format!("{why:#}"))
    }

    pub(crate) fn events(&self, method: &str) -> Vec<Value> {
        self.browser.events(&self.session, method)
    }

    pub(crate) fn go(&self, url: &str) {
        self.call("Page.navigate", json!({ "url": url }));
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'");
    }

    pub(crate) fn reload(&self) {
        self.eval("window.old = true");
        self.call("Page.reload", json!({}));
        self.until("!window.old && document.readyState === 'complete'");
    }

    /// Ends the tab.
    pub(crate) fn close(self) {
        let _ = self.browser.call(None, "Target.closeTarget", &json!({ "targetId": self.target }));
    }

    /// Ends the process of the tab as if it had failed. The tab is of no use afterwards.
    pub(crate) fn crash(&self) {
        self.browser.send(Some(&self.session), "Page.crash", &json!({}));
        self.browser.wait_for(&self.session, "Inspector.targetCrashed").unwrap();
    }

    /// Evaluates an expression, which may be a promise.
    pub(crate) fn try_eval(&self, expression: &str) -> Result<Value, String> {
        let params = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true,
                             "allowUnsafeEvalBlockedByCSP": false });
        let answer = self.try_call("Runtime.evaluate", params)?;
        match answer["exceptionDetails"]["exception"]["description"].as_str() {
            Some(why) => Err(format!("{why}\n  in {expression}")),
            None => Ok(answer["result"]["value"].clone()),
        }
    }

    pub(crate) fn eval(&self, expression: &str) -> Value {
        self.try_eval(expression).unwrap_or_else(|why| panic!("{why}"))
    }

    /// Waits until an expression is true.
    pub(crate) fn until(&self, expression: &str) {
        let deadline = Instant::now() + WITHIN;
        let mut last = Ok(Value::Null);
        while Instant::now() < deadline {
            last = self.try_eval(&format!("Boolean({expression})"));
            if last == Ok(Value::Bool(true)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(15));
        }
        let seen = self.try_eval("document.body.innerText").unwrap_or_default();
        panic!("{expression} is not true within {WITHIN:?} ({last:?}) on {}:\n{seen}", self.url);
    }

    // ---- what a person does ----

    pub(crate) fn click(&self, selector: &str) {
        self.until(&format!("document.querySelector({selector:?})?.checkVisibility()"));
        self.eval(&format!("document.querySelector({selector:?}).click()"));
    }

    /// Types a text where the focus is.
    pub(crate) fn write(&self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// Presses a key: a name of DOM's `KeyboardEvent.key`, with `Shift+` or `Ctrl+` before it.
    pub(crate) fn press(&self, key: &str) {
        let (mut name, mut modifiers) = (key, 0);
        for (word, bit) in [("Ctrl+", 2), ("Shift+", 8)] {
            if let Some(rest) = name.strip_prefix(word) {
                (name, modifiers) = (rest, modifiers + bit);
            }
        }
        let (code, text) = match name {
            "Enter" => (13, Some("\r")),
            "Tab" => (9, None),
            "Escape" => (27, None),
            " " => (32, Some(" ")),
            "ArrowUp" => (38, None),
            "ArrowDown" => (40, None),
            "PageUp" => (33, None),
            letter if letter.len() == 1 => (u32::from(letter.to_ascii_uppercase().as_bytes()[0]), None),
            _ => panic!("{name} has no code here"),
        };
        let mut event =
            json!({ "type": "keyDown", "key": name, "windowsVirtualKeyCode": code, "modifiers": modifiers });
        if let Some(text) = text.filter(|_| modifiers & 2 == 0) {
            event["text"] = text.into();
        }
        self.call("Input.dispatchKeyEvent", event.clone());
        event["type"] = "keyUp".into();
        self.call("Input.dispatchKeyEvent", event);
    }

    /// Registers and enters the chat.
    pub(crate) fn register(&self, nickname: &str) -> String {
        self.until("document.activeElement?.id === 'nickname'");
        self.write(nickname);
        self.press("Enter");
        self.until("!registered.hidden");
        let given = string(&self.eval("document.getElementById('you-are').textContent"));
        self.click("#enter");
        self.ready();
        given.trim_start_matches("You are ").to_owned()
    }

    /// Waits until the conversation is there and everything is online.
    pub(crate) fn ready(&self) {
        self.until("!chat.hidden && online.className === 'well'");
    }

    /// Writes a message and sends it, as quickly as a program can.
    pub(crate) fn say(&self, text: &str) {
        self.eval("document.getElementById('text').focus()");
        self.write(text);
        self.press("Enter");
    }

    pub(crate) fn offline(&self, offline: bool) {
        let params = json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        self.call("Network.emulateNetworkConditions", params);
    }

    /// Lets the page believe that it is in another tab than the one in sight.
    pub(crate) fn hide(&self, hidden: bool) {
        self.eval(&format!(
            "Object.defineProperty(document, 'hidden', {{value: {hidden}, configurable: true}}); \
             document.dispatchEvent(new Event('visibilitychange'))"
        ));
    }

    pub(crate) fn size(&self, width: u32, height: u32, scale: u32) {
        let params = json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 500 });
        self.call("Emulation.setDeviceMetricsOverride", params);
    }

    /// Emulates features of media, such as `prefers-color-scheme`.
    pub(crate) fn media(&self, features: &[(&str, &str)]) {
        let features: Vec<_> = features.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        self.call("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    // ---- what is to be seen ----

    pub(crate) fn rows(&self) -> Vec<Row> {
        let rows = self.eval(
            "[...document.querySelectorAll('.row')].map((row) => [row.dataset.place, row.querySelector('.text').textContent])",
        );
        let row = |row: &Value| Row { place: string(&row[0]), text: string(&row[1]) };
        rows.as_array().unwrap().iter().map(row).collect()
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.rows().into_iter().map(|row| row.text).collect()
    }

    /// Waits until a row has this text.
    pub(crate) fn sees(&self, text: &str) {
        let find = "[...document.querySelectorAll('.row .text')].some((row) => row.textContent === ";
        self.until(&format!("{find}{})", json!(text)));
    }

    /// Waits until no post waits for a receipt.
    pub(crate) fn settled(&self) {
        self.until("!document.querySelector('.post')");
    }
}

/// Creates cookies and storage of their own; returns their id.
pub(crate) fn new_person(browser: &Browser) -> String {
    string(&browser.call(None, "Target.createBrowserContext", &json!({})).unwrap()["browserContextId"])
}

pub(crate) fn string(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no string")).to_owned()
}
