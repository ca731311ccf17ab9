//! A listen port that says the same line over and over, as cheaply as that can be done. It answers nothing, so everybody
//! takes it for a plain server.

use std::io::{ErrorKind, Write as _};
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroU64;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::thread::set_current_timer_slack;

/// What is said; 60 bytes.
pub const LINE: &str = "Jolly Ann: a line of an ordinary day, some sixty bytes long\n";

/// How many lines go into one write.
const PIECE: usize = 4_096;

/// How long a program may take to come, and to take anything at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// The port, before somebody came.
pub struct Source {
    listener: TcpListener,
}

/// Whoever came.
pub struct Connected {
    stream: TcpStream,
    piece: Vec<u8>,
}

impl Source {
    pub fn open() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener })
    }

    pub fn port(&self) -> Result<u16> {
        Ok(self.listener.local_addr()?.port())
    }

    /// Waits for the program to connect.
    pub fn accept(&self) -> Result<Connected> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false)?;
                    stream.set_nodelay(true)?;
                    stream.set_write_timeout(Some(PATIENCE))?;
                    return Ok(Connected { stream, piece: LINE.as_bytes().repeat(PIECE) });
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(1)),
                Err(error) => return Err(error.into()),
            }
        }
        bail!("the program did not connect")
    }
}

impl Connected {
    /// Says so many lines in large pieces.
    pub fn say(&mut self, lines: u64) -> Result<()> {
        let mut left = lines as usize * LINE.len();
        while left > 0 {
            let piece = left.min(self.piece.len());
            self.stream.write_all(&self.piece[..piece]).context("the program takes nothing more")?;
            left -= piece;
        }
        Ok(())
    }

    /// Says one line at a time, evenly over the seconds. Who is behind catches up without a pause, so the rate holds on
    /// a busy machine too.
    pub fn say_live(&mut self, lines: u64, per_second: u32) -> Result<()> {
        // Without this the kernel sleeps longer than the time between two lines.
        let slack = NonZeroU64::new(1);
        set_current_timer_slack(slack)?;
        let begun = Instant::now();
        for number in 0..lines {
            let due = begun + Duration::from_secs_f64(number as f64 / f64::from(per_second));
            let early = due.saturating_duration_since(Instant::now());
            if !early.is_zero() {
                thread::sleep(early);
            }
            self.stream.write_all(LINE.as_bytes()).context("the program takes nothing more")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn it_says_as_many_lines_as_it_is_told_to() -> Result<()> {
        let source = Source::open()?;
        let mut listener = TcpStream::connect(("127.0.0.1", source.port()?))?;
        let mut connected = source.accept()?;
        let lines = PIECE as u64 + 7;
        let speaker = thread::spawn(move || {
            connected.say(lines)?;
            connected.say_live(2, 1_000_000)
        });
        let mut heard = String::new();
        listener.read_to_string(&mut heard)?;
        speaker.join().unwrap()?;
        assert_eq!(heard, LINE.repeat(PIECE + 9));
        Ok(())
    }
}
