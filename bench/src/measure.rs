//! Samples, the contenders that produce them, and the order of the rounds. Tables are in `report`.

use anyhow::Result;
use serde::Serialize;

/// One round of one contender.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Sample {
    /// Amount of work: deliveries, lines or posts, depending on the scenario.
    pub(crate) units: f64,
    /// Duration in seconds.
    pub(crate) wall_s: f64,
    /// CPU seconds of the program under test, user and system, all threads.
    pub(crate) cpu_s: f64,
    /// CPU seconds of the load generator.
    pub(crate) load_cpu_s: f64,
    /// Peak memory of the program under test in KiB.
    pub(crate) peak_kib: u64,
}

impl Sample {
    /// Returns the units per second.
    pub(crate) fn rate(&self) -> f64 {
        self.units / self.wall_s
    }

    /// Returns the CPU seconds of the program per million units.
    pub(crate) fn cpu_per_million(&self) -> f64 {
        self.cpu_s / self.units * 1e6
    }

    /// Returns the CPU seconds of the load generator per million units.
    pub(crate) fn load_cpu_per_million(&self) -> f64 {
        self.load_cpu_s / self.units * 1e6
    }
}

/// One program or condition that is measured.
pub(crate) struct Contender<'a, T = Sample> {
    name: String,
    round: Box<dyn FnMut() -> Result<T> + 'a>,
}

impl<'a, T> Contender<'a, T> {
    /// Creates a contender; each call of `round` is a round.
    pub(crate) fn new(name: impl Into<String>, round: impl FnMut() -> Result<T> + 'a) -> Self {
        Self { name: name.into(), round: Box::new(round) }
    }
}

/// All rounds of one contender.
#[derive(Debug)]
pub(crate) struct Series<T = Sample> {
    pub(crate) name: String,
    pub(crate) samples: Vec<T>,
    /// The error of a failed round; a contender that fails is not measured again.
    pub(crate) failure: Option<String>,
}

/// Runs one round of every contender, then the next, so that other load of the machine affects all of them alike.
pub(crate) fn interleave<T>(rounds: usize, mut contenders: Vec<Contender<'_, T>>) -> Vec<Series<T>> {
    let mut all: Vec<Series<T>> = contenders
        .iter()
        .map(|contender| Series { name: contender.name.clone(), samples: Vec::new(), failure: None })
        .collect();
    for round in 1..=rounds {
        for (contender, series) in contenders.iter_mut().zip(&mut all) {
            if series.failure.is_some() {
                continue;
            }
            eprintln!("round {round} of {rounds}: {}", contender.name);
            match (contender.round)() {
                Ok(sample) => series.samples.push(sample),
                Err(error) => {
                    eprintln!("{} is left out from now on: {error:#}", contender.name);
                    series.failure = Some(format!("{error:#}"));
                }
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use anyhow::bail;

    use super::*;

    #[test]
    fn alternates_and_drops_failed_contenders() {
        let order = RefCell::new(String::new());
        let turn = |name: char| {
            order.borrow_mut().push(name);
            if name == 'b' { bail!("no") } else { Ok(name) }
        };
        let all = interleave(2, ['a', 'b', 'c'].map(|name| Contender::new(name, move || turn(name))).into());
        assert_eq!(*order.borrow(), "abcac");
        assert_eq!(all[0].samples, ['a', 'a']);
        assert_eq!((all[1].samples.len(), all[1].failure.as_deref()), (0, Some("no")));
    }
}
