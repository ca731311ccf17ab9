//! The handle of the local room, and the decision whether there may be one.

use std::path::Path;

use chat_client::ClientConfig;
use tokio::sync::mpsc::{Sender, channel};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

#[cfg(feature = "local-room")]
use super::host;
use super::notice::{LocalRoomPolicy, RoomNotice};

/// Keeps a local room running, or does nothing if none is wanted.
#[derive(Debug)]
pub struct LocalRoom {
    ready: watch::Receiver<bool>,
    started: watch::Receiver<u64>,
    guests: watch::Receiver<usize>,
    refusals: Sender<()>,
    close: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

/// Returns whether this program may serve the room itself: only on a single loopback address without TLS.
fn wanted(config: &ClientConfig, policy: LocalRoomPolicy) -> bool {
    let write_host = config.write_host.as_deref().unwrap_or(&config.host);
    // A local room has no certificate, so TLS means a standalone server.
    cfg!(feature = "local-room")
        && policy != LocalRoomPolicy::Never
        && config.tls.is_none()
        && config.other_nodes.is_empty()
        && is_loopback(&config.host)
        && is_loopback(write_host)
}

/// Returns whether a host is this machine, judged by its name alone.
fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl LocalRoom {
    /// Checks whether a room is there, and starts one if not. Must be called within a runtime.
    pub fn open(
        policy: LocalRoomPolicy,
        config: &ClientConfig,
        data_dir: &Path,
        credentials: &Path,
        notices: Sender<RoomNotice>,
    ) -> Self {
        let wanted = wanted(config, policy);
        let (ready_now, ready) = watch::channel(!wanted);
        let (started_now, started) = watch::channel(0);
        let (guests_now, guests) = watch::channel(0);
        let (refusals, refused) = channel(1);
        let (close, closing) = oneshot::channel();
        #[cfg(feature = "local-room")]
        let task = wanted.then(|| {
            let reports = host::Reports { notices, ready: ready_now, started: started_now, guests: guests_now };
            let host = host::RoomHost::new(config, data_dir, credentials, policy, reports);
            tokio::spawn(host.run(refused, closing))
        });
        #[cfg(not(feature = "local-room"))]
        let task = {
            let _ = (config, data_dir, credentials, notices, ready_now, started_now, guests_now, refused, closing);
            None
        };
        Self { ready, started, guests, refusals, close: Some(close), task }
    }

    /// Returns a value that becomes true once it is known whether there is a room.
    pub fn ready(&self) -> watch::Receiver<bool> {
        self.ready.clone()
    }

    /// Returns the number of rooms that this program has started.
    pub fn started(&self) -> watch::Receiver<u64> {
        self.started.clone()
    }

    /// How many other programs are connected to the room that this program serves.
    pub fn guests(&self) -> watch::Receiver<usize> {
        self.guests.clone()
    }

    /// Returns a sender for reports that no server listens any more.
    pub fn refusals(&self) -> Sender<()> {
        self.refusals.clone()
    }

    /// Checks again now.
    pub fn retry_now(&self) {
        // A full channel holds a request that has not been answered yet.
        let _ = self.refusals.try_send(());
    }

    /// Drains the room that this program serves.
    pub async fn close(mut self) {
        drop(self.close.take());
        if let Some(task) = self.task.take() {
            // An error means that the task has panicked, and then there is no room to drain.
            let _ = task.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_only_on_this_machine() {
        for (host, local) in
            [("127.0.0.1", true), ("localhost", true), ("::1", true), ("10.0.0.1", false), ("chat.example", false)]
        {
            let config = ClientConfig::new(host);
            assert_eq!(wanted(&config, LocalRoomPolicy::Automatic), local && cfg!(feature = "local-room"), "{host}");
        }
        assert!(!wanted(&ClientConfig::new("127.0.0.1"), LocalRoomPolicy::Never));
        let several = ClientConfig::default().with_nodes(chat_client::NodeAddress::list("127.0.0.1,[::1]"));
        assert!(!wanted(&several, LocalRoomPolicy::Always), "a room of several nodes is not a local one");
    }
}
