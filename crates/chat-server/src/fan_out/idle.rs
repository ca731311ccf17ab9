//! Sessions without a task: a listener that has everything and says nothing only waits, for hours, and there may be a
//! hundred thousand of them. What such a session needs to go on is a fifth of what its task would occupy.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::live_limits::LiveLimits;
use crate::log::LogHead;

/// A session that was put away.
pub(crate) trait IdleSession: Send {
    /// Goes on with the session, until it ends or is put away again.
    fn go_on(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// Gives sessions that were put away a task when they are needed.
pub(crate) struct WokenSessions(pub(super) mpsc::UnboundedReceiver<Box<dyn IdleSession>>);

impl WokenSessions {
    /// Runs sessions until the log closes, then gives them time to send the rest. Dropping the future ends them at once.
    pub(crate) async fn run(mut self, mut head: watch::Receiver<LogHead>, limits: Arc<LiveLimits>) {
        let mut sessions = JoinSet::new();
        {
            let closing = head.wait_for(|head| head.closing);
            tokio::pin!(closing);
            // All branches are cancel safe: a session is received or stays in the queue.
            loop {
                tokio::select! {
                    biased;
                    session = self.0.recv() => match session {
                        Some(session) => drop(sessions.spawn(session.go_on())),
                        None => break,
                    },
                    Some(_) = sessions.join_next(), if !sessions.is_empty() => {}
                    _ = &mut closing => break,
                }
            }
        }
        // The fan-out hands all sockets back now. The queue ends with the last of them.
        let rest = async {
            while let Some(session) = self.0.recv().await {
                sessions.spawn(session.go_on());
            }
            while sessions.join_next().await.is_some() {}
        };
        if timeout(limits.load().drain_within, rest).await.is_err() {
            tracing::warn!(connections = sessions.len(), "closed connections that did not end in time");
        }
    }
}
