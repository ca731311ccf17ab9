//! What pages that do not read cost, and whether the others notice them.

use std::io::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::runtime::Runtime;

use super::pages::{self, Pages};
use super::setup::{Options, SETTLE, start};
use crate::embedded_room::log_in;
use crate::table::Table;
use testkit::process;
use testkit::quantile::{median, quantile};

const READING: usize = 100;
const SLOW: usize = 50;
/// Messages that fill the sockets of the slow pages and leave the memory of the gateway, which has the newest 4,096.
const FILL: usize = 6_000;
const PER_SECOND: u32 = 100;
const SECONDS: u32 = 5;
const ROUNDS: usize = 3;
/// Bytes of one text.
const LENGTH: usize = 500;
/// Private memory of the gateway for a page that does not read, in KiB: one step of 32 KiB, and what it holds of the ring.
const SLOW_KIB: f64 = 100.0;
/// How much the others may notice.
const NOTICED: f64 = 1.2;

/// One round.
#[derive(Debug, Clone, Copy)]
struct Round {
    p50_ms: f64,
    p99_ms: f64,
    cpu_s: f64,
    grown_kib: f64,
}

/// Measures with and without slow pages alternately, so that other load of the machine affects both alike.
pub(super) fn measure(options: &Options, runtime: &Runtime, table: &mut Table) -> Result<()> {
    let mut rounds = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (which, slow) in [0, SLOW].into_iter().enumerate() {
            rounds[which].push(round(options, runtime, slow)?);
        }
    }
    let [without, with] = rounds;
    let of = |rounds: &[Round], of: fn(&Round) -> f64| median(&rounds.iter().map(of).collect::<Vec<_>>());
    let rate = format!("{READING} pages that read, {PER_SECOND} messages a second");
    let with_slow = format!("the same with {SLOW} pages that do not read");
    table.shown(&format!("{rate}: p50, p99"), shown(&without));
    table.shown(&format!("{with_slow}: p50, p99"), shown(&with));
    let ratio = |figure: fn(&Round) -> f64| of(&with, figure) / of(&without, figure);
    table.at_most("– p50 over that without them", ratio(|round| round.p50_ms), NOTICED, "x");
    table.at_most("– processor time of the gateway over that without them", ratio(|round| round.cpu_s), NOTICED, "x");
    let grown = of(&with, |round| round.grown_kib) - of(&without, |round| round.grown_kib);
    table.at_most("– private memory of the gateway for each of them", grown / SLOW as f64, SLOW_KIB, "KiB");
    Ok(())
}

fn shown(rounds: &[Round]) -> String {
    let of = |of: fn(&Round) -> f64| median(&rounds.iter().map(of).collect::<Vec<_>>());
    format!("{:.2}, {:.2} ms", of(|round| round.p50_ms), of(|round| round.p99_ms))
}

fn round(options: &Options, runtime: &Runtime, slow: usize) -> Result<Round> {
    let (server, gateway) = start(options)?;
    let mut pages = Pages::new(runtime, gateway.address());
    pages.open(READING, &[])?;
    thread::sleep(SETTLE);
    let before = process::private_kib(gateway.pid())?;
    pages.open_slow(slow)?;
    let (mut writer, _) = log_in(server.write(), "Writer")?;
    let filler = "x".repeat(LENGTH);
    for _ in 0..FILL / 100 {
        writer.write_all(format!("{filler}\n\n").repeat(100).as_bytes())?;
        pages::wait_for_answers(&writer, 100)?;
    }
    writer.write_all(format!("{}\n\n", pages.stamp()).as_bytes())?;
    pages::wait_for_answers(&writer, 1)?;
    // The others have everything.
    pages.wait_for_delays(READING)?;
    pages.take_delays();
    let (begun, cpu) = (Instant::now(), process::cpu_seconds(gateway.pid())?);
    let answers = writer.try_clone()?;
    let posts = (PER_SECOND * SECONDS) as usize;
    let confirmed = thread::spawn(move || pages::wait_for_answers(&answers, posts));
    for number in 0..PER_SECOND * SECONDS {
        let due = begun + Duration::from_secs(1) * number / PER_SECOND;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        writer.write_all(format!("{}{filler}\n\n", pages.stamp()).as_bytes())?;
    }
    confirmed.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
    pages.wait_for_delays(READING * posts)?;
    let cpu_s = process::cpu_seconds(gateway.pid())? - cpu;
    let grown_kib = process::private_kib(gateway.pid())?.saturating_sub(before) as f64;
    let delays = pages.take_delays();
    Ok(Round { p50_ms: median(&delays), p99_ms: quantile(&delays, 0.99), cpu_s, grown_kib })
}
