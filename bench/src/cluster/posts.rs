//! The posts of one writer: which are due, which wait for their answer, and which were declined and are posted again. It has
//! no socket and no clock.

use std::collections::{BTreeMap, VecDeque};

use anyhow::{Context as _, Result, bail};

use crate::publisher::Workload;
use crate::text;

/// A confirmed post, in nanoseconds since the beginning of the workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Confirmed {
    /// When it was posted; at a fixed rate, when it was due.
    pub(super) due: u64,
    /// When its confirmation arrived.
    pub(super) came: u64,
}

/// The posts of one writer.
#[derive(Debug)]
pub(super) struct Posts {
    work: Workload,
    /// Posts of earlier workloads, so that no id is used twice.
    earlier: u64,
    posted: u64,
    confirmed: u64,
    /// When each post without an answer was due.
    waiting: BTreeMap<u64, u64>,
    /// Declined posts with the time at which each was due.
    declined: VecDeque<(u64, u64)>,
    /// How many were declined; a post counts each time.
    refusals: u64,
}

impl Posts {
    pub(super) fn new() -> Self {
        let work = Workload { messages: 0, in_flight: 0, echo: false, per_second: None };
        let (waiting, declined) = (BTreeMap::new(), VecDeque::new());
        Self { work, earlier: 0, posted: 0, confirmed: 0, waiting, declined, refusals: 0 }
    }

    /// Sets a new workload. Nothing may be in flight.
    pub(super) fn begin(&mut self, work: Workload) {
        self.earlier += self.posted;
        (self.work, self.posted, self.confirmed, self.refusals) = (work, 0, 0, 0);
    }

    /// Ends the workload with what was posted so far.
    pub(super) fn end(&mut self) {
        self.work.messages = self.posted;
    }

    /// Returns whether all posts of the workload are confirmed.
    pub(super) fn is_done(&self) -> bool {
        self.confirmed == self.work.messages
    }

    /// Returns the number of declined attempts.
    pub(super) fn refusals(&self) -> u64 {
        self.refusals
    }

    /// Returns when the oldest post that is not confirmed was due.
    pub(super) fn oldest(&self) -> Option<u64> {
        let declined = self.declined.front().map(|(_, due)| *due);
        self.waiting.values().next().copied().into_iter().chain(declined).min()
    }

    /// Appends what is due. Declined posts come first, when the answers to all others have arrived: so the server has
    /// stored no later one, and the order stays.
    pub(super) fn write_due(&mut self, passed: u64, out: &mut Vec<u8>) {
        if !self.declined.is_empty() {
            if self.waiting.is_empty() {
                for (number, due) in std::mem::take(&mut self.declined) {
                    self.write(number, due, out);
                }
            }
            return;
        }
        let due = self.work.due(passed, self.confirmed);
        while self.posted < due {
            let (number, time) = (self.posted, self.work.time(self.posted, passed));
            self.posted += 1;
            self.write(number, time, out);
        }
    }

    fn write(&mut self, number: u64, due: u64, out: &mut Vec<u8>) {
        self.waiting.insert(number, due);
        out.extend_from_slice(format!("\x01{{\"id\": \"{}\", \"text\": \"", self.earlier + number).as_bytes());
        text::append(out, number, due);
        out.extend_from_slice(b"\"}\n");
    }

    /// Takes an answer. Returns the post if it is a confirmation.
    ///
    /// # Errors
    /// The line is no answer to a post that waits for one.
    pub(super) fn answer(&mut self, line: &[u8], passed: u64) -> Result<Option<Confirmed>> {
        let unexpected = || format!("an unexpected answer: {}", String::from_utf8_lossy(line));
        let Some((is_confirmed, id)) = parse(line) else { bail!(unexpected()) };
        let number = id.checked_sub(self.earlier).with_context(unexpected)?;
        let due = self.waiting.remove(&number).with_context(unexpected)?;
        if is_confirmed {
            self.confirmed += 1;
            return Ok(Some(Confirmed { due, came: passed }));
        }
        self.refusals += 1;
        self.declined.push_back((number, due));
        Ok(None)
    }
}

/// Returns whether a line confirms or declines a post, and its id.
fn parse(line: &[u8]) -> Option<(bool, u64)> {
    let (is_confirmed, rest) = match line.strip_prefix(b"\x01{\"ok\": \"") {
        Some(rest) => (true, rest),
        None => (false, line.strip_prefix(b"\x01{\"no\": \"")?),
    };
    let end = memchr::memchr(b'"', rest)?;
    Some((is_confirmed, std::str::from_utf8(&rest[..end]).ok()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::numbers;

    const NO: &str = "\"code\": \"unavailable\", \"retry_after_ms\": 1000}";

    fn written(posts: &mut Posts, passed: u64) -> Vec<u64> {
        let mut out = Vec::new();
        posts.write_due(passed, &mut out);
        numbers(&out)
    }

    #[test]
    fn repeats_declined_posts_before_new_ones() -> Result<()> {
        let mut posts = Posts::new();
        posts.begin(Workload { messages: 5, in_flight: 3, echo: false, per_second: None });
        assert_eq!(written(&mut posts, 10), [0, 1, 2]);
        let first = posts.answer(b"\x01{\"ok\": \"0\", \"stream\": \"k3f9\", \"seq\": 1}", 30)?;
        assert_eq!(first, Some(Confirmed { due: 10, came: 30 }));
        assert_eq!(posts.answer(format!("\x01{{\"no\": \"1\", {NO}").as_bytes(), 40)?, None);
        assert_eq!(written(&mut posts, 41), [] as [u64; 0]);
        assert_eq!(posts.answer(format!("\x01{{\"no\": \"2\", {NO}").as_bytes(), 42)?, None);
        assert_eq!(posts.oldest(), Some(10));
        assert_eq!(written(&mut posts, 50), [1, 2]);
        assert_eq!(written(&mut posts, 51), [3]);
        assert_eq!(posts.answer(b"\x01{\"ok\": \"1\"}", 60)?, Some(Confirmed { due: 10, came: 60 }));
        assert_eq!(posts.refusals(), 2);
        Ok(())
    }

    #[test]
    fn a_workload_has_ids_of_its_own() -> Result<()> {
        let mut posts = Posts::new();
        let work = Workload { messages: 1, in_flight: 9, echo: false, per_second: None };
        posts.begin(work);
        written(&mut posts, 0);
        assert!(posts.answer(b"\x01{\"ok\": \"0\"}", 1)?.is_some() && posts.is_done());
        posts.begin(work);
        written(&mut posts, 0);
        assert!(posts.answer(b"\x01{\"ok\": \"0\"}", 1).is_err());
        assert!(posts.answer(b"Hello", 1).is_err());
        assert!(posts.answer(b"\x01{\"ok\": \"1\"}", 1)?.is_some());
        Ok(())
    }

    #[test]
    fn ends_with_what_was_posted() {
        let mut posts = Posts::new();
        posts.begin(Workload { messages: u64::MAX, in_flight: 0, echo: false, per_second: Some(1_000) });
        assert_eq!(written(&mut posts, 1_000_000), [0, 1]);
        posts.end();
        assert_eq!(written(&mut posts, 9_000_000), [] as [u64; 0]);
        assert!(!posts.is_done());
    }
}
