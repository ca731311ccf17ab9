//! Listeners that read nothing or one byte per second until they are dropped.

use std::io::Read as _;
use std::net::TcpStream;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Result;

use crate::dialogue;
use crate::peers::{Peer, Running};

/// How slow they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Reads nothing.
    Stalled,
    /// Reads one byte per second.
    Trickle,
}

/// Connections that stay open until this is dropped.
pub(crate) struct SlowListeners {
    /// Dropped first, which ends the thread.
    leave: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl SlowListeners {
    /// Connects `count` listeners.
    pub(crate) fn start(peer: &dyn Peer, server: &Running, kind: Kind, count: usize) -> Result<Self> {
        let mut streams = dialogue::open_all(server.listen, count, |index| peer.listener(usize::MAX - index))?;
        for stream in &streams {
            stream.set_nonblocking(true)?;
        }
        let (leave, left) = mpsc::channel();
        let thread = thread::spawn(move || {
            while left.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                if kind == Kind::Trickle {
                    streams.iter_mut().for_each(read_a_byte);
                }
            }
        });
        Ok(Self { leave: Some(leave), thread: Some(thread) })
    }
}

impl Drop for SlowListeners {
    fn drop(&mut self) {
        drop(self.leave.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn read_a_byte(stream: &mut TcpStream) {
    // An error means that no byte is available or that the server has closed the connection, which it may.
    let _ = stream.read(&mut [0]);
}
