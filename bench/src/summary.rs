//! The summary of a file of results: the table of the README.

mod lines;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value};
use testkit::quantile::median;

use self::lines::LINES;
use crate::measure::MOST_FOREIGN;
use crate::report::short;

/// Options of `chat-bench summary`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// File of results
    #[arg(long, value_name = "FILE", default_value = "results.jsonl")]
    from: PathBuf,
    /// Replace the table in this file instead of printing it
    #[arg(long, value_name = "FILE")]
    readme: Option<PathBuf>,
}

impl Options {
    pub(crate) fn of(from: PathBuf) -> Self {
        Self { from, readme: None }
    }
}

/// The lines of a document before and after the table.
const BEGIN: &str = "<!-- made by `chat-bench summary --from bench/results.jsonl --readme README.md` -->\n";
const END: &str = "<!-- end of the table -->\n";

const HEAD: &str = "| workload | minechat | compared with |\n|---|---|---|\n";
const DISTURBED: &str = "\n\\* Other programs used more than a tenth of the processors meanwhile.\n";

/// Prints the table to standard output, or replaces it in the document.
pub(crate) fn run(options: &Options) -> Result<()> {
    let table = table_of(&options.from)?;
    let Some(path) = &options.readme else {
        println!("\n{table}");
        return Ok(());
    };
    let failed = |what: &str| format!("could not {what} {}", path.display());
    let document = fs::read_to_string(path).with_context(|| failed("read"))?;
    let document = replaced(&document, &table).with_context(|| format!("{} has no such table", path.display()))?;
    fs::write(path, document).with_context(|| failed("write"))
}

/// Returns the table of a file of results.
fn table_of(from: &Path) -> Result<String> {
    let path = from.display();
    let text = fs::read_to_string(from).with_context(|| format!("could not read {path}"))?;
    let rows = text.lines().map(serde_json::from_str).collect::<Result<Vec<_>, _>>();
    let table = table(&rows.with_context(|| format!("{path} is not a file of results"))?);
    ensure!(!table.is_empty(), "{path} has none of the results of the table");
    Ok(table)
}

/// Returns a document with another table.
fn replaced(document: &str, table: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some([before, BEGIN, table, END, after].concat())
}

/// Returns a row for each line with results, which are the medians of the rounds. A contender that could not be measured
/// is named, and rounds that other programs disturbed are marked.
fn table(rows: &[Map<String, Value>]) -> String {
    let (mut table, mut disturbed) = (String::new(), false);
    for line in &LINES {
        let figure = |contender: &str| -> Option<String> {
            let own = |row: &&Map<String, Value>| {
                row.get("scenario").is_some_and(|name| name == line.scenario)
                    && row.get("at").and_then(Value::as_u64) == Some(line.at)
                    && row.get("contender").is_some_and(|name| name == contender)
            };
            let own: Vec<_> = rows.iter().filter(own).collect();
            let values: Vec<f64> = own.iter().filter_map(|row| (line.figure)(row)).collect();
            if values.is_empty() {
                return own.iter().any(|row| row.contains_key("failure")).then(|| "not measured".to_owned());
            }
            let is_disturbed = |row: &&Map<String, Value>| {
                row.get("foreign").and_then(Value::as_f64).is_some_and(|share| share > MOST_FOREIGN)
            };
            Some(short(median(&values)) + if own.iter().any(is_disturbed) { "\\*" } else { "" })
        };
        let Some(ours) = figure(line.ours) else { continue };
        let others = line.others.iter().filter_map(|(contender, name)| Some(format!("{name} {}", figure(contender)?)));
        let others = others.collect::<Vec<_>>().join(", ");
        let others = if others.is_empty() { "–" } else { &others };
        let row = format!("| {} | {ours} {} | {others} |\n", line.workload, line.unit);
        disturbed |= row.contains('*');
        table.push_str(&row);
    }
    if table.is_empty() {
        return table;
    }
    [HEAD, &table, if disturbed { DISTURBED } else { "" }].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(contender: &str, fields: Value) -> Map<String, Value> {
        let mut row = serde_json::json!({ "scenario": "fan-out", "at": 1000, "contender": contender });
        row.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        row.as_object().unwrap().clone()
    }

    fn sample(contender: &str, wall_s: f64, foreign: f64) -> Map<String, Value> {
        row(contender, serde_json::json!({ "units": 1e6, "wall_s": wall_s, "foreign": foreign }))
    }

    #[test]
    fn shows_medians_of_what_was_measured() {
        let rows = [
            sample("ours", 0.5, 0.0),
            sample("ours", 0.1, 0.05),
            sample("ours", 0.2, 0.0),
            sample("nats", 1.0, 0.3),
            row("redis", serde_json::json!({ "failure": "redis-server is not installed" })),
            sample("another", 9.0, 0.0),
        ];
        assert_eq!(
            table(&rows),
            format!(
                "{HEAD}| one writer to 1,000 listeners, 256 in flight | 5.00 M deliveries/s | redis not measured, NATS 1.00 \
                 M\\* |\n{DISTURBED}"
            )
        );
        assert_eq!(table(&[]), "");
    }

    #[test]
    fn the_readme_has_the_table_of_the_results() {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let readme = fs::read_to_string(project.join("README.md")).unwrap();
        let table = table_of(&project.join("bench/results.jsonl")).unwrap();
        assert_eq!(readme, replaced(&readme, &table).unwrap(), "run the command in the comment above the table");
    }

    #[test]
    fn replaces_the_table_only() {
        let document = format!("before\n{BEGIN}old\n{END}after\n");
        assert_eq!(replaced(&document, "new\n").unwrap(), format!("before\n{BEGIN}new\n{END}after\n"));
        assert_eq!(replaced("no table", "new\n"), None);
    }
}
