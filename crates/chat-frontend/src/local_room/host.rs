//! Serves the local room. Of two programs that start at the same time, the lock on the room's data and the port decide
//! which one serves; the other one joins.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chat_client::{ClientConfig, Credentials, Text};
use chat_server::ServerHandle;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::{oneshot, watch};
use tokio::time::{MissedTickBehavior, sleep, timeout};

use super::announcement::{Announcement, announced_ip};
use super::notice::{JoinAddress, LocalRoomPolicy, RoomNotice};
use super::room_data::{Attempt, RoomData, address};
use crate::report::chain;

/// How long to wait between two checks for another program that has locked the data and does not serve yet.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// How many checks are made before the room counts as failed.
const CHECKS: usize = 50;

/// How often to look for the address of a shared room, which its program announces after its port answers.
const ANNOUNCEMENT_CHECKS: usize = 10;

/// A connection on this machine succeeds at once or not at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How often the connected programs are counted.
const COUNT_INTERVAL: Duration = Duration::from_secs(1);

/// The task that serves the room.
pub(super) struct RoomHost {
    data: RoomData,
    /// Where the programs of this machine connect.
    near: SocketAddr,
    near_write: SocketAddr,
    /// Where others reach the room and how they join, if it is to be open to them.
    shared: Option<(IpAddr, JoinAddress)>,
    /// Tells the other programs of this user that the room is shared.
    announcement: Option<Announcement>,
    data_dir: PathBuf,
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

impl RoomHost {
    pub(super) fn new(
        config: &ClientConfig,
        data_dir: &Path,
        credentials: &Path,
        policy: LocalRoomPolicy,
        reports: Reports,
    ) -> Self {
        let write_host = config.write_host.as_deref().unwrap_or(&config.host);
        Self {
            data: RoomData::new(config, data_dir.join("room"), policy),
            near: address(&config.host, config.listen_port),
            near_write: address(write_host, config.write_port),
            shared: match policy {
                LocalRoomPolicy::Shared(ip) => Some((ip, JoinAddress::new(ip, config))),
                _ => None,
            },
            announcement: None,
            data_dir: data_dir.to_owned(),
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
        if self.room.is_some() {
            return;
        }
        if self.port_answers().await {
            // It may have been taken over by a program that does not share it.
            self.is_shared_as_asked().await;
        } else if self.ours {
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
        let may_serve = self.may_serve().await;
        if !self.port_answers().await {
            if may_serve {
                self.serve(true).await;
            } else {
                self.notify(RoomNotice::NotThere(self.near.to_string())).await;
            }
            return;
        }
        self.ours = may_serve && self.data.is_locked().await;
        if let Some((_, join)) = self.shared.clone() {
            if !self.ours {
                self.notify(not_shared()).await;
            } else if self.is_shared_as_asked().await {
                self.notify(RoomNotice::Joined).await;
                self.notify(RoomNotice::Shared(join)).await;
            }
        } else if self.ours {
            self.notify(RoomNotice::Joined).await;
        } else if self.is_turned_away().await {
            self.notify(RoomNotice::NotShared(self.near.to_string())).await;
        }
    }

    /// Returns whether the room that another program serves is shared as this one was asked to; reports it if not.
    async fn is_shared_as_asked(&self) -> bool {
        let Some((ip, _)) = self.shared else { return true };
        for _ in 0..ANNOUNCEMENT_CHECKS {
            if self.is_shared_at(ip).await {
                return true;
            }
            sleep(self.pause).await;
        }
        self.notify(not_shared()).await;
        false
    }

    /// Returns whether another program of this user serves a room that is open at this address.
    async fn is_shared_at(&self, ip: IpAddr) -> bool {
        let dir = self.data_dir.clone();
        let open = tokio::task::spawn_blocking(move || announced_ip(&dir)).await.ok().flatten();
        open.is_some_and(|open| open == ip || open.is_unspecified() && open.is_ipv4() == ip.is_ipv4())
    }

    /// Returns whether a room that is not there may be served here. On another port, or where accounts of this address
    /// are cached although no room was ever served here, a standalone server is down, and a local room would hide that.
    async fn may_serve(&self) -> bool {
        if self.explicit {
            return true;
        }
        let (dir, credentials, address) = (self.data.dir.clone(), self.credentials.clone(), self.address.clone());
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
            let attempt = self.data.serve(&self.reports.notices).await;
            taken = if let Attempt::PortTaken(address) = attempt { Some(address) } else { None };
            match attempt {
                Attempt::Started(room) => {
                    self.room = Some(*room);
                    self.ours = true;
                    self.reports.started.send_modify(|count| *count += 1);
                    self.notify(RoomNotice::Started(self.data.dir.clone())).await;
                    if let Some((ip, join)) = self.shared.clone() {
                        let dir = self.data_dir.clone();
                        let announced = tokio::task::spawn_blocking(move || Announcement::of_room(&dir, ip)).await;
                        self.announcement = announced.ok().flatten();
                        self.notify(RoomNotice::Shared(join)).await;
                    }
                    return;
                }
                Attempt::Failed(error) => return self.notify(RoomNotice::Failed(error)).await,
                Attempt::PortTaken(_) if self.port_answers().await => {
                    self.is_shared_as_asked().await;
                    return;
                }
                Attempt::PortTaken(_) | Attempt::OtherHasIt => {}
            }
            if self.port_answers().await {
                self.ours = true;
                if self.is_shared_as_asked().await && announce {
                    self.notify(RoomNotice::Joined).await;
                }
                return;
            }
            sleep(self.pause).await;
        }
        let why = match taken {
            Some(address) => format!("{address} is used by another program, which is not a chat server"),
            None => format!("{} is locked by a program that does not serve it", self.data.dir.display()),
        };
        self.notify(RoomNotice::Failed(why)).await;
    }

    async fn port_answers(&mut self) -> bool {
        let answers = matches!(timeout(CONNECT_TIMEOUT, TcpStream::connect(self.near)).await, Ok(Ok(_)));
        self.answered |= answers;
        answers
    }

    /// Returns whether the server closes a connection before its greeting: a local room of another user does.
    async fn is_turned_away(&self) -> bool {
        let greeted = async {
            let mut stream = TcpStream::connect(self.near_write).await?;
            stream.read(&mut [0; 1]).await
        };
        // A reset counts as an end.
        matches!(timeout(CONNECT_TIMEOUT, greeted).await, Ok(Ok(0) | Err(_)))
    }

    async fn notify(&self, notice: RoomNotice) {
        // An error means that the program is ending.
        let _ = self.reports.notices.send(notice).await;
    }
}

/// The limits of a shared room would not hold for those who come through this program.
fn not_shared() -> RoomNotice {
    let why = "another server runs on this computer, and is not shared at this address; close it before --share";
    RoomNotice::Failed(why.to_owned())
}

/// Returns whether these are the default ports.
fn is_usual(config: &ClientConfig) -> bool {
    let usual = ClientConfig::default();
    (config.listen_port, config.write_port) == (usual.listen_port, usual.write_port)
}
