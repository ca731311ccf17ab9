//! The `simulate` program: runs one schedule per seed and reports those that break a promise.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use testkit::{cluster, sim};

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
    /// Runs this many nodes of one room over a log in memory instead of one server
    #[arg(long, value_parser = clap::value_parser!(u8).range(2..=8))]
    nodes: Option<u8>,
}

/// Number of violations that are printed per schedule.
const SHOWN: usize = 5;

/// The result of one schedule of either kind.
struct Outcome {
    violations: Vec<String>,
    confirmed: u64,
    faults: u64,
    virtual_time: Duration,
}

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let began = Instant::now();
    let (mut messages, mut faults, mut bad, mut virtual_time) = (0, 0, 0, Duration::ZERO);
    let mut caught: Vec<(&str, u64)> = Vec::new();
    let nodes = options.nodes.map(|nodes| format!(" --nodes {nodes}")).unwrap_or_default();
    for seed in (options.seed..).take(usize::try_from(options.schedules)?) {
        let result = run(seed, options.nodes, &mut caught)?;
        messages += result.confirmed;
        faults += result.faults;
        virtual_time += result.virtual_time;
        if !result.violations.is_empty() {
            bad += 1;
            for violation in result.violations.iter().take(SHOWN) {
                println!("seed {seed}: VIOLATION {violation}");
            }
            println!("replay with --seed {seed} --schedules 1{nodes}");
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("schedules            {:>12}", options.schedules);
    println!("with a violation     {bad:>12}");
    println!("messages confirmed   {messages:>12}");
    println!("faults               {faults:>12}");
    for (name, count) in caught {
        println!("{name:<20} {count:>12}");
    }
    println!("virtual seconds      {:>12.0}", virtual_time.as_secs_f64());
    println!("seconds              {seconds:>12.1}");
    println!("schedules per second   {:>12.0}", options.schedules as f64 / seconds);
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs one schedule, and adds up what the nodes had to catch.
fn run(seed: u64, nodes: Option<u8>, caught: &mut Vec<(&str, u64)>) -> anyhow::Result<Outcome> {
    let dir = testkit::scratch::dir()?;
    let Some(nodes) = nodes else {
        let sim::ScheduleResult { summary, violations, faults, virtual_time, .. } = sim::simulate(seed, dir.path())?;
        return Ok(Outcome { violations, confirmed: summary.confirmed as u64, faults, virtual_time });
    };
    let result = cluster::simulate(seed, nodes.into(), dir.path())?;
    let counts = [
        ("batches repeated", result.repeated),
        ("batches early", result.early),
        ("reads with a hole", result.holes),
        ("names taken", result.names_taken),
        ("nodes stopped", result.stopped),
    ];
    caught.resize(counts.len(), ("", 0));
    for (sum, (name, count)) in caught.iter_mut().zip(counts) {
        *sum = (name, sum.1 + count);
    }
    let cluster::ClusterResult { violations, confirmed, faults, virtual_time, .. } = result;
    Ok(Outcome { violations, confirmed, faults, virtual_time })
}
