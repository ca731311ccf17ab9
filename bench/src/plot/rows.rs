//! Reads results and reduces the rounds of a contender to medians.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

use testkit::quantile::median;

/// One round, as written by `results`. Other figures of a scenario are ignored.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    pub(crate) scenario: String,
    pub(crate) at: u64,
    pub(crate) contender: String,
    #[serde(default)]
    pub(crate) units: f64,
    #[serde(default)]
    pub(crate) wall_s: f64,
    #[serde(default)]
    pub(crate) cpu_s: f64,
    /// Only of idle connections.
    #[serde(default)]
    pub(crate) total_mib: f64,
}

/// The medians of one contender by position on the axis.
#[derive(Debug, PartialEq)]
pub(crate) struct Curve {
    pub(crate) name: String,
    pub(crate) points: Vec<(u64, f64)>,
}

/// Parses lines of JSON; empty ones are skipped.
pub(crate) fn parse(lines: &str) -> Result<Vec<Row>> {
    let rows = lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    rows.map(|(place, line)| serde_json::from_str(line).with_context(|| format!("line {}", place + 1))).collect()
}

/// Returns the curves of a scenario in the order in which the contenders first appear; ours is first.
pub(crate) fn curves(rows: &[Row], scenario: &str, value: fn(&Row) -> f64) -> Vec<Curve> {
    let mut names: Vec<&str> = Vec::new();
    let mut rounds: BTreeMap<(&str, u64), Vec<f64>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.scenario == scenario) {
        let value = value(row);
        // Not finite if the scenario has no such figure.
        if !value.is_finite() || value <= 0.0 {
            continue;
        }
        if !names.contains(&row.contender.as_str()) {
            names.push(&row.contender);
        }
        rounds.entry((&row.contender, row.at)).or_default().push(value);
    }
    let points = |name: &str| {
        let own = rounds.iter().filter(|((contender, _), _)| *contender == name);
        own.map(|((_, at), values)| (*at, median(values))).collect()
    };
    names.iter().map(|name| Curve { name: (*name).to_owned(), points: points(name) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reduces_rounds_to_medians() {
        let row = |at: u64, contender: &str, wall: f64| {
            format!(
                "{{\"scenario\":\"s\",\"at\":{at},\"contender\":\"{contender}\",\"round\":0,\"wall_s\":{wall},\"more\":1}}\n"
            )
        };
        let lines = [row(100, "ours", 3.0), row(10, "ours", 9.0), row(100, "peer", 5.0), row(10, "ours", 7.0)];
        let mut rows = parse(&format!("{}\n{}", lines.concat(), row(10, "ours", 8.0))).unwrap();
        rows.extend(parse("{\"scenario\":\"other\",\"at\":1,\"contender\":\"x\",\"wall_s\":1}").unwrap());
        let curve = |name: &str, points: &[(u64, f64)]| Curve { name: name.into(), points: points.into() };
        assert_eq!(
            curves(&rows, "s", |row| row.wall_s),
            [curve("ours", &[(10, 8.0), (100, 3.0)]), curve("peer", &[(100, 5.0)])]
        );
        assert_eq!(curves(&rows, "s", |row| row.cpu_s / row.units), []);
    }

    #[test]
    fn names_a_damaged_line() {
        let error = parse("\n{\"scenario\":\"s\"}\n").unwrap_err();
        assert_eq!(error.to_string(), "line 2");
    }
}
