//! Some hundred schedules in virtual time. The `simulate` program runs many more.
#![allow(clippy::unwrap_used, missing_docs)]

use testkit::sim::simulate;
use testkit::{cluster, scratch};

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

/// Two to four nodes of one room. Together the schedules have everything that the rules of applying are for.
#[test]
fn nodes_keep_the_promises_of_one_server() {
    let [mut repeated, mut early, mut holes, mut names_taken, mut stopped] = [0; 5];
    for seed in 0..60 {
        let nodes = 2 + usize::try_from(seed % 3).unwrap();
        let result = cluster::simulate(seed, nodes, scratch::dir().unwrap().path()).unwrap();
        assert_eq!(result.violations, Vec::<String>::new(), "seed {seed}, {nodes} nodes");
        repeated += result.repeated;
        early += result.early;
        holes += result.holes;
        names_taken += result.names_taken;
        stopped += result.stopped;
    }
    for (what, count) in [
        ("repeated batches", repeated),
        ("early batches", early),
        ("holes", holes),
        ("names that another node gave", names_taken),
        ("nodes that stopped", stopped),
    ] {
        assert!(count > 0, "no schedule had {what}");
    }
}

/// Seeds after which stores differed unnoticed: the log got the batches that it had lost again, at other times.
#[test]
fn seeds_of_earlier_faults_of_nodes_pass() {
    for seed in [727, 2_377] {
        let result = cluster::simulate(seed, 3, scratch::dir().unwrap().path()).unwrap();
        assert_eq!(result.violations, Vec::<String>::new(), "seed {seed}");
    }
}

#[test]
fn a_seed_of_several_nodes_replays_exactly() {
    for seed in 0..10 {
        let play = || {
            let result = cluster::simulate(seed, 3, scratch::dir().unwrap().path()).unwrap();
            (result.digest, result.virtual_time, result.faults, result.early, result.holes)
        };
        assert_eq!(play(), play(), "seed {seed}");
    }
}
