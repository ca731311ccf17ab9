//! The store of the local room, and the server that is started on it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use chat_client::ClientConfig;
use chat_server::{Hooks, JournalError, Server, ServerConfig, ServerHandle, SqliteJournal, StartError};
use tokio::sync::mpsc::Sender;

use super::guard::{RoomAccess, RoomGuard};
use super::notice::{LocalRoomPolicy, RoomNotice};
use super::peer_user;
use crate::report::chain;

/// The directory and the addresses of the room.
#[derive(Debug)]
pub(super) struct RoomData {
    pub(super) dir: PathBuf,
    pub(super) listen: SocketAddr,
    write: SocketAddr,
    access: RoomAccess,
    /// The user whose programs always get in.
    pub(super) own_uid: u32,
}

/// The result of an attempt to serve.
pub(super) enum Attempt {
    Started(Box<ServerHandle>),
    /// Another program has locked the data: it serves, or is about to.
    OtherHasIt,
    /// Something else listens on this one of the two ports.
    PortTaken(SocketAddr),
    Failed(String),
}

impl RoomData {
    pub(super) fn new(config: &ClientConfig, dir: PathBuf, policy: LocalRoomPolicy) -> Self {
        let write_host = config.write_host.as_deref().unwrap_or(&config.host);
        let (mut listen, mut write) =
            (address(&config.host, config.listen_port), address(write_host, config.write_port));
        let access = match policy {
            LocalRoomPolicy::Shared(ip) => {
                // The programs of this machine connect to the loopback address, so a room that is shared at another
                // one listens at all; the guard refuses what comes to the others.
                let all = match ip {
                    _ if ip.is_loopback() => None,
                    IpAddr::V4(_) => Some(Ipv4Addr::UNSPECIFIED.into()),
                    IpAddr::V6(_) => Some(Ipv6Addr::UNSPECIFIED.into()),
                };
                if let Some(all) = all {
                    listen.set_ip(all);
                    write.set_ip(all);
                }
                RoomAccess::SharedAt(ip)
            }
            _ => RoomAccess::OwnUser,
        };
        Self { dir, listen, write, access, own_uid: peer_user::own_uid() }
    }

    pub(super) async fn serve(&self, notices: &Sender<RoomNotice>) -> Attempt {
        let (journal, bytes) = match self.open().await {
            Ok(opened) => opened,
            Err(JournalError::Locked { .. }) => return Attempt::OtherHasIt,
            Err(error) => return Attempt::Failed(chain(&error)),
        };
        let mut config = ServerConfig::default();
        (config.listen, config.write) = (self.listen, self.write);
        config.hooks = Some(Hooks::new(RoomGuard::new(self.access, self.own_uid, notices.clone(), bytes)));
        match Server::start(config, journal).await {
            Ok(room) => Attempt::Started(Box::new(room)),
            Err(StartError::Bind { address, source }) if source.kind() == io::ErrorKind::AddrInUse => {
                Attempt::PortTaken(address)
            }
            Err(error) => Attempt::Failed(chain(&error)),
        }
    }

    /// Returns whether another program of this user has the data open.
    pub(super) async fn is_locked(&self) -> bool {
        self.dir.exists() && matches!(self.open().await, Err(JournalError::Locked { .. }))
    }

    /// Opens the store. Returns it with its size in bytes.
    async fn open(&self) -> Result<(SqliteJournal, u64), JournalError> {
        let dir = self.dir.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let failed = |source| JournalError::File { path: dir.clone(), source };
            chat_client::paths::create_private(&dir).map_err(failed)?;
            let journal = SqliteJournal::open(&dir)?;
            let bytes = size_of_files(&dir).map_err(failed)?;
            Ok((journal, bytes))
        });
        opened.await.unwrap_or_else(|error| Err(JournalError::Interrupted(error.into())))
    }
}

/// Returns the address of a host on this machine.
pub(super) fn address(host: &str, port: u16) -> SocketAddr {
    SocketAddr::new(host.parse().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), port)
}

/// Returns the size of all files in a directory.
fn size_of_files(dir: &std::path::Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}
