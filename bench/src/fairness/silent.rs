//! Listeners that are behind and send requests, whether they read or not.

use std::io::{Read as _, Write as _};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use testkit::process;

use super::figures::Busy;
use crate::dialogue::{self, Step};
use crate::server_process::{ServerOptions, ServerProcess};
use crate::store_files;

/// Whether the listeners read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    All,
    Nothing,
}

const LISTENERS: usize = 4;

/// Messages that they request and that do not fit into the buffers of their connections.
const MESSAGES: u64 = 200_000;

/// How long it is measured.
const FOR: Duration = Duration::from_secs(4);

/// Time between two requests of one listener: with 20 bytes each, 45 KB/s in all.
const EVERY: Duration = Duration::from_micros(1_770);

pub(super) fn busy(options: &ServerOptions, reading: Reading) -> Result<Busy> {
    let directory = options.directory()?;
    store_files::fill(directory.path(), MESSAGES)?;
    let server = ServerProcess::start_with(options, directory, &[])?;
    let resume = Step::new("\x01{\"resume\": {\"last\": 9999999}, \"nonce\": \"bench\"}\n", "bench");
    let steps = |_| vec![resume.clone()];
    let mut listeners = dialogue::open_all(server.listen(), LISTENERS, steps)?;
    let mut buffer = vec![0; 1 << 20];
    for listener in &mut listeners {
        listener.set_nonblocking(true)?;
    }
    // Those that read have caught up by then, and the buffers of the others are full.
    let mut pass = |listeners: &mut [std::net::TcpStream], number: u64| {
        for listener in listeners {
            while reading == Reading::All && listener.read(&mut buffer).is_ok_and(|count| count > 0) {}
            // A request that does not fit is left out.
            let _ = listener.write(format!("\x01{{\"ping\": {number:07}}}\n").as_bytes());
        }
    };
    let settle = Instant::now();
    while settle.elapsed() < Duration::from_secs(2) {
        pass(&mut listeners, 0);
        thread::sleep(EVERY);
    }
    let (begun, cpu) = (Instant::now(), process::cpu_seconds(server.pid())?);
    for number in 1.. {
        if begun.elapsed() >= FOR {
            break;
        }
        pass(&mut listeners, number);
        thread::sleep(EVERY);
    }
    let cpu = process::cpu_seconds(server.pid())? - cpu;
    Ok(Busy { percent: cpu / begun.elapsed().as_secs_f64() * 100.0 })
}
