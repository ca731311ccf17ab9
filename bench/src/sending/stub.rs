//! A write port that accepts any token and confirms every message at once, with the lines of the original server. Serves
//! one announced connection at a time.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chat_proto::{CONFIRMATION, GREETING, WELCOME};

use crate::thread_time::thread_seconds;
use testkit::process;

/// Time a client has for each line.
const TIMEOUT: Duration = Duration::from_secs(30);

const ACCOUNT: &str = "{\"nickname\": \"Keen Bob\", \"account_hash\": \"9a08f44c-c541-41eb-8c47-0242ac110002\"}";

/// The port and the thread behind it.
pub(crate) struct Stub {
    port: u16,
    announcements: Sender<MemoryCheck>,
    processes: Sender<u32>,
    served: Receiver<Result<Served>>,
}

/// Whether the client's memory is read before its message is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemoryCheck {
    Yes,
    No,
}

/// Measurements of one connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Served {
    /// CPU seconds of the stub.
    pub(crate) cpu_s: f64,
    /// Peak memory of the client in KiB; 0 without a check.
    pub(crate) peak_kib: u64,
}

impl Stub {
    pub(crate) fn open() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let (announcements, announced) = channel();
        let (processes, watched) = channel();
        let (done, served) = channel();
        thread::spawn(move || {
            for check in announced {
                if done.send(serve(&listener, check, &watched)).is_err() {
                    return;
                }
            }
        });
        Ok(Self { port, announcements, processes, served })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Announces a connection.
    pub(crate) fn serve(&self, check: MemoryCheck) {
        // Cannot fail: the thread ends only after this sender is dropped.
        let _ = self.announcements.send(check);
    }

    /// Names the process whose memory is to be read.
    pub(crate) fn check_memory(&self, pid: u32) {
        let _ = self.processes.send(pid);
    }

    /// Waits for the end of the connection.
    pub(crate) fn served(&self) -> Result<Served> {
        self.served.recv_timeout(TIMEOUT).context("no connection to the stub was served in 30 s")?
    }
}

fn serve(listener: &TcpListener, check: MemoryCheck, watched: &Receiver<u32>) -> Result<Served> {
    let (stream, _) = listener.accept()?;
    let cpu = thread_seconds();
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_nodelay(true)?;
    let peak_kib = dialogue(stream, || match check {
        MemoryCheck::No => Ok(0),
        MemoryCheck::Yes => process::peak_kib(watched.recv_timeout(TIMEOUT)?),
    })?;
    Ok(Served { cpu_s: thread_seconds() - cpu, peak_kib })
}

/// Greets, accepts the login, reads one message, calls `before` and confirms the message.
fn dialogue(mut stream: TcpStream, before: impl FnOnce() -> Result<u64>) -> Result<u64> {
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    stream.write_all(format!("{GREETING}\n").as_bytes())?;
    ensure!(lines.read_line(&mut line)? > 1, "no token came");
    stream.write_all(format!("{ACCOUNT}\n{WELCOME}\n").as_bytes())?;
    line.clear();
    // A message of one line ends with an empty one.
    while !line.ends_with("\n\n") {
        ensure!(lines.read_line(&mut line)? > 0, "the client hung up before it had posted");
    }
    let done = before()?;
    stream.write_all(format!("{CONFIRMATION}\n").as_bytes())?;
    lines.read_to_end(&mut Vec::new())?;
    Ok(done)
}

#[cfg(test)]
mod tests {
    use std::net::Shutdown;

    use super::*;

    #[test]
    fn checks_memory_and_confirms() -> Result<()> {
        let stub = Stub::open()?;
        for check in [MemoryCheck::No, MemoryCheck::Yes] {
            stub.serve(check);
            let mut client = TcpStream::connect(("127.0.0.1", stub.port()))?;
            client.write_all(b"token\nhello\n\n")?;
            if check == MemoryCheck::Yes {
                stub.check_memory(std::process::id());
            }
            client.shutdown(Shutdown::Write)?;
            let mut output = String::new();
            client.read_to_string(&mut output)?;
            assert_eq!(output, format!("{GREETING}\n{ACCOUNT}\n{WELCOME}\n{CONFIRMATION}\n"));
            assert_eq!(stub.served()?.peak_kib > 0, check == MemoryCheck::Yes);
        }
        Ok(())
    }
}
