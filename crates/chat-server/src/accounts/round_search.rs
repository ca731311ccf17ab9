//! Searches the first round of adjectives in which a name is free.

/// Finds the first round with a free name in a number of steps that grows with the logarithm of its number: rounds fill one
/// after another. A name that was given back in an earlier round may be passed over.
#[derive(Debug)]
pub(super) struct RoundSearch {
    /// All rounds up to this one are full.
    full: u64,
    step: u64,
    /// A round that is not full, or whose names are too long.
    bound: Option<u64>,
}

impl RoundSearch {
    /// Begins with a round, counted from 1.
    pub(super) fn from(first: u64) -> Self {
        Self { full: first - 1, step: 1, bound: None }
    }

    /// Returns the round to look at next; `None` when all before the last bound are full.
    pub(super) fn next(&self) -> Option<u64> {
        match self.bound {
            None => self.full.checked_add(self.step),
            Some(bound) => (self.full + 1 < bound).then(|| self.full + (bound - self.full) / 2),
        }
    }

    /// Notes that the round is full.
    pub(super) fn note_full(&mut self, round: u64) {
        (self.full, self.step) = (round, self.step.saturating_mul(2));
    }

    /// Notes that the round is not full, or that no later one can be used.
    pub(super) fn note_bound(&mut self, round: u64) {
        self.bound = Some(round);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_first_free_round() {
        for (first, free) in [(1, 1), (1, 2), (1, 3), (1, 7_812), (5, 5), (5, 6), (5, 1_000_000_000_000)] {
            let (mut search, mut looks) = (RoundSearch::from(first), 0);
            while let Some(round) = search.next() {
                assert!(round >= first);
                looks += 1;
                if round < free { search.note_full(round) } else { search.note_bound(round) }
            }
            assert_eq!(search.bound, Some(free), "from {first}");
            assert!(looks <= 1 + 2 * (64 - (free - first).leading_zeros()), "{looks} for {free} from {first}");
        }
    }
}
