//! What the table of the README shows.

use serde_json::{Map, Value};

/// One line of the table.
pub(super) struct Line {
    pub(super) workload: &'static str,
    pub(super) scenario: &'static str,
    /// The position on the axis of the scenario.
    pub(super) at: u64,
    pub(super) figure: fn(&Map<String, Value>) -> Option<f64>,
    pub(super) unit: &'static str,
    pub(super) ours: &'static str,
    /// Contenders with the names that the table shows.
    pub(super) others: &'static [(&'static str, &'static str)],
}

const REDIS_AND_NATS: &[(&str, &str)] = &[("redis", "redis"), ("nats", "NATS")];

pub(super) const LINES: [Line; 16] = [
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
        workload: "the same from a server that numbers its messages",
        scenario: "listen",
        at: 0,
        figure: cpu_per_million,
        unit: "s per million",
        ours: "chat listen, numbered",
        others: &[],
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
