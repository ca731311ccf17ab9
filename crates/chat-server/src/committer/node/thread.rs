//! The thread that owns the store of a node.

use std::io;
use std::sync::Arc;
use std::thread;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::owner::NodeOwner;
use crate::committer::thread::JournalEnd;
use crate::replication::{Projection, SharedBatchLog};

/// Starts the thread. It runs on its own, but waits with the timers of the current Tokio runtime.
pub(in crate::committer) fn start<P: Projection, L: SharedBatchLog>(
    mut owner: NodeOwner<P, L>,
    wake: mpsc::WeakSender<()>,
    mut woken: mpsc::Receiver<()>,
) -> io::Result<JournalEnd> {
    let (ended, end) = oneshot::channel();
    let runtime = Handle::current();
    owner.log.set_waker(Arc::new(move || {
        // Gone while the server drains: then nothing more is applied.
        if let Some(wake) = wake.upgrade() {
            let _ = wake.try_send(());
        }
    }));
    thread::Builder::new().name("chat-journal".into()).spawn(move || {
        let result = loop {
            let open = runtime.block_on(async {
                let tick = tokio::time::sleep(owner.wait());
                // Cancel safe: a wake that is missed here is followed by a look at everything anyway.
                tokio::select! {
                    biased;
                    woken = woken.recv() => woken.is_some(),
                    () = tick => true,
                }
            });
            let result = if open { owner.serve() } else { break owner.close() };
            if let Err(error) = result {
                break Err(error);
            }
        };
        // The store is dropped before its end is reported, so that its files are free for the next server.
        drop(owner);
        // An error means that the server was dropped.
        let _ = ended.send(result);
    })?;
    Ok(end)
}
