//! Serves the local room. Of two programs that start at the same time, the lock on the room's data and the port decide
//! which one serves; the other one joins.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chat_client::{ClientConfig, Credentials, Text};
use chat_server::{JournalError, Server, ServerConfig, ServerHandle, SqliteJournal, StartError};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::{oneshot, watch};
use tokio::time::{MissedTickBehavior, sleep, timeout};

use super::notice::{LocalRoomPolicy, RoomNotice};
use crate::report::chain;

/// How long to wait between two checks for another program that has locked the data and does not serve yet.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// How many checks are made before the room counts as failed.
const CHECKS: usize = 50;

/// A connection on this machine succeeds at once or not at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How often the connected programs are counted.
const COUNT_INTERVAL: Duration = Duration::from_secs(1);

/// The task that serves the room.
pub(super) struct RoomHost {
    listen: SocketAddr,
    write: SocketAddr,
    dir: PathBuf,
    /// Where the programs of this machine connect.
    near: SocketAddr,
    /// The room is open to the network.
    shared: bool,
    reports: Reports,
    /// A server has answered since the last notice that it is gone.
    answered: bool,
    room: Option<ServerHandle>,
    /// The room is, or was, a local room of this user, so this program may serve it when its server has gone.
    ours: bool,
    /// Requested on the command line.
    explicit: bool,
    /// On the default ports.
    usual: bool,
    credentials: PathBuf,
    /// The write port, as the cached accounts name it.
    address: String,
    /// Between two checks.
    pause: Duration,
}

/// Where the task reports to.
pub(super) struct Reports {
    pub(super) notices: Sender<RoomNotice>,
    pub(super) ready: watch::Sender<bool>,
    pub(super) started: watch::Sender<u64>,
    pub(super) guests: watch::Sender<usize>,
}

/// The result of an attempt to serve.
enum Attempt {
    Started(Box<ServerHandle>),
    /// Another program has locked the data: it serves, or is about to.
    OtherHasIt,
    /// Something else listens on this one of the two ports.
    PortTaken(SocketAddr),
    Failed(String),
}

