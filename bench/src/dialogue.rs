//! What is said on a new connection before the messages flow: send this, wait for that. It blocks and is not measured.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use memchr::memmem;

/// A server that says nothing for so long says nothing any more.
const GUARD: Duration = Duration::from_secs(20);

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
    let mut stream = TcpStream::connect(address).context("cannot connect")?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(GUARD))?;
    for step in steps {
        stream.write_all(&step.send)?;
        await_answer(&mut stream, &step.until)?;
    }
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
    use std::{net::TcpListener, thread};

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
