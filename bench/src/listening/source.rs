//! A listen port that sends the same line repeatedly at the least cost. It answers nothing, like a plain server, unless it is
//! told to number its lines.

use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroU64;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::thread::set_current_timer_slack;

/// The line, 60 bytes.
pub(crate) const LINE: &str = "Jolly Ann: a line of an ordinary day, some sixty bytes long\n";

/// The time of numbered lines, in milliseconds since the Unix epoch.
const AT: u64 = 1_700_000_000_000;

/// Number of lines per write.
const PIECE: usize = 4_096;

/// Time a program has to connect, and to read.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The listening port.
pub(crate) struct Source {
    listener: TcpListener,
}

/// The connection of the program.
pub(crate) struct Connected {
    stream: TcpStream,
    piece: Vec<u8>,
    /// The number of the next line, if they are numbered.
    next: Option<u64>,
}

impl Source {
    pub(crate) fn open() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener })
    }

    pub(crate) fn port(&self) -> Result<u16> {
        Ok(self.listener.local_addr()?.port())
    }

    /// Waits for the program to connect.
    pub(crate) fn accept(&self) -> Result<Connected> {
        let begun = Instant::now();
        while begun.elapsed() < TIMEOUT {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false)?;
                    stream.set_nodelay(true)?;
                    stream.set_write_timeout(Some(TIMEOUT))?;
                    return Ok(Connected { stream, piece: LINE.as_bytes().repeat(PIECE), next: None });
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(1)),
                Err(error) => return Err(error.into()),
            }
        }
        bail!("the program did not connect in 60 s")
    }
}

impl Connected {
    /// Answers the request of the program, as a server that numbers its messages.
    pub(crate) fn number_lines(&mut self) -> Result<()> {
        let mut request = String::new();
        self.stream.set_read_timeout(Some(TIMEOUT))?;
        BufReader::new(&self.stream).read_line(&mut request).context("no request")?;
        let request: serde_json::Value = serde_json::from_str(request.trim_start_matches('\u{1}'))?;
        let nonce = &request["nonce"];
        writeln!(self.stream, "\u{1}{{\"stream\": \"bench\", \"from\": 1, \"head\": 0, \"nonce\": {nonce}}}")?;
        self.next = Some(1);
        Ok(())
    }

    /// Sends lines in large pieces.
    pub(crate) fn send(&mut self, lines: u64) -> Result<()> {
        if let Some(first) = self.next {
            return self.send_numbered(first, lines);
        }
        let mut left = lines as usize * LINE.len();
        while left > 0 {
            let piece = left.min(self.piece.len());
            self.stream.write_all(&self.piece[..piece]).context("the program does not read")?;
            left -= piece;
        }
        Ok(())
    }

    fn send_numbered(&mut self, first: u64, lines: u64) -> Result<()> {
        let (nick, text) = LINE.trim_end().split_once(": ").context("the line has no sender")?;
        let end = first + lines;
        self.next = Some(end);
        let mut piece = Vec::new();
        for seq in first..end {
            writeln!(piece, "\u{1}{{\"seq\": {seq}, \"at\": {AT}, \"nick\": \"{nick}\", \"text\": \"{text}\"}}")?;
            if piece.len() >= PIECE * LINE.len() || seq + 1 == end {
                self.stream.write_all(&piece).context("the program does not read")?;
                piece.clear();
            }
        }
        Ok(())
    }

    /// Sends one line at a time at a fixed rate. Late lines are sent without a pause, so that the rate is kept on a busy
    /// machine, too.
    pub(crate) fn send_at_rate(&mut self, lines: u64, per_second: u32) -> Result<()> {
        // The default timer slack is longer than the time between two lines.
        let slack = NonZeroU64::new(1);
        set_current_timer_slack(slack)?;
        let begun = Instant::now();
        for number in 0..lines {
            let due = begun + Duration::from_secs_f64(number as f64 / f64::from(per_second));
            let early = due.saturating_duration_since(Instant::now());
            if !early.is_zero() {
                thread::sleep(early);
            }
            self.stream.write_all(LINE.as_bytes()).context("the program does not read")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn sends_the_requested_lines() -> Result<()> {
        let source = Source::open()?;
        let mut listener = TcpStream::connect(("127.0.0.1", source.port()?))?;
        let mut connected = source.accept()?;
        let lines = PIECE as u64 + 7;
        let sender = thread::spawn(move || {
            connected.send(lines)?;
            connected.send_at_rate(2, 1_000_000)
        });
        let mut received = String::new();
        listener.read_to_string(&mut received)?;
        sender.join().unwrap()?;
        assert_eq!(received, LINE.repeat(PIECE + 9));
        Ok(())
    }
}
