//! The state of the service for systemd (`Type=notify`). Without a service manager nothing is sent.

use std::time::Duration;

use chat_server::{Observer, Readiness};
use sd_notify::NotifyState;
use tokio::time::interval;

/// How often the status line of the service is updated, unless the watchdog needs it more often.
const STATUS_EVERY: Duration = Duration::from_secs(30);

/// Reports that the server accepts connections, again after a reload.
pub(crate) fn ready() {
    send(&[NotifyState::Ready]);
}

/// Reports that the configuration is read again; [`ready`] ends this state.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => send(&[NotifyState::Reloading, now]),
        // Without the time systemd would end the service.
        Err(error) => tracing::debug!(%error, "could not read the clock for the service manager"),
    }
}

/// Reports that the server drains.
pub(crate) fn stopping() {
    send(&[NotifyState::Stopping, NotifyState::Status("draining")]);
}

/// Sends status lines, and signs of life if the service has a watchdog. That they are sent proves what an answer of
/// `/healthz` proves: the runtime has a thread to spare. A server whose journal has failed sends none.
pub(crate) async fn report(observer: Observer) {
    let watchdog = sd_notify::watchdog_enabled();
    // Twice within the time after which systemd would end the service, as its documentation recommends.
    let mut ticks = interval(watchdog.map_or(STATUS_EVERY, |limit| (limit / 2).clamp(MIN_TICK, STATUS_EVERY)));
    loop {
        ticks.tick().await;
        let open = observer.figures().open;
        let readiness = observer.readiness();
        let stores = !matches!(readiness, Readiness::StoreFails | Readiness::ShortOfSpace);
        let problem = if stores { "" } else { "; cannot store messages" };
        let status = format!("connections: {} listeners, {} writers{problem}", open.listen, open.write);
        send(&[NotifyState::Status(&status)]);
        if watchdog.is_some() {
            send(&[NotifyState::Watchdog]);
        }
    }
}

/// The shortest time between two signs of life.
const MIN_TICK: Duration = Duration::from_millis(100);

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "could not notify the service manager");
    }
}
