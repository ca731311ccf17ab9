//! Compares the log after a cut with what was confirmed before it.

use crate::rig::post_text;

/// What a writer was told of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Confirmation {
    pub(super) stream: String,
    pub(super) seq: u64,
}

/// The log as it was read so far. Each writer posts its messages in the order of their numbers, so each message of the
/// log must be the next one of its writer.
#[derive(Debug)]
pub(super) struct LogReading {
    seed: u64,
    /// The complete nicknames of the writers.
    nicknames: Vec<String>,
    /// The sequence numbers of each writer's messages.
    seqs: Vec<Vec<u64>>,
    pub(super) head: u64,
    pub(super) findings: Findings,
}

/// Violations by kind, with the first of them in words.
#[derive(Debug, Clone, Default)]
pub(super) struct Findings {
    pub(super) lost: u64,
    pub(super) duplicated: u64,
    pub(super) disordered: u64,
    pub(super) examples: Vec<String>,
}

/// The number of violations that are described.
const EXAMPLES: usize = 10;

impl Findings {
    pub(super) fn total(&self) -> u64 {
        self.lost + self.duplicated + self.disordered
    }

    pub(super) fn add(&mut self, other: Self) {
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.disordered += other.disordered;
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES);
    }

    /// Counts damage of the log or of the store.
    pub(super) fn damaged(&mut self, what: &str) {
        self.lost += 1;
        self.describe(what.to_owned());
    }

    fn describe(&mut self, example: String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(example);
        }
    }
}

impl LogReading {
    pub(super) fn new(seed: u64, nicknames: Vec<String>) -> Self {
        let seqs = vec![Vec::new(); nicknames.len()];
        Self { seed, nicknames, seqs, head: 0, findings: Findings::default() }
    }

    /// Returns the number of a writer's messages in the log.
    pub(super) fn stored(&self, writer: usize) -> u64 {
        self.seqs[writer].len() as u64
    }

    /// Takes the next message of the log.
    pub(super) fn push(&mut self, seq: u64, nickname: &str, text: &str) {
        if seq != self.head + 1 {
            self.findings.disordered += 1;
            self.findings.describe(format!("number {seq} follows number {}", self.head));
        }
        self.head = seq;
        let Some(writer) = self.nicknames.iter().position(|own| own == nickname) else {
            self.findings.disordered += 1;
            return self.findings.describe(format!("a message of {nickname:?}, who posted none"));
        };
        let next = self.stored(writer);
        if text == post_text::text(self.seed, writer, next) {
            self.seqs[writer].push(seq);
            return;
        }
        let number = text.split(' ').next().and_then(|id| post_text::number(writer, id));
        match number {
            Some(number) if number < next => {
                self.findings.duplicated += 1;
                self.findings.describe(format!("message {number} of writer {writer} is there again as {seq}"));
            }
            Some(number) => {
                self.findings.lost += number - next;
                self.findings.describe(format!("writer {writer}: message {number} follows message {next}"));
                // The check continues behind the hole.
                self.seqs[writer].resize(number as usize, 0);
                self.seqs[writer].push(seq);
            }
            None => {
                self.findings.disordered += 1;
                self.findings.describe(format!("number {seq} is not what writer {writer} posted: {text:?}"));
            }
        }
    }

    /// Compares the log with a writer's confirmations, of which the first `before` arrived before the cut began.
    pub(super) fn compare(&mut self, writer: usize, stream: &str, confirmations: &[Confirmation], before: u64) {
        let stored = self.stored(writer);
        if stored < before {
            self.findings.lost += before - stored;
            self.findings.describe(format!("writer {writer}: {before} were confirmed, the log has {stored}"));
        }
        for (number, (confirmation, &seq)) in confirmations.iter().zip(&self.seqs[writer]).enumerate() {
            if confirmation.seq != seq || confirmation.stream != stream {
                self.findings.disordered += 1;
                let (told, at) = (confirmation.seq, &confirmation.stream);
                self.findings.describe(format!(
                    "message {number} of writer {writer} was confirmed as {told} of {at} and is {seq} of {stream}"
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading() -> LogReading {
        LogReading::new(7, vec!["Keen Bob".into(), "Jolly Ann".into()])
    }

    fn read(reading: &mut LogReading, messages: &[(u64, usize, u64)]) {
        for &(seq, writer, number) in messages {
            let nickname = reading.nicknames[writer].clone();
            reading.push(seq, &nickname, &post_text::text(7, writer, number));
        }
    }

    fn confirmed(seqs: &[u64]) -> Vec<Confirmation> {
        seqs.iter().map(|&seq| Confirmation { stream: "s".into(), seq }).collect()
    }

    #[test]
    fn complete_log_has_no_findings() {
        let mut reading = reading();
        read(&mut reading, &[(1, 0, 0), (2, 1, 0), (3, 0, 1)]);
        reading.compare(0, "s", &confirmed(&[1, 3]), 2);
        // The confirmation of a stored message may be lost with the connection.
        reading.compare(1, "s", &confirmed(&[]), 0);
        assert_eq!(reading.findings.total(), 0, "{:?}", reading.findings);
    }

    #[test]
    fn shortened_log_has_lost_messages() {
        let mut reading = reading();
        read(&mut reading, &[(1, 0, 0)]);
        reading.compare(0, "s", &confirmed(&[1, 2, 3]), 2);
        assert_eq!(reading.findings.lost, 1, "{:?}", reading.findings);
    }

    #[test]
    fn other_position_or_stream_is_found() {
        let mut reading = reading();
        read(&mut reading, &[(1, 1, 0), (2, 0, 0)]);
        reading.compare(0, "s", &confirmed(&[1]), 1);
        reading.compare(1, "other", &confirmed(&[1]), 1);
        assert_eq!(reading.findings.disordered, 2, "{:?}", reading.findings);
    }

    #[test]
    fn repetition_hole_and_foreign_text_are_found() {
        let mut reading = reading();
        read(&mut reading, &[(1, 0, 0), (2, 0, 0), (3, 0, 2), (5, 1, 0)]);
        reading.push(6, "Keen Bob", "something else");
        assert_eq!((reading.findings.duplicated, reading.findings.lost, reading.findings.disordered), (1, 1, 2));
    }
}
