//! Somebody who comes while others are busy: logs in and posts, again and again, and notes how long each took.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};

/// A server that says nothing for so long says nothing any more.
const GUARD: Duration = Duration::from_secs(20);
/// Between two tries, at random between these, so that they are not in step with anything.
const PAUSE_MS: std::ops::Range<u64> = 10..30;

/// Milliseconds that each took.
#[derive(Debug, Default)]
pub struct Times {
    /// From the connection to the welcome, with a known token.
    pub logins: Vec<f64>,
    /// From the post to its confirmation, on a connection that is logged in.
    pub posts: Vec<f64>,
}

/// Starts it; it ends by itself when the time is over.
pub fn start(write: SocketAddr, time: Duration) -> JoinHandle<Result<Times>> {
    thread::spawn(move || watch(write, time))
}

/// Waits for its end.
pub fn finish(probe: JoinHandle<Result<Times>>) -> Result<Times> {
    probe.join().map_err(|_| anyhow!("the probe panicked"))?
}

fn watch(write: SocketAddr, time: Duration) -> Result<Times> {
    let begun = Instant::now();
    let mut random = fastrand::Rng::with_seed(1);
    let mut times = Times::default();
    let (mut connection, account) = log_in(write, "\nProbe\n")?;
    let token = token(&account).context("the server welcomed without an account")?;
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

/// Says this, and reads to the welcome. Returns the account with the connection.
fn log_in(write: SocketAddr, say: &str) -> Result<(BufReader<TcpStream>, String)> {
    let mut stream = TcpStream::connect(write)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(GUARD))?;
    stream.write_all(say.as_bytes())?;
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
    fn the_token_is_in_the_account() {
        let account = "{\"nickname\": \"Keen Probe\", \"account_hash\": \"9a08f44c\", \"extensions\": [\"id\"]}\n";
        assert_eq!(token(account).as_deref(), Some("9a08f44c"));
        assert_eq!(token("null\n"), None);
    }
}
