//! The charts: scenario, figure and texts of each.

use anyhow::Result;

use super::rows::{Row, curves};
use super::{bars, lines};

/// One chart.
pub(crate) struct Chart {
    /// Name of its file.
    pub(crate) file: &'static str,
    scenario: &'static str,
    value: fn(&Row) -> f64,
    kind: Kind,
}

enum Kind {
    Lines(lines::Labels),
    Bars(bars::Labels),
}

/// All charts. Fan-out is drawn twice, as cost and as rate.
pub(crate) const ALL: [Chart; 7] = [
    Chart {
        file: "delivery-cost.svg",
        scenario: "fan-out",
        value: |row| row.cpu_s / row.units * 1e9,
        kind: Kind::Lines(lines::Labels {
            title: "Cost of a delivery for the server",
            x: "listeners",
            y: "CPU time per delivery, ns",
        }),
    },
    Chart {
        file: "fan-out-rate.svg",
        scenario: "fan-out",
        value: |row| row.units / row.wall_s / 1e6,
        kind: Kind::Bars(bars::Labels {
            title: "Deliveries of messages posted in bulk",
            value: "million deliveries per second",
            group: "listeners",
        }),
    },
    Chart {
        file: "idle-memory.svg",
        scenario: "idle",
        value: |row| row.total_mib,
        kind: Kind::Lines(lines::Labels {
            title: "Memory of idle connections",
            x: "connections",
            y: "private memory of the server, MiB",
        }),
    },
    Chart {
        file: "start.svg",
        scenario: "start",
        value: |row| row.wall_s * 1e3,
        kind: Kind::Lines(lines::Labels {
            title: "Time from exec to ready",
            x: "messages in the store, lines in the history",
            y: "time, ms",
        }),
    },
    Chart {
        file: "resume.svg",
        scenario: "resume",
        value: |row| row.units / row.wall_s,
        kind: Kind::Lines(lines::Labels { title: "Catching up", x: "messages behind", y: "messages per second" }),
    },
    Chart {
        file: "post-rate.svg",
        scenario: "post",
        value: |row| row.units / row.wall_s,
        kind: Kind::Lines(lines::Labels {
            title: "Posting over one connection, fsync before each confirmation",
            x: "posts in flight",
            y: "confirmed per second",
        }),
    },
    Chart {
        file: "cluster-delivery-cost.svg",
        scenario: "cluster-deliveries",
        value: |row| row.cpu_s / row.units * 1e9,
        kind: Kind::Lines(lines::Labels {
            title: "Cost of a delivery for all nodes of a room together",
            x: "listeners of all nodes",
            y: "CPU time per delivery, ns",
        }),
    },
];

impl Chart {
    /// Returns the chart as SVG; `None` without results.
    pub(crate) fn draw(&self, rows: &[Row]) -> Result<Option<String>> {
        let curves = curves(rows, self.scenario, self.value);
        if curves.is_empty() {
            return Ok(None);
        }
        Ok(Some(match self.kind {
            Kind::Lines(labels) => lines::draw(labels, &curves)?,
            Kind::Bars(labels) => bars::draw(labels, &curves)?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::rows;

    #[test]
    fn draws_only_charts_with_results() {
        let fan_out = r#"{"scenario":"fan-out","at":1000,"contender":"ours","units":2e6,"wall_s":1,"cpu_s":0.1}"#;
        let idle = r#"{"scenario":"idle","at":1000,"contender":"ours","bytes_each":900,"total_mib":9}"#;
        let rows = rows::parse(&format!("{fan_out}\n{idle}")).unwrap();
        let drawn = ALL.iter().filter(|chart| chart.draw(&rows).unwrap().is_some());
        let drawn: Vec<&str> = drawn.map(|chart| chart.file).collect();
        assert_eq!(drawn, ["delivery-cost.svg", "fan-out-rate.svg", "idle-memory.svg"]);
    }
}
