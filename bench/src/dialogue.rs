//! What is said on a new connection before the messages flow: send this, wait for that. It blocks and is not measured.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use memchr::memmem;

/// A server that says nothing for so long says nothing any more.
const GUARD: Duration = Duration::from_secs(20);

/// How many connections are in their dialogue together.
const AT_ONCE: usize = 250;
/// Between two connections. A server whose backlog overflows keeps the rest waiting for a second each.
const BREATH: Duration = Duration::from_micros(300);

/// One turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is sent.
    pub send: Vec<u8>,
    /// What has to be in the answer; nothing is waited for when it is empty.
    pub until: Vec<u8>,
}

impl Step {
    pub fn new(send: impl Into<Vec<u8>>, until: impl Into<Vec<u8>>) -> Self {
        Self { send: send.into(), until: until.into() }
    }
}

/// Connects and goes through all steps.
pub fn open(address: SocketAddr, steps: &[Step]) -> Result<TcpStream> {
    let mut stream = connect(address)?;
    for step in steps {
        stream.write_all(&step.send)?;
        await_answer(&mut stream, &step.until)?;
    }
    Ok(stream)
}

/// Opens so many connections, `AT_ONCE` of them together: some servers let a connection in only once a second.
/// Connection `index` says `steps(index)`.
pub fn open_all(address: SocketAddr, count: usize, steps: impl Fn(usize) -> Vec<Step>) -> Result<Vec<TcpStream>> {
    let mut all = Vec::with_capacity(count);
    while all.len() < count {
        let first = all.len();
        let mut group = Vec::new();
        for index in first..count.min(first + AT_ONCE) {
            let who = || format!("connection {index} did not get in");
            let mut stream = connect(address).with_context(who)?;
            let steps = steps(index);
            // At once, and not when all are connected: some servers take long to look at one that was silent.
            stream.write_all(steps.first().map_or(&[], |step| &step.send)).with_context(who)?;
            group.push((stream, steps));
            thread::sleep(BREATH);
        }
        for turn in 0..group.iter().map(|(_, steps)| steps.len()).max().unwrap_or_default() {
            for (index, (stream, steps)) in group.iter_mut().enumerate() {
                let who = || format!("connection {} did not get in", first + index);
                await_answer(stream, steps.get(turn).map_or(&[], |step| &step.until)).with_context(who)?;
            }
            for (stream, steps) in &mut group {
                stream.write_all(steps.get(turn + 1).map_or(&[], |step| &step.send))?;
            }
        }
        all.extend(group.into_iter().map(|(stream, _)| stream));
    }
    Ok(all)
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).context("cannot connect")?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(GUARD))?;
    Ok(stream)
}

fn await_answer(stream: &mut TcpStream, until: &[u8]) -> Result<()> {
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
    fn an_answer_may_come_in_pieces() -> Result<()> {
        let server = TcpListener::bind("127.0.0.1:0")?;
        let address = server.local_addr()?;
        let peer = thread::spawn(move || -> Result<String> {
            let mut stream = server.accept()?.0;
            let mut said = [0; 5];
            stream.read_exact(&mut said)?;
            stream.write_all(b"Wel")?;
            stream.write_all(b"come\n")?;
            Ok(String::from_utf8(said.into())?)
        });
        open(address, &[Step::new("hello", "Welcome")])?;
        assert_eq!(peer.join().unwrap()?, "hello");
        Ok(())
    }
}
