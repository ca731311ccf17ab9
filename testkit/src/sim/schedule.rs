//! One schedule: everything that one seed decides, from the first connection to the verdict.

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
use super::net::{Net, Way};
use super::{listeners, writers};
use crate::checker::{Heard, Summary};
use crate::fault::{FaultKind, Profile};
use crate::rig::ledger::Ledger;
use crate::rig::patience::impatient;
use crate::rig::verdict::{attributed, judge, read_history};

const WRITERS: usize = 2;
const LISTENERS: usize = 2;

/// If everything has not come to rest after so much virtual time without faults, it never will.
const GUARD: Duration = Duration::from_secs(600);

/// What one schedule has come to.
#[derive(Debug)]
pub struct Outcome {
    /// What the checker counted.
    pub summary: Summary,
    /// What must not be.
    pub violations: Vec<String>,
    /// Faults of links, deaths, and full disks.
    pub faults: u64,
    /// How much time seemed to pass.
    pub virtual_time: Duration,
    /// Changes when anything in the log, in what was told, or in time does.
    pub digest: u64,
}

/// Plays the schedule of a seed, with files in `dir`, which is empty.
///
/// # Errors
/// The simulation itself cannot go on.
pub fn simulate(seed: u64, dir: &Path) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(play(seed, dir))
}

async fn play(seed: u64, dir: &Path) -> anyhow::Result<Outcome> {
    let began = Instant::now();
    let mut rng = Rng::with_seed(seed);
    let disk = Disk::new();
    let profile = weather(&mut rng);
    let net = Net::new(seed, disk.clone(), profile);
    net.start_server()?;
    let ledger = Arc::new(Ledger::new(WRITERS, LISTENERS));
    let stream = disk.open().streams().last().context("no stream")?.id.clone();

    let (mut typing, mut hearing, mut nicks) = (JoinSet::new(), JoinSet::new(), Vec::new());
    let (posts, mut deaths) = (rng.u64(4..16), 0);
    for number in 0..WRITERS {
        let nickname = Nickname::new(&format!("writer {number}"))?;
        let account = register_with(&impatient(0, 0), nickname, &Way::clean(&net)).await?;
        nicks.push(account.nickname.to_string());
        let (token, dir) = (account.token, dir.to_owned());
        let person = writers::Person { seed, number, token, posts, dir, rng: rng.fork() };
        let lives = rng.usize(..4);
        deaths += lives as u64;
        typing.spawn(writers::live(person, Arc::clone(&net), Arc::clone(&ledger), lives));
    }
    for number in 0..LISTENERS {
        let ear = listeners::Ear { number, stream: stream.clone(), dir: dir.to_owned(), rng: rng.fork() };
        let lives = rng.usize(..4);
        deaths += lives as u64;
        hearing.spawn(listeners::live(ear, Arc::clone(&net), Arc::clone(&ledger), lives));
    }
    deaths += storm(&net, &disk, &mut rng).await?;

    let mut violations = Vec::new();
    let rest = tokio::time::timeout(GUARD, async {
        while let Some(ended) = typing.join_next().await {
            ended??;
        }
        let head = disk.open().head();
        while !ledger.lock().listeners.iter().all(|place| *place >= head) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        anyhow::Ok(())
    });
    match rest.await {
        Ok(ended) => ended?,
        Err(_) => violations.push("it does not come to rest".to_owned()),
    }
    let mut log = Heard { name: "the log".into(), ..Heard::default() };
    for message in disk.messages()? {
        log.texts.push(attributed(Some(message.nickname.as_str()), message.text.to_string(), &nicks));
        log.places.push(message.seq);
    }
    let virtual_time = began.elapsed();
    let state = ledger.lock();
    let mut hasher = DefaultHasher::new();
    (&log.texts, virtual_time, net.faults.counts()).hash(&mut hasher);
    for typed in &state.writers {
        typed.told.hash(&mut hasher);
    }
    let mut heard = vec![log];
    for number in 0..LISTENERS {
        let path = listeners::path(dir, number, state.lives[number]);
        heard.push(read_history(format!("listener {number}"), &path, &nicks)?);
    }
    let (summary, found) = judge(seed, &state, &heard);
    violations.extend(found);
    let faults = net.faults.counts().values().sum::<u64>() + deaths;
    Ok(Outcome { summary, violations, faults, virtual_time, digest: hasher.finish() })
}

/// Mostly everything; now and then nothing but silence, or nothing but slowness.
fn weather(rng: &mut Rng) -> Profile {
    use FaultKind::{Delay, HalfOpen, OneWay, Split, Stall};
    let kinds = match rng.u8(..8) {
        0 => vec![HalfOpen, OneWay],
        1 => vec![Stall, Delay, Split],
        _ => Profile::default().kinds,
    };
    Profile { percent: 100, kinds, within: [400, 1500, 6000][rng.usize(..3)], ..Profile::default() }
}

/// What happens to the server and its disk for a while; then no more faults. Returns how often something did.
async fn storm(net: &Net, disk: &Disk, rng: &mut Rng) -> anyhow::Result<u64> {
    // Long enough, now and then, for what takes silence several times in a row.
    let longest = if rng.u8(..8) == 0 { 20_000 } else { 3_000 };
    let end = Instant::now() + Duration::from_millis(rng.u64(200..longest));
    let mut strikes = 0;
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(rng.u64(1..700))).await;
        strikes += 1;
        let pause = Duration::from_millis(rng.u64(0..300));
        if rng.bool() {
            net.kill_server();
            tokio::time::sleep(pause).await;
            net.start_server()?;
        } else {
            disk.set_full(true);
            tokio::time::sleep(pause).await;
            disk.set_full(false);
        }
    }
    net.calm();
    Ok(strikes)
}
