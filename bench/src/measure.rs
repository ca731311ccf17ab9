//! Samples, the contenders that produce them, and the order of the rounds. Tables are in `report`.

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::foreign_load;

/// The share of the processors above which a round is repeated: with a tenth gone, ratios are still those of the programs.
pub(crate) const MOST_FOREIGN: f64 = 0.1;

/// How often a disturbed round is measured, before the last one counts and is marked.
const ATTEMPTS: usize = 3;

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

    /// Runs a round, again while other programs disturb it. Returns the sample with the share that they used.
    fn undisturbed(&mut self, foreign_during: &impl Fn(&mut dyn FnMut()) -> f64) -> Result<(T, f64)> {
        let mut attempt = 1;
        loop {
            let mut outcome = None;
            let foreign = foreign_during(&mut || outcome = Some((self.round)()));
            let sample = outcome.context("the round was not run")??;
            if foreign <= MOST_FOREIGN || attempt == ATTEMPTS {
                return Ok((sample, foreign));
            }
            eprintln!("other programs used {:.0} % of the processors: again", foreign * 100.0);
            attempt += 1;
        }
    }
}

impl<T> Series<T> {
    /// Returns how many of its rounds other programs disturbed, and the largest share of the processors that they used.
    pub(crate) fn disturbed(&self) -> (usize, f64) {
        let disturbed = self.foreign.iter().copied().filter(|share| *share > MOST_FOREIGN);
        disturbed.fold((0, 0.0), |(count, most), share| (count + 1, share.max(most)))
    }
}

/// All rounds of one contender.
#[derive(Debug)]
pub(crate) struct Series<T = Sample> {
    pub(crate) name: String,
    pub(crate) samples: Vec<T>,
    /// The share of the processors that other programs used, of each sample.
    pub(crate) foreign: Vec<f64>,
    /// The error of a failed round; a contender that fails is not measured again.
    pub(crate) failure: Option<String>,
}

/// Runs one round of every contender, then the next, so that other load of the machine affects all of them alike.
///
/// A round that other load disturbed is repeated. If the load stays, the round counts, and the table reports the load.
pub(crate) fn interleave<T>(rounds: usize, contenders: Vec<Contender<'_, T>>) -> Vec<Series<T>> {
    interleave_beside(rounds, contenders, foreign_load::during)
}

/// The same with another way to find the share of the processors that other programs use.
pub(crate) fn interleave_beside<T>(
    rounds: usize,
    mut contenders: Vec<Contender<'_, T>>,
    foreign_during: impl Fn(&mut dyn FnMut()) -> f64,
) -> Vec<Series<T>> {
    let mut all: Vec<Series<T>> = contenders
        .iter()
        .map(|contender| Series {
            name: contender.name.clone(),
            samples: Vec::new(),
            foreign: Vec::new(),
            failure: None,
        })
        .collect();
    for round in 1..=rounds {
        for (contender, series) in contenders.iter_mut().zip(&mut all) {
            if series.failure.is_some() {
                continue;
            }
            eprintln!("round {round} of {rounds}: {}", contender.name);
            match contender.undisturbed(&foreign_during) {
                Ok((sample, foreign)) => {
                    series.samples.push(sample);
                    series.foreign.push(foreign);
                }
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
    fn repeats_a_disturbed_round() {
        // The first round is quiet at its second attempt, the second round never.
        let shares = RefCell::new(vec![0.5, 0.05, 0.6, 0.4, 0.3]);
        let turns = RefCell::new(0);
        let contender = Contender::new("a", || {
            *turns.borrow_mut() += 1;
            Ok(*turns.borrow())
        });
        let all = interleave_beside(2, vec![contender], |work| {
            work();
            shares.borrow_mut().remove(0)
        });
        assert_eq!(all[0].samples, [2, 5]);
        assert_eq!(all[0].disturbed(), (1, 0.3));
    }

    #[test]
    fn alternates_and_drops_failed_contenders() {
        let order = RefCell::new(String::new());
        let turn = |name: char| {
            order.borrow_mut().push(name);
            if name == 'b' { bail!("no") } else { Ok(name) }
        };
        let all =
            interleave_beside(2, ['a', 'b', 'c'].map(|name| Contender::new(name, move || turn(name))).into(), |work| {
                work();
                0.0
            });
        assert_eq!(*order.borrow(), "abcac");
        assert_eq!(all[0].samples, ['a', 'a']);
        assert_eq!((all[1].samples.len(), all[1].failure.as_deref()), (0, Some("no")));
    }
}
