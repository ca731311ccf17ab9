//! What became of each message of a run of `chat send`, and the sentence that says so.

use std::fmt::Write as _;

use crate::exit::Exit;

/// The end of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Confirmed,
    Refused,
    Unconfirmed,
    NeverSent,
}

impl Outcome {
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

/// The outcomes of all messages, by number of their input line, kept as ranges: a million confirmed
/// lines take no more than one.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    ranges: [Vec<(u64, u64)>; 4],
    /// The input goes on behind what was read of it.
    cut: bool,
}

impl Ledger {
    pub(crate) fn note(&mut self, line: u64, outcome: Outcome) {
        let ranges = &mut self.ranges[outcome as usize];
        // Lines end nearly in order, so the place is at or near the end.
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

    /// What follows the last line that is noted was not read, and not sent either.
    pub(crate) fn cut(&mut self) {
        self.cut = true;
    }

    pub(crate) fn count(&self, outcome: Outcome) -> u64 {
        self.ranges[outcome as usize].iter().map(|(first, last)| last - first + 1).sum()
    }

    /// `None` when every message was confirmed.
    pub(crate) fn shortfall(&self) -> Option<Shortfall> {
        let worst = [Outcome::Unconfirmed, Outcome::Refused, Outcome::NeverSent]
            .into_iter()
            .find(|outcome| self.count(*outcome) > 0)?;
        Some(Shortfall { worst, report: self.report() })
    }

    fn report(&self) -> String {
        let mut out = String::new();
        for outcome in [Outcome::Confirmed, Outcome::Refused, Outcome::Unconfirmed, Outcome::NeverSent] {
            let ranges = &self.ranges[outcome as usize];
            if ranges.is_empty() {
                continue;
            }
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
            if self.cut && outcome == Outcome::NeverSent {
                out.push_str(" and what follows");
            }
        }
        out
    }
}

/// Not everything was confirmed; says which input lines ended how.
#[derive(Debug, thiserror::Error)]
#[error("{report}")]
pub(crate) struct Shortfall {
    worst: Outcome,
    report: String,
}

impl Shortfall {
    pub(crate) fn exit(&self) -> Exit {
        match self.worst {
            Outcome::Refused => Exit::Refused,
            Outcome::NeverSent => Exit::Unreachable,
            Outcome::Confirmed | Outcome::Unconfirmed => Exit::Unconfirmed,
        }
    }

    pub(crate) fn code(&self) -> &'static str {
        match self.worst {
            Outcome::Refused => "message_refused",
            Outcome::NeverSent => "unreachable",
            Outcome::Confirmed | Outcome::Unconfirmed => "unconfirmed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_names_every_line_and_the_worst_decides() {
        let mut ledger = Ledger::default();
        for line in [1, 2, 4, 3, 9] {
            ledger.note(line, Outcome::Confirmed);
        }
        assert!(ledger.shortfall().is_none());
        ledger.note(6, Outcome::NeverSent);
        ledger.note(5, Outcome::Unconfirmed);
        ledger.note(7, Outcome::NeverSent);
        let shortfall = ledger.shortfall().expect("not all confirmed");
        assert_eq!(shortfall.to_string(), "confirmed: line 1-4, 9; unconfirmed: line 5; never sent: line 6-7");
        assert_eq!(shortfall.exit(), Exit::Unconfirmed);
    }
}
