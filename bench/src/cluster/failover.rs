//! A fault of the server that leads the log: how long nothing is confirmed, and how long a post takes at most.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::Serialize;

use super::crowd::Crowd;
use super::room::Room;
use super::servers::{Fault, LogServers};
use crate::publisher::Workload;
use crate::server_process::ServerOptions;

/// How long writers post before the fault.
const BEFORE: Duration = Duration::from_secs(2);
/// How long is watched at least: longer than an election takes.
const WATCHED: Duration = Duration::from_secs(12);
/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// An answer younger than this means that posts are confirmed as before.
const RECENT_NS: u64 = 500_000_000;
/// Time after which a round fails.
const RECOVERED_WITHIN: Duration = Duration::from_secs(90);

/// One round.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct FailedOver {
    /// The longest time without a confirmation.
    pub(super) silence_s: f64,
    /// The longest time from a due post to its confirmation.
    pub(super) slowest_s: f64,
    /// Attempts that were declined; a post counts each time.
    pub(super) declined: u64,
    /// Confirmed posts.
    pub(super) confirmed: u64,
}

/// Lets writers post at a fixed rate, which they have together, and does this to the server that leads the log.
pub(super) fn fail_over(
    options: &ServerOptions,
    servers: &mut LogServers,
    (nodes, writers): (usize, usize),
    per_second: u64,
    fault: Fault,
) -> Result<FailedOver> {
    let room = Room::start(options, servers, nodes)?;
    let mut crowd = Crowd::connect(&room.addresses(), writers, 0)?;
    let per_second = Some((per_second / writers as u64).max(1));
    crowd.begin(Workload { messages: u64::MAX, in_flight: 0, echo: false, per_second });
    crowd.work_for(BEFORE)?;
    let (leader, began, from) = (servers.leader()?, Instant::now(), crowd.passed());
    servers.begin(fault, leader)?;
    let watched = watch(&mut crowd, began);
    let until = crowd.passed();
    // The next round needs all servers, whatever became of this one.
    let ended = watched.and_then(|()| crowd.end());
    servers.heal(fault, leader)?;
    ended?;
    let times = crowd.confirmed().iter().map(|one| one.came);
    let slowest = crowd.confirmed().iter().map(|one| one.came.saturating_sub(one.due)).max();
    Ok(FailedOver {
        silence_s: longest_silence(times, from, until) as f64 / 1e9,
        slowest_s: slowest.unwrap_or_default() as f64 / 1e9,
        declined: crowd.refusals(),
        confirmed: crowd.confirmed().len() as u64,
    })
}

/// Posts until posts are confirmed as before the fault.
fn watch(crowd: &mut Crowd, began: Instant) -> Result<()> {
    loop {
        crowd.work_for(LOOK_EVERY)?;
        let oldest = crowd.oldest().unwrap_or(u64::MAX);
        if began.elapsed() >= WATCHED && oldest.saturating_add(RECENT_NS) > crowd.passed() {
            return Ok(());
        }
        ensure!(began.elapsed() < RECOVERED_WITHIN, "posts are not confirmed again");
    }
}

/// Returns the longest time between two of these between `from` and `until`, which count as well.
fn longest_silence(times: impl Iterator<Item = u64>, from: u64, until: u64) -> u64 {
    let mut inside: Vec<u64> = times.filter(|time| (from..=until).contains(time)).chain([from, until]).collect();
    inside.sort_unstable();
    inside.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_may_reach_to_the_end() {
        let longest = |times: &[u64], until| longest_silence(times.iter().copied(), 10, until);
        assert_eq!(longest(&[1, 9, 12, 19, 14], 20), 5);
        assert_eq!(longest(&[12, 14], 30), 16);
        assert_eq!(longest(&[], 20), 10);
        assert_eq!(longest(&[18, 40], 20), 8);
    }
}