impl RoomHost {
    pub(super) fn new(
        config: &ClientConfig,
        data_dir: &Path,
        credentials: &Path,
        policy: LocalRoomPolicy,
        reports: Reports,
    ) -> Self {
        let address = |host: &str, port| SocketAddr::new(host.parse().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), port);
        let write_host = config.write_host.as_deref().unwrap_or(&config.host);
        let near = address(&config.host, config.listen_port);
        let (listen, write) = match policy {
            LocalRoomPolicy::Shared(ip) => {
                (SocketAddr::new(ip, config.listen_port), SocketAddr::new(ip, config.write_port))
            }
            _ => (near, address(write_host, config.write_port)),
        };
        Self {
            listen,
            write,
            near,
            shared: matches!(policy, LocalRoomPolicy::Shared(_)),
            dir: data_dir.join("room"),
            reports,
            answered: false,
            room: None,
            ours: false,
            explicit: matches!(policy, LocalRoomPolicy::Always | LocalRoomPolicy::Shared(_)),
            usual: is_usual(config),
            credentials: credentials.to_owned(),
            address: config.write_addr_text(),
            pause: CHECK_INTERVAL,
        }
    }

    pub(super) async fn run(mut self, mut refused: Receiver<()>, mut closing: oneshot::Receiver<()>) {
        self.begin().await;
        self.reports.ready.send_replace(true);
        let mut count = tokio::time::interval(COUNT_INTERVAL);
        count.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Each branch can be dropped: a request that is not taken stays in its channel.
            tokio::select! {
                _ = &mut closing => break,
                Some(()) = refused.recv() => self.look_again().await,
                _ = count.tick(), if self.room.is_some() => self.count_guests(),
            }
        }
        self.say_goodbye().await;
        if let Some(room) = self.room.take()
            && let Err(error) = room.drain().await
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "could not close the local room cleanly");
        }
    }

    /// No server has answered: serves the room if it may.
    async fn look_again(&mut self) {
        if self.room.is_some() || self.port_answers().await {
            return;
        }
        if self.ours {
            self.serve(false).await;
        } else if std::mem::take(&mut self.answered) {
            self.notify(RoomNotice::Gone).await;
        }
    }

    fn count_guests(&mut self) {
        let listeners = self.room.as_ref().map_or(0, |room| room.observer().figures().open.listen);
        // One of them is this program.
        let others = usize::try_from(listeners).unwrap_or(usize::MAX).saturating_sub(1);
        self.reports.guests.send_if_modified(|guests| std::mem::replace(guests, others) != others);
    }

    /// Tells those who stay that this program closes the room.
    async fn say_goodbye(&self) {
        if *self.reports.guests.borrow() == 0 {
            return;
        }
        if let Some(room) = &self.room
            && let Ok(text) = Text::new("The program that serves this room is closing.")
            && let Err(error) = room.announce(text).await
        {
            tracing::warn!(error = chain(&error), "could not announce the end of the local room");
        }
    }

    /// Joins the room that is there, or serves one.
    async fn begin(&mut self) {
        if !self.may_serve().await {
            if !self.port_answers().await {
                self.notify(RoomNotice::NotThere(self.listen.to_string())).await;
            }
            return;
        }
        if self.port_answers().await {
            self.ours = self.dir.exists() && matches!(self.open().await, Err(JournalError::Locked { .. }));
            if self.shared {
                let why = "another server runs on this computer; close it before --share".to_owned();
                self.notify(RoomNotice::Failed(why)).await;
            } else if self.ours {
                self.notify(RoomNotice::Joined).await;
            }
            return;
        }
        self.serve(true).await;
    }

    /// Returns whether a room that is not there may be served here. On another port, or where accounts of this address
    /// are cached although no room was ever served here, a standalone server is down, and a local room would hide that.
    async fn may_serve(&self) -> bool {
        if self.explicit {
            return true;
        }
        let (dir, credentials, address) = (self.dir.clone(), self.credentials.clone(), self.address.clone());
        let known = tokio::task::spawn_blocking(move || {
            !dir.exists()
                && Credentials::load(credentials)
                    .is_ok_and(|kept| kept.of_room(&address).iter().any(|stored| stored.room().is_some()))
        });
        self.usual && !known.await.unwrap_or(true)
    }

    /// Serves, or waits for the program that does. `announce`: the user is told when another program serves.
    async fn serve(&mut self, announce: bool) {
        let mut taken = None;
        for _ in 0..CHECKS {
            let attempt = self.attempt().await;
            taken = if let Attempt::PortTaken(address) = attempt { Some(address) } else { None };
            match attempt {
                Attempt::Started(room) => {
                    self.room = Some(*room);
                    self.ours = true;
                    self.reports.started.send_modify(|count| *count += 1);
                    self.notify(RoomNotice::Started(self.dir.clone())).await;
                    if self.shared {
                        self.notify(RoomNotice::Shared(self.listen.to_string())).await;
                    }
                    return;
                }
                Attempt::Failed(error) => return self.notify(RoomNotice::Failed(error)).await,
                Attempt::PortTaken(_) if self.port_answers().await => return,
                Attempt::PortTaken(_) | Attempt::OtherHasIt => {}
            }
            if self.port_answers().await {
                self.ours = true;
                if announce {
                    self.notify(RoomNotice::Joined).await;
                }
                return;
            }
            sleep(self.pause).await;
        }
        let why = match taken {
            Some(address) => format!("{address} is used by another program, which is not a chat server"),
            None => format!("{} is locked by a program that does not serve it", self.dir.display()),
        };
        self.notify(RoomNotice::Failed(why)).await;
    }

    async fn attempt(&self) -> Attempt {
        let journal = match self.open().await {
            Ok(journal) => journal,
            Err(JournalError::Locked { .. }) => return Attempt::OtherHasIt,
            Err(error) => return Attempt::Failed(chain(&error)),
        };
        let mut config = ServerConfig::default();
        (config.listen, config.write) = (self.listen, self.write);
        match Server::start(config, journal).await {
            Ok(room) => Attempt::Started(Box::new(room)),
            Err(StartError::Bind { address, source }) if source.kind() == io::ErrorKind::AddrInUse => {
                Attempt::PortTaken(address)
            }
            Err(error) => Attempt::Failed(chain(&error)),
        }
    }

    async fn open(&self) -> Result<SqliteJournal, JournalError> {
        let dir = self.dir.clone();
        let opened = tokio::task::spawn_blocking(move || {
            chat_client::paths::create_private(&dir)
                .map_err(|source| JournalError::File { path: dir.clone(), source })?;
            SqliteJournal::open(&dir)
        });
        opened.await.unwrap_or_else(|error| Err(JournalError::Interrupted(error.into())))
    }

    async fn port_answers(&mut self) -> bool {
        let answers = matches!(timeout(CONNECT_TIMEOUT, TcpStream::connect(self.near)).await, Ok(Ok(_)));
        self.answered |= answers;
        answers
    }

    async fn notify(&self, notice: RoomNotice) {
        // An error means that the program is ending.
        let _ = self.reports.notices.send(notice).await;
    }
}

