//! Serves the room. Two programs that start at once are told apart by the lock on the room's data
//! and by who gets the port; the other one joins.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chat_client::{ClientConfig, Credentials};
use chat_server::{JournalError, Server, ServerConfig, ServerHandle, SqliteJournal, StartError};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};

use crate::error_chain::chain;
use crate::event::{AppEvent, NoticeText};

/// How long another program may take between locking the data and serving.
const OTHER_STARTS: Duration = Duration::from_millis(100);

/// How often it is looked whether it has.
const LOOKS: usize = 50;

/// A connection on this machine is made at once or not at all.
const NEAR: Duration = Duration::from_secs(1);

/// The task that looks after the room.
pub(super) struct RoomHost {
    listen: SocketAddr,
    write: SocketAddr,
    dir: PathBuf,
    news: Sender<AppEvent>,
    ready: watch::Sender<bool>,
    started: watch::Sender<u64>,
    room: Option<ServerHandle>,
    /// The room is, or was, one of these local rooms, so it may be taken over when it has gone.
    ours: bool,
    /// Asked for by name, whatever speaks against it.
    asked_for: bool,
    /// On the ports where the programs find one another on a fresh machine.
    usual: bool,
    credentials: PathBuf,
    /// The write port, as the kept accounts name it.
    address: String,
    /// Between two looks.
    pause: Duration,
}

