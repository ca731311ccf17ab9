//! Some hundred schedules in virtual time. Many more run with the `simulate` program.
#![allow(clippy::unwrap_used, missing_docs)]

use testkit::scratch;
use testkit::sim::simulate;

#[test]
fn three_hundred_schedules_lose_double_and_reorder_nothing() {
    for seed in 0..300 {
        let outcome = simulate(seed, scratch::dir().unwrap().path()).unwrap();
        assert_eq!(outcome.violations, Vec::<String>::new(), "seed {seed}");
    }
}

/// Seeds under which something was lost once: three silent links in a row.
#[test]
fn what_was_found_stays_mended() {
    for seed in [100_525, 101_883, 101_890, 104_771] {
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
