//! A plain server that publishes every message, until it falls silent, and confirms none. It may be full at first.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use testkit::wire;

/// The ports of the server. Its threads end with the test process.
pub struct SilentRoom {
    listen: u16,
    write: u16,
    writers: Arc<Mutex<Vec<TcpStream>>>,
    is_silent: Arc<AtomicBool>,
}

impl SilentRoom {
    /// Opens the room on free ports. Each message goes to those that listen by then.
    pub fn open() -> Self {
        Self::open_full(0)
    }

    /// Opens the room, which closes the first `refused` connections of writers before the greeting.
    pub fn open_full(refused: usize) -> Self {
        let bind = || TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let (listen, write) = (bind(), bind());
        let ports = [&listen, &write].map(|port| port.local_addr().unwrap().port());
        let listeners = Arc::<Mutex<Vec<TcpStream>>>::default();
        let writers = Arc::<Mutex<Vec<TcpStream>>>::default();
        let joined = listeners.clone();
        thread::spawn(move || listen.incoming().flatten().for_each(|peer| joined.lock().unwrap().push(peer)));
        let (accepted, is_silent) = (writers.clone(), Arc::<AtomicBool>::default());
        let silent = is_silent.clone();
        thread::spawn(move || {
            for peer in write.incoming().flatten().skip(refused) {
                accepted.lock().unwrap().push(peer.try_clone().unwrap());
                let (listeners, silent) = (listeners.clone(), silent.clone());
                thread::spawn(move || serve(peer, &listeners, &silent));
            }
        });
        Self { listen: ports[0], write: ports[1], writers, is_silent }
    }

    /// Returns the arguments of a program that enters the room.
    pub fn arguments(&self) -> Vec<String> {
        let (listen, write) = (self.listen.to_string(), self.write.to_string());
        ["--no-local-room", "--listen-port", &listen, "--write-port", &write].map(str::to_owned).to_vec()
    }

    /// Publishes no message from now on: nothing at all is answered, as on a half-open link.
    pub fn fall_silent(&self) {
        self.is_silent.store(true, Ordering::Release);
    }

    /// Closes the connections of all writers.
    pub fn cut(&self) {
        for writer in self.writers.lock().unwrap().drain(..) {
            // An error means that the other side was faster.
            let _ = writer.shutdown(Shutdown::Both);
        }
    }
}

fn serve(mut peer: TcpStream, listeners: &Mutex<Vec<TcpStream>>, silent: &AtomicBool) {
    let mut lines = BufReader::new(peer.try_clone().unwrap()).lines().map_while(Result::ok);
    let _ = peer.write_all(wire::GREETING.as_bytes());
    let Some(token) = lines.next() else { return };
    if token.trim().is_empty() {
        let _ = peer.write_all(wire::PROMPT.as_bytes());
        let Some(_nickname) = lines.next() else { return };
    }
    let _ = peer.write_all(format!("{}{}", wire::account("Keen Bob", None), wire::WELCOME).as_bytes());
    for line in lines.filter(|line| !line.trim().is_empty() && !silent.load(Ordering::Acquire)) {
        for listener in listeners.lock().unwrap().iter_mut() {
            let _ = listener.write_all(format!("Keen Bob: {}\n", line.trim()).as_bytes());
        }
    }
}
