//! What one round gives, and the contenders that take turns at giving it. It does not print tables: see `report`.

use anyhow::Result;
use serde::Serialize;

/// One round of one contender.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sample {
    /// How much was done: deliveries, lines, posts; the scenario says which.
    pub units: f64,
    /// Seconds that it took.
    pub wall_s: f64,
    /// Processor seconds of the program under test, user and system, all of its threads.
    pub cpu_s: f64,
    /// Processor seconds of our load generator.
    pub load_cpu_s: f64,
    /// The most memory that the program under test had, in KiB.
    pub peak_kib: u64,
}

impl Sample {
    /// Units a second.
    pub fn rate(&self) -> f64 {
        self.units / self.wall_s
    }

    /// Processor seconds of the program for a million units.
    pub fn cpu_per_million(&self) -> f64 {
        self.cpu_s / self.units * 1e6
    }

    /// Processor seconds of the generator for a million units.
    pub fn load_cpu_per_million(&self) -> f64 {
        self.load_cpu_s / self.units * 1e6
    }
}

/// One who takes part: ours, or a peer.
pub struct Contender<'a, T = Sample> {
    name: String,
    round: Box<dyn FnMut() -> Result<T> + 'a>,
}

impl<'a, T> Contender<'a, T> {
    /// A contender whose rounds are calls of `round`.
    pub fn new(name: impl Into<String>, round: impl FnMut() -> Result<T> + 'a) -> Self {
        Self { name: name.into(), round: Box::new(round) }
    }
}

/// All rounds of one contender.
#[derive(Debug)]
pub struct Series<T = Sample> {
    pub name: String,
    pub samples: Vec<T>,
    /// Why it gave up: a contender that fails once takes no further part.
    pub failure: Option<String>,
}

/// Runs the contenders in turn, round by round, so that what else the machine does meets all of them.
pub fn interleave<T>(rounds: usize, mut contenders: Vec<Contender<'_, T>>) -> Vec<Series<T>> {
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
                    eprintln!("{} takes no further part: {error:#}", contender.name);
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
    fn contenders_take_turns_and_a_failed_one_is_left_out() {
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
