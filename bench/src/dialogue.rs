//! The dialogue of a new connection before its first message, as steps of sending and waiting. It blocks and is not
//! measured.

use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use memchr::memmem;
use rustix::net::sockopt::set_socket_linger;

/// Time a server has for an answer.
const GUARD: Duration = Duration::from_secs(20);

/// Number of connections that go through their dialogue concurrently.
const AT_ONCE: usize = 250;
/// Pause between two connections. When a backlog overflows, each further connection takes a second.
const PAUSE: Duration = Duration::from_micros(300);

/// One step: what to send, and the answer to wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// Bytes to send.
    pub(crate) send: Vec<u8>,
    /// Bytes that the answer must contain; no answer is awaited when empty.
    pub(crate) until: Vec<u8>,
}

impl Step {
    pub(crate) fn new(send: impl Into<Vec<u8>>, until: impl Into<Vec<u8>>) -> Self {
        Self { send: send.into(), until: until.into() }
    }
}

/// Connects and runs all steps.
pub(crate) fn open(address: SocketAddr, steps: &[Step]) -> Result<TcpStream> {
    let mut stream = connect(address)?;
    for step in steps {
        stream.write_all(&step.send)?;
        await_answer(&mut stream, &step.until)?;
    }
    Ok(stream)
}

/// Opens `count` connections, `AT_ONCE` of them concurrently, because some servers accept a connection only once per
/// second. Connection `index` runs `steps(index)`.
pub(crate) fn open_all(
    address: SocketAddr,
    count: usize,
    steps: impl Fn(usize) -> Vec<Step>,
) -> Result<Vec<TcpStream>> {
    let mut all = Vec::with_capacity(count);
    while all.len() < count {
        let first = all.len();
        let mut group = Vec::new();
        for index in first..count.min(first + AT_ONCE) {
            let failed = || format!("connection {index} failed");
            let mut stream = connect(address).with_context(failed)?;
            // Reset at the end: thousands of connections that have ended otherwise keep their ports for a minute, which the
            // next round needs.
            set_socket_linger(&stream, Some(Duration::ZERO))?;
            let steps = steps(index);
            // Sent at once and not when all are connected: some servers are slow to notice input of an idle connection.
            stream.write_all(steps.first().map_or(&[], |step| &step.send)).with_context(failed)?;
            group.push((stream, steps));
            thread::sleep(PAUSE);
        }
        for turn in 0..group.iter().map(|(_, steps)| steps.len()).max().unwrap_or_default() {
            for (index, (stream, steps)) in group.iter_mut().enumerate() {
                let failed = || format!("connection {} failed", first + index);
                await_answer(stream, steps.get(turn).map_or(&[], |step| &step.until)).with_context(failed)?;
            }
            for (stream, steps) in &mut group {
                stream.write_all(steps.get(turn + 1).map_or(&[], |step| &step.send))?;
            }
        }
        all.extend(group.into_iter().map(|(stream, _)| stream));
    }
    Ok(all)
}

pub(crate) fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).context("could not connect")?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(GUARD))?;
    Ok(stream)
}

/// Reads until the answer is there.
pub(crate) fn await_answer(stream: &mut impl Read, until: &[u8]) -> Result<()> {
    let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
    while memmem::find(&answer, until).is_none() {
        let count = stream.read(&mut piece).context("no answer in the dialogue")?;
        ensure!(count > 0, "closed in the dialogue, after {:?}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&piece[..count]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn joins_an_answer_in_pieces() -> Result<()> {
        let server = TcpListener::bind("127.0.0.1:0")?;
        let address = server.local_addr()?;
        let peer = thread::spawn(move || -> Result<String> {
            let mut stream = server.accept()?.0;
            let mut input = [0; 5];
            stream.read_exact(&mut input)?;
            stream.write_all(b"Wel")?;
            stream.write_all(b"come\n")?;
            Ok(String::from_utf8(input.into())?)
        });
        open(address, &[Step::new("hello", "Welcome")])?;
        assert_eq!(peer.join().unwrap()?, "hello");
        Ok(())
    }
}
