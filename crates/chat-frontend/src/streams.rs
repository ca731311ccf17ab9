//! Standard output and standard error, written so that a watchdog can notice a write that is stuck: in a pipe or a
//! terminal whose reader has stopped.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// One counter for each stream. Each begin and each end of a system call counts, so it is odd while a call runs.
static CALLS: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];

/// Writes all bytes to standard output, and flushes.
///
/// # Errors
/// The error of the operating system.
pub fn write_stdout(bytes: &[u8]) -> io::Result<()> {
    // The lock makes the calls of several threads follow one another.
    write_counted(&mut io::stdout().lock(), &CALLS[0], bytes)
}

/// Writes all bytes to standard error.
///
/// # Errors
/// The error of the operating system.
pub fn write_stderr(bytes: &[u8]) -> io::Result<()> {
    write_counted(&mut io::stderr().lock(), &CALLS[1], bytes)
}

/// Standard error for a log.
#[derive(Debug)]
pub(crate) struct CountedStderr;

impl Write for CountedStderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write_stderr(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_counted(stream: &mut impl Write, calls: &AtomicU64, mut bytes: &[u8]) -> io::Result<()> {
    // One call at a time, so that a slow reader is not mistaken for one that has stopped.
    while !bytes.is_empty() {
        match counted(calls, || stream.write(bytes)) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    counted(calls, || stream.flush())
}

fn counted<T>(calls: &AtomicU64, call: impl FnOnce() -> T) -> T {
    calls.fetch_add(1, Ordering::AcqRel);
    let result = call();
    calls.fetch_add(1, Ordering::AcqRel);
    result
}

/// Notices a write to standard output or standard error that does not return.
#[derive(Debug, Default)]
pub struct StuckWrite {
    /// The call that ran at the last look, and when it was first seen.
    seen: [Option<(u64, Instant)>; 2],
}

impl StuckWrite {
    /// Returns how long one write has been running, as far as earlier looks have seen it. Look again and again.
    pub fn look(&mut self) -> Duration {
        self.look_at(&CALLS, Instant::now())
    }

    fn look_at(&mut self, calls: &[AtomicU64; 2], now: Instant) -> Duration {
        let mut longest = Duration::ZERO;
        for (calls, seen) in calls.iter().zip(&mut self.seen) {
            let call = calls.load(Ordering::Acquire);
            let since = match *seen {
                Some((known, since)) if known == call => since,
                _ => now,
            };
            *seen = (call % 2 == 1).then_some((call, since));
            if seen.is_some() {
                longest = longest.max(now - since);
            }
        }
        longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes at most one byte per call.
    struct Slow(Vec<u8>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.extend_from_slice(&bytes[..1]);
            Ok(1)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn writes_everything_in_counted_calls() {
        let (mut stream, calls) = (Slow(Vec::new()), AtomicU64::new(0));
        write_counted(&mut stream, &calls, b"abc").unwrap();
        assert_eq!((stream.0, calls.into_inner()), (b"abc".to_vec(), 8));
    }

    #[test]
    fn tells_a_stuck_write_from_slow_ones() {
        let (calls, start) = ([AtomicU64::new(2), AtomicU64::new(7)], Instant::now());
        let mut stuck = StuckWrite::default();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        assert_eq!(stuck.look_at(&calls, at(0)), Duration::ZERO);
        assert_eq!(stuck.look_at(&calls, at(1)), Duration::from_secs(1));
        // That one has returned, and another has begun.
        calls[1].store(9, Ordering::Release);
        assert_eq!(stuck.look_at(&calls, at(2)), Duration::ZERO);
        calls[0].store(3, Ordering::Release);
        assert_eq!(stuck.look_at(&calls, at(4)), Duration::from_secs(2));
        calls[1].store(10, Ordering::Release);
        assert_eq!(stuck.look_at(&calls, at(5)), Duration::from_secs(1));
        calls[0].store(4, Ordering::Release);
        assert_eq!(stuck.look_at(&calls, at(6)), Duration::ZERO);
    }
}
