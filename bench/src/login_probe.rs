//! A client that logs in and posts repeatedly while the server is under load, and measures both.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};

/// Time a server has for an answer.
const GUARD: Duration = Duration::from_secs(20);
/// Range of the random pause between two measurements, so that they are not in step with a periodic load.
const PAUSE_MS: std::ops::Range<u64> = 10..30;

/// Durations in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Times {
    /// From connecting to the welcome line, with a known token.
    pub(crate) logins: Vec<f64>,
    /// From a post to its confirmation, on an open connection.
    pub(crate) posts: Vec<f64>,
}

/// Starts the probe in a thread that ends after `time`.
pub(crate) fn start(write: SocketAddr, time: Duration) -> JoinHandle<Result<Times>> {
    thread::spawn(move || watch(write, time))
}

/// Waits for the end of the probe.
pub(crate) fn finish(probe: JoinHandle<Result<Times>>) -> Result<Times> {
    probe.join().map_err(|_| anyhow!("the probe panicked"))?
}

fn watch(write: SocketAddr, time: Duration) -> Result<Times> {
    let begun = Instant::now();
    let mut random = fastrand::Rng::with_seed(1);
    let mut times = Times::default();
    let (mut connection, account) = log_in(write, "\nProbe\n")?;
    let token = token(&account).context("the server sent no account")?;
    while begun.elapsed() < time {
        thread::sleep(Duration::from_millis(random.u64(PAUSE_MS)));
        let came = Instant::now();
        drop(log_in(write, &format!("{token}\n"))?);
        times.logins.push(milliseconds(came));
        thread::sleep(Duration::from_millis(random.u64(PAUSE_MS)));
        let posted = Instant::now();
        connection.get_mut().write_all(b"is this still quick?\n\n")?;
        ensure!(line(&mut connection)?.starts_with("Message send."), "a post was not confirmed");
        times.posts.push(milliseconds(posted));
    }
    Ok(times)
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// Connects, sends `input`, and reads up to the welcome line. Returns the connection and the account line.
fn log_in(write: SocketAddr, input: &str) -> Result<(BufReader<TcpStream>, String)> {
    let mut stream = TcpStream::connect(write)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(GUARD))?;
    stream.write_all(input.as_bytes())?;
    let mut connection = BufReader::new(stream);
    let mut account = String::new();
    loop {
        let line = line(&mut connection)?;
        if line.starts_with('{') {
            account = line;
        } else if line.starts_with("Welcome to chat!") {
            return Ok((connection, account));
        }
    }
}

fn line(connection: &mut BufReader<TcpStream>) -> Result<String> {
    let mut line = String::new();
    ensure!(connection.read_line(&mut line)? > 0, "the server closed the connection of the probe");
    Ok(line)
}

fn token(account: &str) -> Option<String> {
    let account: serde_json::Value = serde_json::from_str(account).ok()?;
    Some(account.get("account_hash")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_token_in_the_account() {
        let account = "{\"nickname\": \"Keen Probe\", \"account_hash\": \"9a08f44c\", \"extensions\": [\"id\"]}\n";
        assert_eq!(token(account).as_deref(), Some("9a08f44c"));
        assert_eq!(token("null\n"), None);
    }
}
