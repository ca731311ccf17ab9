//! Logins to a server whose store has many accounts, over one connection after another.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use testkit::process;

use crate::measure::{Contender, Sample};
use crate::server_process::{ServerOptions, ServerProcess};
use crate::store_files;

/// Logins of one round.
const LOGINS: u64 = 2_000;

/// Time a server has for an answer.
const GUARD: Duration = Duration::from_secs(20);

/// Limits that a round would meet otherwise.
const UNLIMITED: [&str; 4] = ["--max-connections", "200000", "--max-connections-per-address", "200000"];

/// Returns the kinds of logins. Each round has a server of its own.
pub(super) fn contenders<'a>(options: &'a ServerOptions, store: &'a Path, accounts: u64) -> Vec<Contender<'a>> {
    let known = move |number: u64| store_files::token_of(scattered(number) % accounts.max(1));
    let wrong = |number: u64| format!("wrong-{number:08}-4c55-9d3b-0242ac110002");
    vec![
        Contender::new("first of its account", move || round(options, store, known, "{", false)),
        Contender::new("again", move || round(options, store, known, "{", true)),
        Contender::new("wrong token", move || round(options, store, wrong, "null", false)),
    ]
}

/// Returns numbers that are as far apart as random ones.
fn scattered(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16
}

fn round(
    options: &ServerOptions,
    store: &Path,
    token: impl Fn(u64) -> String,
    answer: &str,
    again: bool,
) -> Result<Sample> {
    let server = ServerProcess::start_in(options, store, &UNLIMITED)?;
    let all = || (0..LOGINS).try_for_each(|number| log_in(server.write(), &token(number), answer));
    if again {
        all()?;
    }
    let (begun, before) = (Instant::now(), process::cpu_seconds(server.pid())?);
    all()?;
    let wall_s = begun.elapsed().as_secs_f64();
    let cpu_s = process::cpu_seconds(server.pid())? - before;
    let peak_kib = process::peak_kib(server.pid())?;
    server.stop()?;
    Ok(Sample { units: LOGINS as f64, wall_s, cpu_s, load_cpu_s: 0.0, peak_kib })
}

/// Logs in, and reads up to the answer, which begins as expected.
fn log_in(write: SocketAddr, token: &str, answer: &str) -> Result<()> {
    let mut stream = TcpStream::connect(write)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(GUARD))?;
    stream.write_all(format!("{token}\n").as_bytes())?;
    let mut connection = BufReader::new(stream);
    let mut line = String::new();
    // After the greeting.
    for _ in 0..2 {
        line.clear();
        connection.read_line(&mut line)?;
    }
    ensure!(line.starts_with(answer), "the server answered {line:?}");
    Ok(())
}
