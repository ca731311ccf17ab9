//! The `simulate` program: runs one schedule per seed and reports those that break a promise.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use testkit::sim::simulate;

/// Runs writers, listeners and a server in virtual time under random faults and checks that no promise is broken
#[derive(Debug, Parser)]
#[command(name = "simulate")]
struct Options {
    /// Seed of the first schedule; every further schedule uses the next seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of schedules
    #[arg(long, default_value_t = 1_000)]
    schedules: u64,
}

/// Number of violations that are printed per schedule.
const SHOWN: usize = 5;

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let began = Instant::now();
    let (mut messages, mut faults, mut bad, mut virtual_time) = (0, 0, 0, Duration::ZERO);
    for seed in (options.seed..).take(usize::try_from(options.schedules)?) {
        let result = simulate(seed, testkit::scratch::dir()?.path())?;
        messages += result.summary.confirmed;
        faults += result.faults;
        virtual_time += result.virtual_time;
        if !result.violations.is_empty() {
            bad += 1;
            for violation in result.violations.iter().take(SHOWN) {
                println!("seed {seed}: VIOLATION {violation}");
            }
            println!("replay with --seed {seed} --schedules 1");
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("schedules            {:>12}", options.schedules);
    println!("with a violation     {bad:>12}");
    println!("messages confirmed   {messages:>12}");
    println!("faults               {faults:>12}");
    println!("virtual seconds      {:>12.0}", virtual_time.as_secs_f64());
    println!("seconds              {seconds:>12.1}");
    println!("schedules per second   {:>12.0}", options.schedules as f64 / seconds);
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
