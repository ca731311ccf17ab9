//! The final state of each message of a `chat send` run, and the sentence that reports them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chat_frontend::Exit;

/// The final state of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PostOutcome {
    Confirmed,
    Refused,
    Unconfirmed,
    NeverSent,
}

impl PostOutcome {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Refused => "refused",
            Self::Unconfirmed => "unconfirmed",
            Self::NeverSent => "never_sent",
        }
    }

    fn in_words(self) -> &'static str {
        if self == Self::NeverSent { "never sent" } else { self.name() }
    }
}

/// How many different reasons are reported. They come from the server, which could send any number of them.
const REASONS: usize = 16;

/// First and last line of each range, in order.
type Ranges = Vec<(u64, u64)>;

/// The outcomes of all messages with their reasons, by number of their input line, kept as ranges: a million confirmed
/// lines take no more than one.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    ranges: BTreeMap<(PostOutcome, Box<str>), Ranges>,
    /// The input continues after the lines that were read.
    cut: bool,
}

impl Ledger {
    /// Records the final state of one message; the reason may be empty.
    pub(crate) fn note(&mut self, line: u64, outcome: PostOutcome, reason: &str) {
        let known = self.ranges.len() < REASONS || self.ranges.contains_key(&(outcome, reason.into()));
        let ranges = self.ranges.entry((outcome, if known { reason } else { "" }.into())).or_default();
        // Messages end nearly in order, so the position is at or near the end.
        let place = ranges.partition_point(|&(_, last)| last < line);
        if place > 0 && ranges[place - 1].1 + 1 == line {
            ranges[place - 1].1 = line;
            if place < ranges.len() && ranges[place].0 == line + 1 {
                ranges[place - 1].1 = ranges[place].1;
                ranges.remove(place);
            }
        } else if place < ranges.len() && ranges[place].0 == line + 1 {
            ranges[place].0 = line;
        } else {
            ranges.insert(place, (line, line));
        }
    }

    /// Records that the lines after the last one were not read, and not sent either.
    pub(crate) fn cut(&mut self) {
        self.cut = true;
    }

    pub(crate) fn count(&self, outcome: PostOutcome) -> u64 {
        let ranges = self.ranges.iter().filter(|((of, _), _)| *of == outcome).flat_map(|(_, ranges)| ranges);
        ranges.map(|(first, last)| last - first + 1).sum()
    }

    /// Returns the report, or `None` if every message was confirmed.
    pub(crate) fn shortfall(&self) -> Option<Shortfall> {
        let worst = [PostOutcome::Unconfirmed, PostOutcome::Refused, PostOutcome::NeverSent]
            .into_iter()
            .find(|outcome| self.count(*outcome) > 0)?;
        Some(Shortfall { worst, report: self.report() })
    }

    fn report(&self) -> String {
        let mut out = String::new();
        for ((outcome, reason), ranges) in &self.ranges {
            if !out.is_empty() {
                out.push_str("; ");
            }
            let _ = write!(out, "{}: line ", outcome.in_words());
            for (index, (first, last)) in ranges.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                let _ = if first == last { write!(out, "{first}") } else { write!(out, "{first}-{last}") };
            }
            if !reason.is_empty() {
                let _ = write!(out, " ({reason})");
            }
        }
        if self.cut && self.count(PostOutcome::NeverSent) > 0 {
            out.push_str(" and what follows");
        }
        out
    }
}

/// Not everything was confirmed; reports which input lines ended in which state.
#[derive(Debug, thiserror::Error)]
#[error("{report}")]
pub(crate) struct Shortfall {
    worst: PostOutcome,
    report: String,
}

impl Shortfall {
    /// Returns the exit code by the messages; `None` if some were only never sent, because then their cause decides.
    pub(crate) fn exit(&self) -> Option<Exit> {
        match self.worst {
            PostOutcome::Refused => Some(Exit::Refused),
            PostOutcome::NeverSent => None,
            PostOutcome::Confirmed | PostOutcome::Unconfirmed => Some(Exit::Unconfirmed),
        }
    }

    pub(crate) fn code(&self) -> &'static str {
        match self.worst {
            PostOutcome::Refused => "message_refused",
            PostOutcome::NeverSent => "unreachable",
            PostOutcome::Confirmed | PostOutcome::Unconfirmed => "unconfirmed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_every_line_and_the_worst_state() {
        let mut ledger = Ledger::default();
        for line in [1, 2, 4, 3, 9] {
            ledger.note(line, PostOutcome::Confirmed, "");
        }
        assert!(ledger.shortfall().is_none());
        ledger.note(6, PostOutcome::NeverSent, "");
        ledger.note(5, PostOutcome::Unconfirmed, "");
        ledger.note(7, PostOutcome::NeverSent, "");
        let shortfall = ledger.shortfall().expect("not all confirmed");
        assert_eq!(shortfall.to_string(), "confirmed: line 1-4, 9; unconfirmed: line 5; never sent: line 6-7");
        assert_eq!(shortfall.exit(), Some(Exit::Unconfirmed));
    }

    #[test]
    fn separates_a_bounded_number_of_reasons() {
        let mut ledger = Ledger::default();
        for (line, reason) in [(1, "too long"), (2, "revoked"), (3, "too long")] {
            ledger.note(line, PostOutcome::Refused, reason);
        }
        let shortfall = ledger.shortfall().expect("refused");
        assert_eq!(shortfall.to_string(), "refused: line 2 (revoked); refused: line 1, 3 (too long)");
        (4..1000).for_each(|line| ledger.note(line, PostOutcome::Refused, &line.to_string()));
        assert!(ledger.ranges.len() <= REASONS + 1);
        assert_eq!(ledger.count(PostOutcome::Refused), 999);
    }
}
