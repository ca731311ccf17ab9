//! Some hundred schedules in virtual time. Many more run with the `simulate` program.
#![allow(clippy::unwrap_used, missing_docs)]

use testkit::{scratch, sim::simulate};

#[test]
fn three_hundred_schedules_lose_double_and_reorder_nothing() {
    for seed in 0..300 {
        let outcome = simulate(seed, scratch::dir().unwrap().path()).unwrap();
        assert_eq!(outcome.violations, Vec::<String>::new(), "seed {seed}");
    }
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 0..100 {
        let play = || {
            let outcome = simulate(seed, scratch::dir().unwrap().path()).unwrap();
            (outcome.digest, outcome.virtual_time, outcome.faults)
        };
        assert_eq!(play(), play(), "seed {seed}");
    }
}
