//! A room, a gateway in front of it, and browsers.

use std::cell::{RefCell, RefMut};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;

use tempfile::TempDir;
use testkit::devtools::Browser;

use crate::page::{Page, new_person};
use crate::room::Room;

/// A host that is not of this machine's own names: browsers give pages of it less.
pub(crate) const FOREIGN_HOST: &str = "chat.test";

/// The gateway as a process. It keeps its port over a kill.
pub(crate) struct Gateway {
    process: Option<Child>,
    home: TempDir,
    arguments: Vec<String>,
    pub(crate) port: u16,
}

impl Gateway {
    fn start(room: &Room, further: &[&str]) -> Self {
        let mut arguments = vec!["--no-local-room".to_owned(), "--host".to_owned(), room.listen.ip().to_string()];
        for (name, port) in [("--listen-port", room.listen.port()), ("--write-port", room.write.port())] {
            arguments.extend([name.to_owned(), port.to_string()]);
        }
        arguments.extend(further.iter().map(|&word| word.to_owned()));
        let mut gateway = Self { process: None, home: tempfile::tempdir().unwrap(), arguments, port: 0 };
        gateway.resume();
        gateway
    }

    /// Starts the process again, on the port that it had.
    pub(crate) fn resume(&mut self) {
        let mut process = Command::new(env!("CARGO_BIN_EXE_chat-web"))
            .args(&self.arguments)
            .args(["--http", &format!("127.0.0.1:{}", self.port)])
            .env("HOME", self.home.path())
            .env_remove("XDG_DATA_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.ok()?;
            let (_, rest) = line.split_once("http://")?;
            let (_, port) = rest.split(['/', ' ']).next()?.rsplit_once(':')?;
            port.parse().ok()
        });
        self.port = port.expect("the gateway prints its link");
        // Its output must have a reader as long as it runs.
        std::thread::spawn(move || lines.for_each(drop));
        self.process = Some(process);
    }

    /// Kills the process with SIGKILL.
    pub(crate) fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.kill().unwrap();
        process.wait().unwrap();
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// What one scenario runs in.
pub(crate) struct World {
    room: RefCell<Room>,
    gateway: RefCell<Gateway>,
    browsers: RefCell<Vec<(String, Rc<Browser>)>>,
}

impl World {
    pub(crate) fn new() -> Self {
        let room = Room::start();
        let gateway = Gateway::start(&room, &["--register-rate", "off", "--post-rate", "off"]);
        Self { room: RefCell::new(room), gateway: RefCell::new(gateway), browsers: RefCell::default() }
    }

    /// Puts the gateway at a host that browsers do not trust, without TLS.
    pub(crate) fn on_an_insecure_origin(&self) -> String {
        let mut gateway = self.gateway.borrow_mut();
        gateway.kill();
        let url = format!("http://{FOREIGN_HOST}:{}", gateway.port);
        gateway.arguments.extend(["--public-url".to_owned(), url.clone(), "--plain-http".to_owned()]);
        gateway.resume();
        url
    }

    pub(crate) fn room(&self) -> RefMut<'_, Room> {
        self.room.borrow_mut()
    }

    pub(crate) fn gateway(&self) -> RefMut<'_, Gateway> {
        self.gateway.borrow_mut()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.gateway.borrow().port)
    }

    /// Returns the browser of a language, which is started at the first use.
    pub(crate) fn browser(&self, language: &str) -> Rc<Browser> {
        let mut browsers = self.browsers.borrow_mut();
        if let Some((_, browser)) = browsers.iter().find(|(of, _)| of == language) {
            return Rc::clone(browser);
        }
        let browser = Rc::new(self.another_browser(language));
        browsers.push((language.to_owned(), Rc::clone(&browser)));
        browser
    }

    /// Starts a browser of its own.
    pub(crate) fn another_browser(&self, language: &str) -> Browser {
        Browser::start(language, &[format!("--host-resolver-rules=MAP {FOREIGN_HOST} 127.0.0.1")]).unwrap()
    }

    /// Opens the page in the language, as a person who was never here.
    pub(crate) fn person_in(&self, language: &str) -> Page {
        let browser = self.browser(language);
        let context = new_person(&browser);
        Page::open(&browser, Some(&context), &self.url())
    }

    pub(crate) fn person(&self) -> Page {
        self.person_in("en")
    }

    /// Opens the page as a person, registers, and enters the chat. Returns the nickname that the room gave.
    pub(crate) fn member(&self, nickname: &str) -> (Page, String) {
        let page = self.person();
        let given = page.register(nickname);
        (page, given)
    }
}
