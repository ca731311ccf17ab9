//! Connections that request the whole log, read a little of it, and are reset.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use rustix::net::sockopt::set_socket_linger;

use super::figures::{Waits, time};
use crate::dialogue::{self, Step};
use crate::server_process::{ServerOptions, ServerProcess};
use crate::store_files;

/// Connections that are open at once.
pub(super) const CONNECTIONS: usize = 1_000;

const THREADS: usize = 4;

/// Messages in the store: far more than are kept in memory and in the buffers of a connection.
const MESSAGES: u64 = 100_000;

/// Honest requests.
const REQUESTS: usize = 300;

pub(super) fn resume(options: &ServerOptions, connections: usize) -> Result<Waits> {
    let directory = options.directory()?;
    store_files::fill(directory.path(), MESSAGES)?;
    let limits = ["--max-connections", "20000", "--max-connections-per-address", "20000"];
    let server = ServerProcess::start_with(options, directory, &limits)?;
    let (address, over) = (server.listen(), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| storm(address, connections / THREADS, &over));
        }
        // Until all of them are connected.
        thread::sleep(Duration::from_secs(1));
        let request = Step::new("\x01{\"resume\": {\"last\": 1}, \"nonce\": \"honest\"}\n", "honest");
        let waits = time(REQUESTS, || dialogue::open(address, std::slice::from_ref(&request)).map(drop));
        over.store(true, Ordering::Relaxed);
        waits
    })
}

fn storm(address: SocketAddr, at_once: usize, over: &AtomicBool) {
    let mut open = VecDeque::new();
    while at_once > 0 && !over.load(Ordering::Relaxed) {
        // A refused connection is one of the storm too.
        open.extend(request(address));
        if open.len() > at_once
            && let Some(mut oldest) = open.pop_front()
        {
            let _ = oldest.read(&mut [0; 1_000]);
        }
    }
}

fn request(address: SocketAddr) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_millis(100))).ok()?;
    // Dropping it resets it.
    set_socket_linger(&stream, Some(Duration::ZERO)).ok()?;
    stream.write_all(b"\x01{\"resume\": {\"last\": 9999999}, \"nonce\": \"storm\"}\n").ok()?;
    Some(stream)
}
