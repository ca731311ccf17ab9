//! Every scenario in turn, each in a process of its own, and the summary of all.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::summary;

/// Options of `chat-bench all`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// One round of each scenario, in under ten minutes
    #[arg(long)]
    quick: bool,
    /// File of all results
    #[arg(long, value_name = "FILE", default_value = "results.jsonl")]
    json: PathBuf,
}

/// The scenarios with their arguments, and the number of rounds without `--quick`.
const SCENARIOS: [(&str, usize); 12] = [
    ("fan-out --only ours,ours-ids,raw,redis,nats", 5),
    ("fan-out --listeners 10000 --in-flight 32 --only ours,redis,nats", 3),
    ("fan-out --one-by-one --echo --only ours,raw,redis,nats", 3),
    ("latency --seconds 3 --only ours,redis,nats", 5),
    ("idle --only ours,redis,nats,mosquitto", 3),
    ("accepts --only ours,redis", 5),
    ("stalled --only ours,redis,nats", 1),
    ("post --in-flight 1,256", 5),
    ("resume --behind 1000000", 3),
    ("start --messages 0,1000000", 5),
    ("listen --lines 1000000", 5),
    ("send", 25),
];

/// Runs everything. A scenario that fails is reported, and the others are run.
pub(crate) fn run(options: &Options) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let failed = |path: &PathBuf| format!("could not write {}", path.display());
    let mut all = BufWriter::new(File::create(&options.json).with_context(|| failed(&options.json))?);
    for (index, (arguments, rounds)) in SCENARIOS.iter().enumerate() {
        let results = directory.path().join(index.to_string());
        let rounds = if options.quick { 1 } else { *rounds };
        eprintln!("== chat-bench {arguments} --rounds {rounds}");
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments.split(' ')).args(["--rounds", &rounds.to_string(), "--json"]).arg(&results);
        if !command.status()?.success() {
            println!("\nchat-bench {arguments} failed");
        }
        // What was measured before a failure counts.
        if let Ok(lines) = fs::read(&results) {
            all.write_all(&lines)?;
            all.flush()?;
        }
    }
    summary::run(&summary::Options::of(options.json.clone()))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::Bench;

    #[test]
    fn scenarios_are_valid_commands() {
        for (arguments, _) in SCENARIOS {
            let words = ["chat-bench"].into_iter().chain(arguments.split(' ')).chain(["--rounds", "1", "--json", "f"]);
            assert!(Bench::try_parse_from(words).is_ok(), "{arguments}");
        }
    }
}
