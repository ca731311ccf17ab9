//! The local room: where nothing listens on this machine, a server is started inside this program,
//! so that the first run needs nothing. A second program joins it, and goes on with it when the first
//! one ends. A room that somebody else serves is never taken over.

#[cfg(feature = "local-room")]
mod host;

use chat_client::ClientConfig;
use tokio::sync::mpsc::{Sender, channel};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::event::AppEvent;
use crate::services::Paths;

/// The looking after a room. Where none is wanted it does nothing.
#[derive(Debug)]
pub(crate) struct LocalRoom {
    ready: watch::Receiver<bool>,
    started: watch::Receiver<u64>,
    refusals: Sender<()>,
    close: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

/// What the command line says of a local room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LocalRoomPolicy {
    Never,
    /// Where nothing speaks of another server.
    Automatic,
    Always,
}

/// Whether this program would serve a room itself: only on this machine, and only if it may.
fn wanted(config: &ClientConfig, may: LocalRoomPolicy) -> bool {
    let write_host = config.write_host.as_deref().unwrap_or(&config.host);
    // A local room has no certificate; who asks for TLS means another server.
    cfg!(feature = "local-room")
        && may != LocalRoomPolicy::Never
        && config.tls.is_none()
        && is_loopback(&config.host)
        && is_loopback(write_host)
}

/// Whether a host is this machine, by its name alone.
fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl LocalRoom {
    /// Looks whether there is a room, and starts one if not.
    pub(crate) fn keep(may: LocalRoomPolicy, config: &ClientConfig, paths: &Paths, news: Sender<AppEvent>) -> Self {
        let wanted = wanted(config, may);
        let (ready_now, ready) = watch::channel(!wanted);
        let (started_now, started) = watch::channel(0);
        let (refusals, refused) = channel(1);
        let (close, closing) = oneshot::channel();
        #[cfg(feature = "local-room")]
        let task = wanted.then(|| {
            let host = host::RoomHost::new(
                config,
                &paths.data_dir,
                &paths.credentials,
                may == LocalRoomPolicy::Always,
                news,
                ready_now,
                started_now,
            );
            tokio::spawn(host.run(refused, closing))
        });
        #[cfg(not(feature = "local-room"))]
        let task = {
            let _ = (config, paths, news, ready_now, started_now, refused, closing);
            None
        };
        Self { ready, started, refusals, close: Some(close), task }
    }

    /// Turns true once it is known that there is a room, or that there will be none.
    pub(crate) fn ready(&self) -> watch::Receiver<bool> {
        self.ready.clone()
    }

    /// Grows with every room that is started here.
    pub(crate) fn started(&self) -> watch::Receiver<u64> {
        self.started.clone()
    }

    /// Where to say that nothing listens any more.
    pub(crate) fn refusals(&self) -> Sender<()> {
        self.refusals.clone()
    }

    /// Looks again at once.
    pub(crate) fn retry_now(&self) {
        // One request that is not answered yet is enough.
        let _ = self.refusals.try_send(());
    }

    /// Drains the room that was started here.
    pub(crate) async fn close(mut self) {
        drop(self.close.take());
        if let Some(task) = self.task.take() {
            // It does not panic; if it did, there is nothing left to close.
            let _ = task.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_gets_a_local_room() {
        for (host, local) in
            [("127.0.0.1", true), ("localhost", true), ("::1", true), ("10.0.0.1", false), ("chat.example", false)]
        {
            assert_eq!(
                wanted(&ClientConfig::new(host), LocalRoomPolicy::Automatic),
                local && cfg!(feature = "local-room"),
                "{host}"
            );
        }
        assert!(!wanted(&ClientConfig::new("127.0.0.1"), LocalRoomPolicy::Never));
    }
}
