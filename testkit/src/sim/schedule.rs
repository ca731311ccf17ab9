//! One schedule: all that one seed decides, from the first connection to the final check.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chat_client::{Nickname, register_with};
use chat_server::Journal as _;
use fastrand::Rng;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::journal::Disk;
use super::network::{SimDialer, SimNetwork};
use super::operator::Operator;
use super::{listeners, writers};
use crate::checker::{ListenerLog, Summary};
use crate::fault::{FaultKind, FaultProfile};
use crate::rig::final_check::{LoosePosts, attributed_text, check_run, read_history};
use crate::rig::ledger::Ledger;
use crate::rig::timeouts::client_config;

const WRITERS: usize = 2;
const LISTENERS: usize = 2;

/// Virtual time without faults after which a schedule counts as stuck.
const GUARD: Duration = Duration::from_secs(600);

/// The result of one schedule.
#[derive(Debug)]
pub struct ScheduleResult {
    /// Counts of the checker.
    pub summary: Summary,
    /// Every broken promise.
    pub violations: Vec<String>,
    /// Number of connection faults, kills and full disks.
    pub faults: u64,
    /// Virtual time that passed.
    pub virtual_time: Duration,
    /// Hash of the log, all reports, the faults and the virtual time; equal for equal runs.
    pub digest: u64,
}

/// Runs the schedule of a seed, with files in the empty directory `dir`.
///
/// # Errors
/// The simulation itself cannot continue. A violation is not an error.
pub fn simulate(seed: u64, dir: &Path) -> anyhow::Result<ScheduleResult> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(run_schedule(seed, dir))
}

async fn run_schedule(seed: u64, dir: &Path) -> anyhow::Result<ScheduleResult> {
    let began = Instant::now();
    let mut rng = Rng::with_seed(seed);
    let disk = Disk::new();
    let profile = draw_profile(&mut rng);
    let network = SimNetwork::new(seed, disk.clone(), profile);
    // One more writer: the guest of the operator.
    let ledger = Arc::new(Ledger::new(WRITERS + 1, LISTENERS));
    let mut operator = Operator::start(&network, &disk, &ledger, (seed, rng.fork()), WRITERS)?;
    network.start_server()?;
    let stream = disk.open().streams().last().context("no stream")?.id.clone();

    let (mut writer_tasks, mut listener_tasks, mut nicks) = (JoinSet::new(), JoinSet::new(), Vec::new());
    let (posts, mut kills) = (rng.u64(4..16), 0);
    for number in 0..WRITERS {
        let nickname = Nickname::new(&format!("writer {number}"))?;
        let dialer = SimDialer::without_faults(&network);
        let account = register_with(&client_config(0, 0), nickname, dialer).await?;
        nicks.push(account.nickname.to_string());
        let (token, dir) = (account.token, dir.to_owned());
        let writer = writers::SimWriter { seed, number, token, posts, dir, rng: rng.fork() };
        let own_kills = rng.usize(..4);
        kills += own_kills as u64;
        writer_tasks.spawn(writers::run(writer, Arc::clone(&network), Arc::clone(&ledger), own_kills));
    }
    for number in 0..LISTENERS {
        let listener = listeners::SimListener { number, stream: stream.clone(), dir: dir.to_owned(), rng: rng.fork() };
        let own_kills = rng.usize(..4);
        kills += own_kills as u64;
        listener_tasks.spawn(listeners::run(listener, Arc::clone(&network), Arc::clone(&ledger), own_kills));
    }
    operator.know_writers(nicks);
    kills += inject_server_faults(&network, &disk, &mut operator, &mut rng).await?;

    let mut violations = Vec::new();
    let done = tokio::time::timeout(GUARD, async {
        while let Some(ended) = writer_tasks.join_next().await {
            ended??;
        }
        let head = disk.head();
        while !ledger.lock().listeners.iter().all(|newest| *newest >= head) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        anyhow::Ok(())
    });
    match done.await {
        Ok(ended) => ended?,
        Err(_) => violations.push("not all messages arrived after the faults had stopped".to_owned()),
    }
    let nicks = operator.names();
    let mut log = ListenerLog { name: "the log".into(), ..ListenerLog::default() };
    for message in disk.removed() {
        log.removed.insert(attributed_text(Some(message.nickname.as_str()), message.text.to_string(), nicks));
    }
    for message in disk.messages()? {
        let text = attributed_text(Some(message.nickname.as_str()), message.text.to_string(), nicks);
        if message.seq < disk.oldest() {
            log.expired.insert(text.clone());
        }
        log.texts.push(text);
        log.seqs.push(message.seq);
    }
    let virtual_time = began.elapsed();
    let state = ledger.lock();
    let mut hasher = DefaultHasher::new();
    (&log.texts, virtual_time, network.faults.counts()).hash(&mut hasher);
    for record in &state.writers {
        record.reports.hash(&mut hasher);
    }
    let mut received = vec![log];
    for number in 0..LISTENERS {
        let path = listeners::path(dir, number, state.restarts[number]);
        let mut history = read_history(format!("listener {number}"), &path, nicks)?;
        history.told_expired.clone_from(&state.expired[number]);
        received.push(history);
    }
    let (summary, found) = check_run(seed, &state, &received, &LoosePosts::default());
    violations.extend(found);
    let faults = network.faults.counts().values().sum::<u64>() + kills;
    Ok(ScheduleResult { summary, violations, faults, virtual_time, digest: hasher.finish() })
}

/// Draws the fault profile: mostly all kinds, one time in eight each only silent links or only slow ones.
fn draw_profile(rng: &mut Rng) -> FaultProfile {
    use FaultKind::{Delay, HalfOpen, OneWay, Split, Stall};
    let kinds = match rng.u8(..8) {
        0 => vec![HalfOpen, OneWay],
        1 => vec![Stall, Delay, Split],
        _ => FaultProfile::default().kinds,
    };
    FaultProfile { percent: 100, kinds, within: [400, 1500, 6000][rng.usize(..3)], ..FaultProfile::default() }
}

/// Kills the server, fills its disk and has the operator act, at random for a while, then stops all faults. Returns the
/// number of faults.
async fn inject_server_faults(
    network: &SimNetwork,
    disk: &Disk,
    operator: &mut Operator,
    rng: &mut Rng,
) -> anyhow::Result<u64> {
    // One schedule in eight is long enough for faults that need several silent connections in a row.
    let longest = if rng.u8(..8) == 0 { 20_000 } else { 3_000 };
    let end = Instant::now() + Duration::from_millis(rng.u64(200..longest));
    let mut faults = 0;
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(rng.u64(1..700))).await;
        if rng.bool() {
            operator.act().await?;
        }
        faults += 1;
        let pause = Duration::from_millis(rng.u64(0..300));
        if rng.bool() {
            network.kill_server();
            tokio::time::sleep(pause).await;
            if rng.bool() {
                operator.act_offline().await?;
            }
            network.start_server()?;
        } else {
            disk.set_full(true);
            tokio::time::sleep(pause).await;
            disk.set_full(false);
        }
    }
    network.stop_faults();
    Ok(faults)
}