/// What an attempt came to.
enum Attempt {
    Started(ServerHandle),
    /// Another program has the data: it serves, or is about to.
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
        asked_for: bool,
        news: Sender<AppEvent>,
        ready: watch::Sender<bool>,
        started: watch::Sender<u64>,
    ) -> Self {
        let address = |host: &str, port| SocketAddr::new(host.parse().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), port);
        let write_host = config.write_host.as_deref().unwrap_or(&config.host);
        Self {
            listen: address(&config.host, config.listen_port),
            write: address(write_host, config.write_port),
            dir: data_dir.join("room"),
            news,
            ready,
            started,
            room: None,
            ours: false,
            asked_for,
            usual: is_usual(config),
            credentials: credentials.to_owned(),
            address: config.write_addr_text(),
            pause: OTHER_STARTS,
        }
    }

    pub(super) async fn run(mut self, mut refused: Receiver<()>, mut closing: oneshot::Receiver<()>) {
        self.begin().await;
        self.ready.send_replace(true);
        loop {
            tokio::select! {
                _ = &mut closing => break,
                Some(()) = refused.recv() => {
                    if self.ours && self.room.is_none() && !self.somebody_listens().await {
                        self.serve(false).await;
                    }
                }
            }
        }
        if let Some(room) = self.room.take()
            && let Err(error) = room.drain().await
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "the local room did not close in order");
        }
    }

    /// The start: joins whatever listens, else serves.
    async fn begin(&mut self) {
        if !self.may_serve().await {
            if !self.somebody_listens().await {
                self.tell(NoticeText::RoomNotThere(self.listen.to_string()), true).await;
            }
            return;
        }
        if self.somebody_listens().await {
            self.ours = self.dir.exists() && matches!(self.open().await, Err(JournalError::Locked { .. }));
            if self.ours {
                self.tell(NoticeText::LocalRoomJoined, false).await;
            }
            return;
        }
        self.serve(true).await;
    }

    /// Whether a room that is not there may be served here: not another port, and not an address whose accounts are
    /// kept though no room was ever served here. There somebody else's server is down, and its people would talk to
    /// nobody.
    async fn may_serve(&self) -> bool {
        if self.asked_for {
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

    /// Serves, or waits for the program that does.
    async fn serve(&mut self, aloud: bool) {
        let mut taken = None;
        for _ in 0..LOOKS {
            let attempt = self.attempt().await;
            taken = if let Attempt::PortTaken(address) = attempt { Some(address) } else { None };
            match attempt {
                Attempt::Started(room) => {
                    self.room = Some(room);
                    self.ours = true;
                    self.started.send_modify(|count| *count += 1);
                    return self.tell(NoticeText::LocalRoomStarted(self.dir.display().to_string()), false).await;
                }
                Attempt::Failed(error) => return self.tell(NoticeText::LocalRoomFailed(error), true).await,
                Attempt::PortTaken(_) if self.somebody_listens().await => return,
                Attempt::PortTaken(_) | Attempt::OtherHasIt => {}
            }
            if self.somebody_listens().await {
                self.ours = true;
                if aloud {
                    self.tell(NoticeText::LocalRoomJoined, false).await;
                }
                return;
            }
            sleep(self.pause).await;
        }
        let why = match taken {
            Some(address) => format!("{address} is taken by another program, which is no room"),
            None => format!("{} is held by a program that does not serve", self.dir.display()),
        };
        self.tell(NoticeText::LocalRoomFailed(why), true).await;
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
            Ok(room) => Attempt::Started(room),
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
        opened.await.unwrap_or_else(|error| Err(JournalError::Interrupted(error)))
    }

    async fn somebody_listens(&self) -> bool {
        matches!(timeout(NEAR, TcpStream::connect(self.listen)).await, Ok(Ok(_)))
    }

    async fn tell(&self, text: NoticeText, error: bool) {
        // Where the program has ended, nobody wants to know.
        let _ = self.news.send(AppEvent::Notice { text, error }).await;
    }
}

/// Whether these are the ports where the programs find one another on a fresh machine.
fn is_usual(config: &ClientConfig) -> bool {
    let usual = ClientConfig::default();
    (config.listen_port, config.write_port) == (usual.listen_port, usual.write_port)
}

#[cfg(test)]
mod tests {
    use chat_client::{Account, Nickname, Token};
    use tokio::sync::mpsc::channel;

    use super::*;

    fn host(config: &ClientConfig, dir: &Path, asked_for: bool) -> (RoomHost, Receiver<AppEvent>) {
        let (news, heard) = channel(4);
        let (ready, started) = (watch::channel(false).0, watch::channel(0).0);
        (RoomHost::new(config, dir, &dir.join("creds"), asked_for, news, ready, started), heard)
    }

    #[tokio::test]
    async fn another_port_and_the_accounts_of_another_server_get_no_room() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = ClientConfig::new("localhost");
        assert!(host(&config, dir.path(), false).0.may_serve().await, "a fresh machine");

        let account = Account { nickname: Nickname::new("Bob").unwrap(), token: Token::new("t").unwrap() };
        let mut kept = Credentials::load(dir.path().join("creds")).unwrap();
        kept.add_for("localhost:5050", &account, None).unwrap();
        assert!(!host(&config, dir.path(), false).0.may_serve().await, "somebody else gave the account");
        std::fs::create_dir(dir.path().join("room")).unwrap();
        assert!(host(&config, dir.path(), false).0.may_serve().await, "the room is ours");

        // A port that was free a moment ago.
        config.listen_port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        assert!(host(&config, dir.path(), true).0.may_serve().await);
        let (mut other, mut heard) = host(&config, dir.path(), false);
        other.begin().await;
        assert!(matches!(heard.try_recv(), Ok(AppEvent::Notice { text: NoticeText::RoomNotThere(_), error: true })));
        assert!(!other.ours && other.room.is_none());
    }

    #[tokio::test]
    async fn a_port_that_another_program_has_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut config = ClientConfig::new("127.0.0.1");
        (config.listen_port, config.write_port) = (free.port(), taken.local_addr().unwrap().port());
        let (mut host, mut heard) = host(&config, dir.path(), true);
        host.pause = Duration::ZERO;
        host.begin().await;
        let Ok(AppEvent::Notice { text: NoticeText::LocalRoomFailed(why), error: true }) = heard.try_recv() else {
            panic!()
        };
        assert!(why.contains(&taken.local_addr().unwrap().to_string()), "{why}");
        assert!(!why.contains("room is held"), "{why}");
    }
}
