//! Some hundred schedules in virtual time. The `simulate` program runs many more.
#![allow(clippy::unwrap_used, missing_docs)]

use testkit::scratch;
use testkit::sim::simulate;

#[test]
fn three_hundred_schedules_break_no_promise() {
    for seed in 0..300 {
        let result = simulate(seed, scratch::dir().unwrap().path()).unwrap();
        assert_eq!(result.violations, Vec::<String>::new(), "seed {seed}");
    }
}

/// Seeds that once lost a message: three silent links in a row.
#[test]
fn seeds_of_earlier_faults_pass() {
    for seed in [100_525, 101_883, 101_890, 104_771] {
        let result = simulate(seed, scratch::dir().unwrap().path()).unwrap();
        assert_eq!(result.violations, Vec::<String>::new(), "seed {seed}");
    }
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 0..100 {
        let play = || {
            let result = simulate(seed, scratch::dir().unwrap().path()).unwrap();
            (result.digest, result.virtual_time, result.faults)
        };
        assert_eq!(play(), play(), "seed {seed}");
    }
}
