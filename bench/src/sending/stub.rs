//! A write port that takes any token and confirms what it gets at once: the lines of the original and nothing else. One
//! connection at a time, each announced before.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::process;
use crate::thread_time::thread_seconds;

/// How long a client may take for a line.
const PATIENCE: Duration = Duration::from_secs(30);

const GREETING: &str = "Hello %username%! Enter your personal hash or leave it empty to create new account.\n";
const LET_IN: &str = "{\"nickname\": \"Keen Bob\", \"account_hash\": \"9a08f44c-c541-41eb-8c47-0242ac110002\"}\n\
                      Welcome to chat! Post your message below. End it with an empty line.\n";
const CONFIRMATION: &str = "Message send. Write more, end message with an empty line.\n";

/// The port and the thread behind it.
pub struct Stub {
    port: u16,
    orders: Sender<Look>,
    processes: Sender<u32>,
    served: Receiver<Result<Served>>,
}

/// Whether the client's memory is looked at before its message is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    At,
    Away,
}

/// What a connection was.
#[derive(Debug, Clone, Copy)]
pub struct Served {
    /// Processor seconds of the stub.
    pub cpu_s: f64,
    /// The most memory that the client had; 0 where nobody looked.
    pub peak_kib: u64,
}

impl Stub {
    pub fn open() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let (orders, ordered) = channel();
        let (processes, watched) = channel();
        let (done, served) = channel();
        thread::spawn(move || {
            for look in ordered {
                if done.send(serve(&listener, look, &watched)).is_err() {
                    return;
                }
            }
        });
        Ok(Self { port, orders, processes, served })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Announces a connection.
    pub fn serve(&self, look: Look) {
        // The thread lives as long as this.
        let _ = self.orders.send(look);
    }

    /// Says which process it is that is to be looked at.
    pub fn look_at(&self, pid: u32) {
        let _ = self.processes.send(pid);
    }

    /// Waits for the end of the connection.
    pub fn served(&self) -> Result<Served> {
        self.served.recv_timeout(PATIENCE).context("nobody came to the stub")?
    }
}

fn serve(listener: &TcpListener, look: Look, watched: &Receiver<u32>) -> Result<Served> {
    let (stream, _) = listener.accept()?;
    let cpu = thread_seconds();
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let peak_kib = dialogue(stream, || match look {
        Look::Away => Ok(0),
        Look::At => process::peak_kib(watched.recv_timeout(PATIENCE)?),
    })?;
    Ok(Served { cpu_s: thread_seconds() - cpu, peak_kib })
}

/// Greets, lets in, takes one message, does `before` and confirms it.
fn dialogue(mut stream: TcpStream, before: impl FnOnce() -> Result<u64>) -> Result<u64> {
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    stream.write_all(GREETING.as_bytes())?;
    ensure!(lines.read_line(&mut line)? > 1, "no token came");
    stream.write_all(LET_IN.as_bytes())?;
    line.clear();
    // A message of one line ends with an empty one.
    while !line.ends_with("\n\n") {
        ensure!(lines.read_line(&mut line)? > 0, "the client hung up before it had posted");
    }
    let done = before()?;
    stream.write_all(CONFIRMATION.as_bytes())?;
    lines.read_to_end(&mut Vec::new())?;
    Ok(done)
}

#[cfg(test)]
mod tests {
    use std::net::Shutdown;

    use super::*;

    #[test]
    fn it_lets_in_looks_and_confirms() -> Result<()> {
        let stub = Stub::open()?;
        for look in [Look::Away, Look::At] {
            stub.serve(look);
            let mut client = TcpStream::connect(("127.0.0.1", stub.port()))?;
            client.write_all(b"token\nhello\n\n")?;
            if look == Look::At {
                stub.look_at(std::process::id());
            }
            client.shutdown(Shutdown::Write)?;
            let mut said = String::new();
            client.read_to_string(&mut said)?;
            assert_eq!(said, format!("{GREETING}{LET_IN}{CONFIRMATION}"));
            assert_eq!(stub.served()?.peak_kib > 0, look == Look::At);
        }
        Ok(())
    }
}
