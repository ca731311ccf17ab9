//! Plain sends: whatever one read of the writer gives goes to each listener in one blocking send, from one thread. No
//! protocol, no store, no care for anybody. It is no upper limit: who sends larger pieces or from two threads may pass it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Result;

use super::{Confirms, Peer, Running, free_address};
use crate::dialogue::Step;
use crate::text;

/// What one send has at most.
const PIECE: usize = 64 * 1024;
const CONFIRMATION: u8 = b'.';

pub struct Raw;

impl Peer for Raw {
    fn name(&self) -> &'static str {
        "raw"
    }

    fn start(&self) -> Result<Running> {
        let (listen, write) = (free_address()?, free_address()?);
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve-raw", &listen.to_string(), &write.to_string()]);
        Running::start(&mut command, listen, write, ())
    }

    fn listener(&self, _: usize) -> Vec<Step> {
        Vec::new()
    }

    fn writer(&self) -> Vec<Step> {
        Vec::new()
    }

    fn post(&self, _: u64, text: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(text);
        out.push(b'\n');
    }

    fn confirms(&self) -> Confirms {
        Confirms::Byte(CONFIRMATION)
    }

    fn deliveries(&self) -> u64 {
        100_000_000
    }

    fn in_flight(&self, asked: u64) -> u64 {
        // Two full pieces, so that the next one is there when one has been sent; but one by one stays one by one.
        if asked == 1 { 1 } else { 2 * (PIECE / (text::LENGTH + 1)) as u64 }
    }
}

/// Serves one writer after the other until it is killed.
pub fn serve(listen: SocketAddr, write: SocketAddr) -> Result<()> {
    let (listen, write) = (TcpListener::bind(listen)?, TcpListener::bind(write)?);
    let room = Arc::new(Mutex::new(Vec::new()));
    let door = room.clone();
    thread::spawn(move || -> Result<()> {
        loop {
            let stream: TcpStream = listen.accept()?.0;
            stream.set_nodelay(true)?;
            door.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
        }
    });
    loop {
        let mut writer = write.accept()?.0;
        writer.set_nodelay(true)?;
        let mut piece = vec![0; PIECE];
        while let Ok(count @ 1..) = writer.read(&mut piece) {
            let mut room = room.lock().unwrap_or_else(PoisonError::into_inner);
            room.retain_mut(|listener| listener.write_all(&piece[..count]).is_ok());
            let messages = memchr::memchr_iter(b'\n', &piece[..count]).count();
            if writer.write_all(&vec![CONFIRMATION; messages]).is_err() {
                break;
            }
        }
    }
}
