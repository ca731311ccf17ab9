//! Plain sockets: the bytes of one read from the writer go to each listener in one blocking send, from one thread, without
//! a protocol or a store. This is not an upper limit: larger pieces or two threads may be faster.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Result;

use super::confirms::Confirms;
use super::peer::Peer;
use super::running::Running;
use crate::text;

/// Largest size of one send.
const PIECE: usize = 64 * 1024;
const CONFIRMATION: u8 = b'.';

pub(crate) struct Raw;

impl Peer for Raw {
    fn name(&self) -> &'static str {
        "raw"
    }

    fn start(&self) -> Result<Running> {
        Running::start_subcommand("serve-raw")
    }

    fn confirms(&self) -> Confirms {
        Confirms::Byte(CONFIRMATION)
    }

    fn deliveries(&self) -> u64 {
        100_000_000
    }

    fn in_flight(&self, requested: u64) -> u64 {
        // Two full pieces, so that the next one is ready when the first was sent; one in flight stays one.
        if requested == 1 { 1 } else { 2 * (PIECE / (text::LENGTH + 1)) as u64 }
    }
}

/// Serves one writer after another until the process is killed.
pub(crate) fn serve(listen: SocketAddr, write: SocketAddr) -> Result<()> {
    let (listen, write) = (TcpListener::bind(listen)?, TcpListener::bind(write)?);
    let listeners = Arc::new(Mutex::new(Vec::new()));
    let accepted = listeners.clone();
    thread::spawn(move || -> Result<()> {
        loop {
            let stream: TcpStream = listen.accept()?.0;
            stream.set_nodelay(true)?;
            accepted.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
        }
    });
    loop {
        let mut writer = write.accept()?.0;
        writer.set_nodelay(true)?;
        let mut piece = vec![0; PIECE];
        while let Ok(count @ 1..) = writer.read(&mut piece) {
            let mut listeners = listeners.lock().unwrap_or_else(PoisonError::into_inner);
            listeners.retain_mut(|listener| listener.write_all(&piece[..count]).is_ok());
            let messages = memchr::memchr_iter(b'\n', &piece[..count]).count();
            if writer.write_all(&vec![CONFIRMATION; messages]).is_err() {
                break;
            }
        }
    }
}
