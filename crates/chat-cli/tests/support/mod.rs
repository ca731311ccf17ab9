//! A real server in this process, and the real `chat` as a child process, in a separate home directory.
#![allow(dead_code, unused_imports)]

pub(crate) mod hostile;
pub(crate) mod schema;

pub(crate) use testkit::pty;

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use chat_server::{MemoryJournal, Server, ServerConfig, ServerHandle};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// An embedded server on free ports.
pub(crate) struct Room {
    pub(crate) runtime: Runtime,
    pub(crate) server: Option<ServerHandle>,
    pub(crate) listen: SocketAddr,
    pub(crate) write: SocketAddr,
}

impl Room {
    pub(crate) fn start() -> Self {
        Self::with(ServerConfig::default())
    }

    pub(crate) fn with(mut config: ServerConfig) -> Self {
        config.listen = "127.0.0.1:0".parse().unwrap();
        config.write = "127.0.0.1:0".parse().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let server = runtime.block_on(Server::start(config, MemoryJournal::new())).unwrap();
        let (listen, write) = (server.listen_addr(), server.write_addr());
        Self { runtime, server: Some(server), listen, write }
    }

    /// Returns a plain listener that is online: it receives all later posts.
    pub(crate) fn ear(&self) -> Ear {
        let stream = TcpStream::connect(self.listen).unwrap();
        let mut ear = Ear { lines: BufReader::new(stream) };
        // The server holds plain lines back until it knows that no request follows. A numbered request makes it answer
        // at once, which proves that this listener is online.
        let request = b"\x01{\"resume\": {\"last\": 0}, \"nonce\": \"ear\"}\n";
        ear.lines.get_mut().write_all(request).unwrap();
        assert!(ear.raw_line().contains("\"nonce\": \"ear\""));
        ear
    }
}

/// Reads the messages of the room.
pub(crate) struct Ear {
    lines: BufReader<TcpStream>,
}

impl Ear {
    fn raw_line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    /// Returns the next message: sender and text.
    pub(crate) fn message(&mut self) -> (String, String) {
        let line = self.raw_line();
        let json: Value = serde_json::from_str(line.trim_start_matches('\u{1}')).expect(&line);
        (json["nick"].as_str().unwrap().to_owned(), json["text"].as_str().unwrap().to_owned())
    }
}

/// A separate home directory, so that no test sees another's files.
pub(crate) struct Home {
    pub(crate) dir: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Returns `chat` with these arguments in this home, with a clean environment.
    pub(crate) fn chat<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat"));
        command.args(words).env_clear().current_dir(self.dir.path());
        command.env("HOME", self.dir.path()).env("TZ", "UTC").env("RUST_BACKTRACE", "1");
        command.env("CHAT_DATA_DIR", self.path("data")).env("CHAT_CONFIG_DIR", self.path("config"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Returns `chat COMMAND` for a room.
    pub(crate) fn chat_in<'a>(&self, room: &Room, words: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = self.chat(words);
        command.args(["--listen-port", &room.listen.port().to_string()]);
        command.args(["--write-port", &room.write.port().to_string()]);
        command
    }

    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.path("data").join(name)
    }
}

/// Runs to the end with this standard input.
pub(crate) fn run_with_input(mut command: Command, input: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    // The program may end before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

pub(crate) fn run(mut command: Command) -> Output {
    command.output().unwrap()
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("killed: {}", err(output)))
}

/// Parses every line as an object and checks it against the published schema.
pub(crate) fn objects(text: &str) -> Vec<Value> {
    let objects: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    for object in &objects {
        schema::check(object);
    }
    objects
}

/// A program that runs during the test. If it hangs, it is killed after a minute, so that the test fails instead of
/// hanging too.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) lines: BufReader<ChildStdout>,
    _guard: mpsc::Sender<()>,
}

const HANGS_AFTER: Duration = Duration::from_secs(60);

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let (guard, ended) = mpsc::channel();
        let pid = child.id().to_string();
        std::thread::spawn(move || {
            if ended.recv_timeout(HANGS_AFTER) == Err(RecvTimeoutError::Timeout) {
                let _ = Command::new("kill").args(["-KILL", &pid]).status();
            }
        });
        Self { child, lines, _guard: guard }
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    /// Waits until standard error contains this text.
    pub(crate) fn wait_for_talk(&mut self, wanted: &str) {
        let mut talk = BufReader::new(self.child.stderr.take().unwrap());
        let mut seen = String::new();
        while !seen.contains(wanted) {
            assert!(talk.read_line(&mut seen).unwrap() > 0, "ended without {wanted:?}: {seen}");
        }
        // Keep the pipe open, so that a full or closed pipe does not end the program.
        std::thread::spawn(move || {
            let mut rest = Vec::new();
            let _ = talk.read_to_end(&mut rest);
        });
    }

    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end while its output is still being read: a closed pipe would be another reason to end.
    pub(crate) fn code(mut self) -> i32 {
        self.child.wait().unwrap().code().expect("ended without a signal")
    }
}

/// Returns a port that refuses connections: bound, so that no other process takes it, but not listening.
pub(crate) fn dead_port() -> (u16, TcpListener) {
    let listener = TcpListener::bind("127.0.0.2:0").unwrap();
    (listener.local_addr().unwrap().port(), listener)
}

pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