/// Returns whether these are the default ports.
fn is_usual(config: &ClientConfig) -> bool {
    let usual = ClientConfig::default();
    (config.listen_port, config.write_port) == (usual.listen_port, usual.write_port)
}

#[cfg(test)]
mod tests {
    use chat_client::{Account, Nickname, Token};
    use tokio::sync::mpsc::channel;

    use super::*;

    fn host(config: &ClientConfig, dir: &Path, explicit: bool) -> (RoomHost, Receiver<RoomNotice>) {
        let (notices, heard) = channel(4);
        let (ready, started, guests) = (watch::channel(false).0, watch::channel(0).0, watch::channel(0).0);
        let policy = if explicit { LocalRoomPolicy::Always } else { LocalRoomPolicy::Automatic };
        let reports = Reports { notices, ready, started, guests };
        (RoomHost::new(config, dir, &dir.join("creds"), policy, reports), heard)
    }

    #[tokio::test]
    async fn leaves_another_servers_address_alone() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = ClientConfig::new("localhost");
        assert!(host(&config, dir.path(), false).0.may_serve().await, "a fresh machine");

        let account = Account { nickname: Nickname::new("Bob").unwrap(), token: Token::new("t").unwrap() };
        let mut kept = Credentials::load(dir.path().join("creds")).unwrap();
        kept.add_for("localhost:5050", &account, None).unwrap();
        assert!(!host(&config, dir.path(), false).0.may_serve().await, "another server gave the account");
        std::fs::create_dir(dir.path().join("room")).unwrap();
        assert!(host(&config, dir.path(), false).0.may_serve().await, "the room is ours");

        // A port that was free a moment ago.
        config.listen_port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        assert!(host(&config, dir.path(), true).0.may_serve().await);
        let (mut other, mut heard) = host(&config, dir.path(), false);
        other.begin().await;
        assert!(matches!(heard.try_recv(), Ok(RoomNotice::NotThere(_))));
        assert!(!other.ours && other.room.is_none());
    }

    #[tokio::test]
    async fn names_a_port_that_is_in_use() {
        let dir = tempfile::tempdir().unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut config = ClientConfig::new("127.0.0.1");
        (config.listen_port, config.write_port) = (free.port(), taken.local_addr().unwrap().port());
        let (mut host, mut heard) = host(&config, dir.path(), true);
        host.pause = Duration::ZERO;
        host.begin().await;
        let Ok(RoomNotice::Failed(why)) = heard.try_recv() else { panic!() };
        assert!(why.contains(&taken.local_addr().unwrap().to_string()), "{why}");
        assert!(!why.contains("room is held"), "{why}");
    }
}
