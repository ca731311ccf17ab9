//! Listeners that take next to nothing, until they are dropped.

use std::io::Read as _;
use std::net::TcpStream;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Result;

use crate::dialogue;
use crate::peers::{Peer, Running};

/// What is bad about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Reads nothing.
    Stalled,
    /// Reads a byte a second.
    Crawling,
}

/// They are connected while this is held.
pub struct BadListeners {
    /// Dropped first: that ends the thread.
    leave: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl BadListeners {
    /// Connects so many.
    pub fn start(peer: &dyn Peer, server: &Running, kind: Kind, count: usize) -> Result<Self> {
        let mut streams = dialogue::open_all(server.listen, count, |index| peer.listener(usize::MAX - index))?;
        for stream in &streams {
            stream.set_nonblocking(true)?;
        }
        let (leave, left) = mpsc::channel();
        let thread = thread::spawn(move || {
            while left.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                if kind == Kind::Crawling {
                    streams.iter_mut().for_each(read_a_byte);
                }
            }
        });
        Ok(Self { leave: Some(leave), thread: Some(thread) })
    }
}

impl Drop for BadListeners {
    fn drop(&mut self) {
        drop(self.leave.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn read_a_byte(stream: &mut TcpStream) {
    // That nothing is there, or that the server has had enough of it, is all the same to it.
    let _ = stream.read(&mut [0]);
}
