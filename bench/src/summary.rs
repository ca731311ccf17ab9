//! The summary of a file of results: the table of the README.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value};

use crate::report::short;
use testkit::quantile::median;

/// Options of `chat-bench summary`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// File of results
    #[arg(long, value_name = "FILE", default_value = "results.jsonl")]
    from: PathBuf,
}

impl Options {
    pub(crate) fn of(from: PathBuf) -> Self {
        Self { from }
    }
}

/// One line of the table.
struct Line {
    workload: &'static str,
    scenario: &'static str,
    /// The position on the axis of the scenario.
    at: u64,
    figure: fn(&Map<String, Value>) -> Option<f64>,
    unit: &'static str,
    ours: &'static str,
    /// Contenders with the names that the table shows.
    others: &'static [(&'static str, &'static str)],
}

const REDIS_AND_NATS: &[(&str, &str)] = &[("redis", "redis"), ("nats", "NATS")];

const LINES: [Line; 15] = [
    Line {
        workload: "one writer to 1,000 listeners, 256 in flight",
        scenario: "fan-out",
        at: 1_000,
        figure: rate,
        unit: "deliveries/s",
        ours: "ours",
        others: &[("redis", "redis"), ("nats", "NATS"), ("raw", "plain sockets")],
    },
    Line {
        workload: "the same with numbers and ids",
        scenario: "fan-out",
        at: 1_000,
        figure: rate,
        unit: "deliveries/s",
        ours: "ours-ids",
        others: &[],
    },
    Line {
        workload: "one writer to 10,000 listeners, 32 in flight",
        scenario: "fan-out",
        at: 10_000,
        figure: rate,
        unit: "deliveries/s",
        ours: "ours",
        others: REDIS_AND_NATS,
    },
    Line {
        workload: "one by one to 1,000 listeners",
        scenario: "fan-out-one-by-one-echo",
        at: 1_000,
        figure: rate,
        unit: "deliveries/s",
        ours: "ours",
        others: REDIS_AND_NATS,
    },
    Line {
        workload: "latency at a million deliveries/s, median",
        scenario: "latency",
        at: 1_000,
        figure: |row| number(row, "p50_ms"),
        unit: "ms",
        ours: "ours",
        others: REDIS_AND_NATS,
    },
    Line {
        workload: "the same, p99",
        scenario: "latency",
        at: 1_000,
        figure: |row| number(row, "p99_ms"),
        unit: "ms",
        ours: "ours",
        others: REDIS_AND_NATS,
    },
    Line {
        workload: "memory of an idle listener",
        scenario: "idle",
        at: 10_000,
        figure: |row| number(row, "bytes_each"),
        unit: "bytes",
        ours: "ours",
        others: &[("redis", "redis"), ("nats", "NATS"), ("mosquitto", "Mosquitto")],
    },
    Line {
        workload: "new connections",
        scenario: "accepts",
        at: 64,
        figure: rate,
        unit: "a second",
        ours: "ours",
        others: &[("redis", "redis")],
    },
    Line {
        workload: "posting, each message on disk, one in flight",
        scenario: "post",
        at: 1,
        figure: rate,
        unit: "messages/s",
        ours: "ours",
        others: &[("redis, appendfsync always", "redis with `appendfsync always`")],
    },
    Line {
        workload: "the same, 256 in flight",
        scenario: "post",
        at: 256,
        figure: rate,
        unit: "messages/s",
        ours: "ours",
        others: &[("redis, appendfsync always", "redis with `appendfsync always`")],
    },
    Line {
        workload: "a listener a million messages behind",
        scenario: "resume",
        at: 1_000_000,
        figure: rate,
        unit: "messages/s",
        ours: "resume",
        others: &[],
    },
    Line {
        workload: "start with a million messages",
        scenario: "start",
        at: 1_000_000,
        figure: milliseconds,
        unit: "ms",
        ours: "chat-server, closed before",
        others: &[("chat-server, killed before", "after `kill -9`")],
    },
    Line {
        workload: "lines into a history file, processor time",
        scenario: "listen",
        at: 0,
        figure: cpu_per_million,
        unit: "s per million",
        ours: "chat listen",
        others: &[("nc to a file", "`nc` to a file"), ("asyncio, file kept open", "asyncio")],
    },
    Line {
        workload: "`chat send`, from exec to confirmed",
        scenario: "send",
        at: 0,
        figure: milliseconds,
        unit: "ms",
        ours: "chat send",
        others: &[("C", "a C program"), ("asyncio", "asyncio")],
    },
    Line {
        workload: "a listener that reads nothing, while 300,000 messages pass",
        scenario: "stalled",
        at: 300_000,
        figure: |row| number(row, "grown_mib"),
        unit: "MiB",
        ours: "ours",
        others: REDIS_AND_NATS,
    },
];

/// Prints the table to standard output.
pub(crate) fn run(options: &Options) -> Result<()> {
    let path = options.from.display();
    let text = fs::read_to_string(&options.from).with_context(|| format!("could not read {path}"))?;
    let rows = text.lines().map(serde_json::from_str).collect::<Result<Vec<_>, _>>();
    let table = table(&rows.with_context(|| format!("{path} is not a file of results"))?);
    ensure!(!table.is_empty(), "{path} has none of the results of the table");
    println!("\n| workload | minechat | compared with |\n|---|---|---|\n{table}");
    Ok(())
}

/// Returns a row for each line with results, which are the medians of the rounds.
fn table(rows: &[Map<String, Value>]) -> String {
    let mut table = String::new();
    for line in &LINES {
        let middle = |contender: &str| -> Option<f64> {
            let own = rows.iter().filter(|row| {
                row.get("scenario").is_some_and(|name| name == line.scenario)
                    && row.get("at").and_then(Value::as_u64) == Some(line.at)
                    && row.get("contender").is_some_and(|name| name == contender)
            });
            let values: Vec<f64> = own.filter_map(line.figure).collect();
            (!values.is_empty()).then(|| median(&values))
        };
        let Some(ours) = middle(line.ours) else { continue };
        let others: Vec<String> = (line.others.iter())
            .filter_map(|(contender, name)| Some(format!("{name} {}", short(middle(contender)?))))
            .collect();
        let others = if others.is_empty() { "–".to_owned() } else { others.join(", ") };
        table.push_str(&format!("| {} | {} {} | {others} |\n", line.workload, short(ours), line.unit));
    }
    table
}

fn number(row: &Map<String, Value>, name: &str) -> Option<f64> {
    row.get(name)?.as_f64()
}

fn rate(row: &Map<String, Value>) -> Option<f64> {
    Some(number(row, "units")? / number(row, "wall_s")?)
}

fn cpu_per_million(row: &Map<String, Value>) -> Option<f64> {
    Some(number(row, "cpu_s")? / number(row, "units")? * 1e6)
}

fn milliseconds(row: &Map<String, Value>) -> Option<f64> {
    Some(number(row, "wall_s")? * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_medians_of_what_was_measured() {
        let row = |contender: &str, wall_s: f64| {
            let row = serde_json::json!({
                "scenario": "fan-out", "at": 1000, "contender": contender, "units": 1e6, "wall_s": wall_s,
            });
            row.as_object().unwrap().clone()
        };
        let rows = [row("ours", 0.5), row("ours", 0.1), row("ours", 0.2), row("nats", 1.0), row("another", 9.0)];
        assert_eq!(
            table(&rows),
            "| one writer to 1,000 listeners, 256 in flight | 5.00 M deliveries/s | NATS 1.00 M |\n"
        );
    }
}
