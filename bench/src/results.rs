//! The file of `--json`: every round as a line of JSON, input of `chat-bench plot`.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::measure::Series;

/// The file of results, if `--json` was given.
#[derive(Debug, Default)]
pub(crate) struct Results {
    file: Option<BufWriter<File>>,
}

/// One line. `at` is the position on the axis of the scenario: listeners, connections, lines of history.
#[derive(Serialize)]
struct Row<'a, T> {
    scenario: &'a str,
    at: u64,
    contender: &'a str,
    round: usize,
    /// The share of the processors that other programs used.
    foreign: f64,
    #[serde(flatten)]
    sample: &'a T,
}

/// The line of a contender that could not be measured, or no longer.
#[derive(Serialize)]
struct FailureRow<'a> {
    scenario: &'a str,
    at: u64,
    contender: &'a str,
    failure: &'a str,
}

impl Results {
    /// Creates the file, truncating an existing one.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self> {
        let open = |path: &Path| File::create(path).with_context(|| format!("could not write {}", path.display()));
        Ok(Self { file: path.map(open).transpose()?.map(BufWriter::new) })
    }

    /// Adds the rounds of a scenario.
    pub(crate) fn add<T: Serialize>(&mut self, scenario: &str, at: u64, all: &[Series<T>]) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        for series in all {
            for (round, (sample, &foreign)) in series.samples.iter().zip(&series.foreign).enumerate() {
                let row = Row { scenario, at, contender: &series.name, round, foreign, sample };
                serde_json::to_writer(&mut *file, &row)?;
                file.write_all(b"\n")?;
            }
            if let Some(failure) = &series.failure {
                serde_json::to_writer(&mut *file, &FailureRow { scenario, at, contender: &series.name, failure })?;
                file.write_all(b"\n")?;
            }
        }
        // An interrupted run keeps its finished scenarios.
        Ok(file.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::measure::Sample;

    #[test]
    fn writes_a_line_per_round() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("results");
        let sample = Sample { units: 10.0, wall_s: 2.0, cpu_s: 1.0, load_cpu_s: 0.5, peak_kib: 7 };
        let all = [
            Series { name: "ours".into(), samples: vec![sample], foreign: vec![0.5], failure: None },
            Series { name: "nc".into(), samples: Vec::new(), foreign: Vec::new(), failure: Some("not here".into()) },
        ];
        Results::open(Some(&path))?.add("fan-out", 1000, &all)?;
        assert_eq!(
            fs::read_to_string(path)?,
            "{\"scenario\":\"fan-out\",\"at\":1000,\"contender\":\"ours\",\"round\":0,\"foreign\":0.5,\"units\":10.0,\"wall_s\":2.0,\
             \"cpu_s\":1.0,\"load_cpu_s\":0.5,\"peak_kib\":7}\n\
             {\"scenario\":\"fan-out\",\"at\":1000,\"contender\":\"nc\",\"failure\":\"not here\"}\n"
        );
        Ok(())
    }
}
