//! The room as a process of its own: this program, started again. So it can be killed, and needs no other package's
//! binary.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chat_server::{Server, ServerConfig, SqliteJournal};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The environment variable that makes this program a room: its directory and ports.
pub(crate) const ROLE: &str = "CHAT_WEB_TEST_ROOM";

/// Serves until it is killed or its input ends.
pub(crate) fn serve() {
    let role = std::env::var(ROLE).unwrap();
    let words: Vec<&str> = role.split(' ').collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut config = ServerConfig::on_free_ports();
        config.listen = words[1].parse().unwrap();
        config.write = words[2].parse().unwrap();
        config.limits = config.limits.without_post_rates();
        let journal = SqliteJournal::open(words[0]).unwrap();
        let mut server = Server::start(config, journal).await.unwrap();
        server.open_admin(Path::new(words[0])).unwrap();
        println!("{} {}", server.listen_addr(), server.write_addr());
        std::io::stdout().flush().unwrap();
        let _ = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0])).await;
    });
}

/// A room that can be killed and started again on the same ports.
pub(crate) struct Room {
    dir: TempDir,
    process: Option<Child>,
    pub(crate) listen: SocketAddr,
    pub(crate) write: SocketAddr,
}

impl Room {
    pub(crate) fn start() -> Self {
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        let mut room = Self { dir: tempfile::tempdir().unwrap(), process: None, listen: any, write: any };
        room.resume();
        room
    }

    /// Starts the process again, with the store that it had.
    pub(crate) fn resume(&mut self) {
        let role = format!("{} {} {}", self.dir.path().display(), self.listen, self.write);
        let mut process = Command::new(std::env::current_exe().unwrap())
            .env(ROLE, role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (listen, write) = line.trim().split_once(' ').expect("the room says its ports");
        (self.listen, self.write) = (listen.parse().unwrap(), write.parse().unwrap());
        self.process = Some(process);
    }

    /// Kills the process with SIGKILL.
    pub(crate) fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Loses the store, as a server that was set up again.
    pub(crate) fn forget(&mut self) {
        self.dir = tempfile::tempdir().unwrap();
    }

    /// Posts `line 0`, `line 1` and so on over a connection to the write port, as another client.
    pub(crate) fn write_lines(&self, count: usize) {
        let mut socket = TcpStream::connect(self.write).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut answers = BufReader::new(socket.try_clone().unwrap()).lines();
        socket.write_all(b"\nWriter\n").unwrap();
        assert!(answers.any(|line| line.unwrap().starts_with("Welcome")), "no welcome");
        for first in (0..count).step_by(100) {
            let numbers = first..count.min(first + 100);
            let lines: String = numbers.clone().map(|number| format!("line {number}\n\n")).collect();
            socket.write_all(lines.as_bytes()).unwrap();
            let confirmed = answers.by_ref().filter(|line| line.as_ref().unwrap().starts_with("Message send"));
            assert_eq!(confirmed.take(numbers.len()).count(), numbers.len());
        }
    }

    /// Sends a request of an operator; returns the answers.
    pub(crate) fn admin(&self, request: &Value) -> Vec<Value> {
        let mut socket = UnixStream::connect(self.dir.path().join("admin.sock")).unwrap();
        let call = json!({ "actor": "root", "reason": "spam", "request": request });
        writeln!(socket, "{call}").unwrap();
        BufReader::new(socket).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
    }

    /// Returns the texts of an account in the log, in order.
    pub(crate) fn texts_of(&self, nickname: &str) -> Vec<String> {
        let answers = self.admin(&json!({ "request": "export", "nickname": nickname }));
        let text = |answer: &Value| find(answer, "text").and_then(Value::as_str).map(str::to_owned);
        let objects = answers.iter().filter_map(|answer| find(answer, "object").and_then(text));
        objects.collect()
    }
}

/// Returns the value of the first key with this name, at any depth.
fn find<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let object = value.as_object()?;
    object.get(name).or_else(|| object.values().find_map(|inner| find(inner, name)))
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
