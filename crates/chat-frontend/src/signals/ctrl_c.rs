//! Ctrl+C on systems without signals.

use std::io;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::rules::{EndRules, SAME_SIGNAL};
use crate::Exit;

/// Nothing: only a later Ctrl+C ends a program that is stuck.
#[derive(Clone, Debug)]
pub(super) struct CtrlCWatcher;

impl CtrlCWatcher {
    pub(super) fn start(
        rules: EndRules,
        level: watch::Sender<u8>,
        last: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let work = move || {
            runtime.block_on(async {
                let mut latest: Option<Instant> = None;
                while tokio::signal::ctrl_c().await.is_ok() {
                    if latest.is_some_and(|latest| latest.elapsed() < SAME_SIGNAL) {
                        continue;
                    }
                    if *level.borrow() == rules.told() {
                        last();
                        std::process::exit(Exit::Interrupted as i32);
                    }
                    latest = Some(Instant::now());
                    level.send_modify(|level| *level += 1);
                }
            });
        };
        std::thread::Builder::new().name("signals".into()).spawn(work)?;
        Ok(Self)
    }

    #[allow(clippy::unused_self)]
    pub(super) fn grant(&self, _: Option<Duration>) {}
}
