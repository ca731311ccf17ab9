//! A connection of a listener: its session, its place among the connections, and what happens at its end.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use crate::admission::ConnectionPermit;
use crate::fan_out::{IdleSession, Subscriber, put_away};
use crate::net::{LingerGuard, SharedStream};
use crate::session::{IdleListener, ListenerExit, ListenerSession, TaskEnd};

/// A connection without a task, until it is needed again.
struct IdleConnection {
    listener: IdleListener,
    permit: ConnectionPermit,
    linger: LingerGuard,
}

impl AsRef<Subscriber> for IdleConnection {
    fn as_ref(&self) -> &Subscriber {
        self.listener.subscriber()
    }
}

impl IdleSession for IdleConnection {
    fn go_on(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let Self { listener, permit, linger } = *self;
        let session = listener.wake(Arc::clone(linger.stream()));
        Box::pin(serve(session, permit, linger))
    }
}

/// Serves a connection whose socket can be lent. The future ends with the connection, or when it needs no task.
pub(super) async fn serve(
    mut session: ListenerSession<SharedStream>,
    mut permit: ConnectionPermit,
    mut linger: LingerGuard,
) {
    loop {
        match session.run().await {
            Ok(TaskEnd::Idle) => {}
            end => return finish(end, permit.peer(), &linger),
        }
        let Some(again) = rest(session, permit, linger) else { return };
        (session, permit, linger) = again;
    }
}

/// Puts an idle session away. Returns everything if it is needed at once.
pub(super) fn rest(
    session: ListenerSession<SharedStream>,
    permit: ConnectionPermit,
    linger: LingerGuard,
) -> Option<(ListenerSession<SharedStream>, ConnectionPermit, LingerGuard)> {
    let listener = session.put_away()?;
    let IdleConnection { listener, permit, linger } = *put_away(Box::new(IdleConnection { listener, permit, linger }))?;
    Some((listener.wake(Arc::clone(linger.stream())), permit, linger))
}

/// Records the end of a session.
pub(super) fn finish(end: Result<TaskEnd, ListenerExit>, peer: IpAddr, linger: &LingerGuard) {
    let Err(exit) = end else { return };
    if matches!(exit, ListenerExit::Stalled) {
        linger.reset();
    }
    exit.log(peer);
}
