//! A node that begins with nothing while the log has many messages.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use testkit::process;

use super::crowd::Crowd;
use super::room::Room;
use super::round::IN_FLIGHT;
use crate::measure::Sample;
use crate::publisher::Workload;
use crate::server_process::ServerOptions;
use crate::thread_time::thread_seconds;

/// Time between two looks at the node.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Time in which the node must have everything.
const WITHIN: Duration = Duration::from_secs(300);
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// Fills the log.
pub(super) fn fill(room: &Room, writers: usize, messages: u64) -> Result<u64> {
    let mut crowd = Crowd::connect(&room.addresses(), writers, 0)?;
    let each = messages / writers as u64;
    crowd.begin(Workload { messages: each, in_flight: IN_FLIGHT, echo: false, per_second: None });
    crowd.finish()?;
    Ok(each * writers as u64)
}

/// Starts a node, and waits until it has all messages.
pub(super) fn catch_up(options: &ServerOptions, room: &Room, messages: u64) -> Result<Sample> {
    let (begun, load_cpu) = (Instant::now(), thread_seconds());
    let node = room.another(options)?;
    while head(node.listen())? < messages {
        ensure!(begun.elapsed() < WITHIN, "the node does not catch up");
        thread::sleep(LOOK_EVERY);
    }
    let wall_s = begun.elapsed().as_secs_f64();
    let (cpu_s, peak_kib) = (process::cpu_seconds(node.pid())?, process::peak_kib(node.pid())?);
    Ok(Sample { units: messages as f64, wall_s, cpu_s, load_cpu_s: thread_seconds() - load_cpu, peak_kib })
}

/// The answer to a listener that resumes.
#[derive(Debug, Deserialize)]
struct Answer {
    head: u64,
}

/// Returns the number of the last message of a node.
fn head(node: SocketAddr) -> Result<u64> {
    let mut stream = TcpStream::connect(node)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    stream.write_all(b"\x01{\"resume\": {\"last\": 0}, \"nonce\": \"bench\"}\n")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    parse_head(&line)
}

fn parse_head(line: &str) -> Result<u64> {
    let json = line.strip_prefix('\u{1}').context("a node does not answer a resuming listener")?;
    Ok(serde_json::from_str::<Answer>(json)?.head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_head_of_the_answer() -> Result<()> {
        let answer = "\u{1}{\"stream\": \"k3f9\", \"from\": 10, \"head\": 9, \"nonce\": \"bench\"}\n";
        assert_eq!(parse_head(answer)?, 9);
        assert!(parse_head("").is_err());
        Ok(())
    }
}
