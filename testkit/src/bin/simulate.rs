//! Plays schedules one after the other, each from a seed of its own, and says which one broke a promise.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use testkit::sim::simulate;

/// Plays the services against the server in virtual time, under faults from seeds.
#[derive(Debug, Parser)]
#[command(name = "simulate")]
struct Options {
    /// The seed of the first schedule; each further one has the next number.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many schedules.
    #[arg(long, default_value_t = 1_000)]
    schedules: u64,
}

/// More are of no use to anybody.
const SHOWN: usize = 5;

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let began = Instant::now();
    let (mut messages, mut faults, mut bad, mut virtual_time) = (0, 0, 0, Duration::ZERO);
    for seed in (options.seed..).take(usize::try_from(options.schedules)?) {
        let outcome = simulate(seed, testkit::scratch::dir()?.path())?;
        messages += outcome.summary.confirmed;
        faults += outcome.faults;
        virtual_time += outcome.virtual_time;
        if !outcome.violations.is_empty() {
            bad += 1;
            for violation in outcome.violations.iter().take(SHOWN) {
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
    println!("schedules a second   {:>12.0}", options.schedules as f64 / seconds);
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
