//! The markdown table of a scenario: one row per contender with medians, ranges and ratios to the first contender.

use crate::measure::{Sample, Series};
use testkit::quantile::{median, quantile};

/// One column: a figure of each round.
pub(crate) struct Column<T = Sample> {
    heading: &'static str,
    of: fn(&T) -> f64,
    range: bool,
    ratio: Option<Ratio>,
}

/// How ratios are taken. They are taken in each round, and the table shows their median.
#[derive(Debug, Clone, Copy)]
enum Ratio {
    FirstOverIt,
    ItOverFirst,
}

impl<T> Column<T> {
    /// Creates a column with the median.
    pub(crate) const fn new(heading: &'static str, of: fn(&T) -> f64) -> Self {
        Self { heading, of, range: false, ratio: None }
    }

    /// Adds the lowest and the highest value.
    pub(crate) const fn with_range(mut self) -> Self {
        self.range = true;
        self
    }

    /// Adds the ratio of the first contender to this one.
    pub(crate) const fn with_ratio(mut self) -> Self {
        self.ratio = Some(Ratio::FirstOverIt);
        self
    }

    /// Adds the ratio of this contender to the first one.
    pub(crate) const fn with_overhead(mut self) -> Self {
        self.ratio = Some(Ratio::ItOverFirst);
        self
    }
}

/// Columns of scenarios that measure rates.
pub(crate) const RATES: [Column; 4] = [
    Column::new("per second", Sample::rate).with_range().with_ratio(),
    Column::new("CPU s per million", Sample::cpu_per_million).with_ratio(),
    Column::new("generator CPU s per million", Sample::load_cpu_per_million),
    Column::new("peak MiB", |sample| sample.peak_kib as f64 / 1024.0),
];

/// Prints the title and the table to standard output.
pub(crate) fn print<T>(title: &str, all: &[Series<T>], columns: &[Column<T>]) {
    println!("\n### {title}\n\n{}", table(all, columns));
}

fn table<T>(all: &[Series<T>], columns: &[Column<T>]) -> String {
    let Some(first) = all.first() else { return String::new() };
    let mut head = vec![String::new()];
    for column in columns {
        head.push(column.heading.to_owned());
        match column.ratio {
            Some(Ratio::FirstOverIt) => head.push(format!("{} / it", first.name)),
            Some(Ratio::ItOverFirst) => head.push(format!("over {}", first.name)),
            None => {}
        }
    }
    let mut lines = vec![line(&head), line(&vec!["---".to_owned(); head.len()])];
    for series in all {
        let mut row = vec![series.name.clone()];
        for column in columns {
            let values: Vec<f64> = series.samples.iter().map(column.of).collect();
            row.push(cell(&values, column.range));
            match column.ratio {
                Some(Ratio::FirstOverIt) => row.push(ratio(first, series, column.of)),
                Some(Ratio::ItOverFirst) => row.push(ratio(series, first, column.of)),
                None => {}
            }
        }
        lines.push(line(&row));
    }
    for series in all {
        let (disturbed, most) = series.disturbed();
        if disturbed > 0 {
            let (name, rounds, percent) = (&series.name, series.samples.len(), most * 100.0);
            lines.push(format!(
                "\n{name}: other programs used up to {percent:.0} % of the processors in {disturbed} of {rounds} rounds"
            ));
        }
        if let Some(failure) = &series.failure {
            lines.push(format!("\n{} failed: {failure}", series.name));
        }
    }
    lines.join("\n")
}

fn line(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

fn cell(values: &[f64], range: bool) -> String {
    if values.is_empty() {
        return "–".to_owned();
    }
    let middle = short(median(values));
    if range && values.len() > 1 {
        format!("{middle} ({} – {})", short(quantile(values, 0.0)), short(quantile(values, 1.0)))
    } else {
        middle
    }
}

fn ratio<T>(above: &Series<T>, below: &Series<T>, of: fn(&T) -> f64) -> String {
    let rounds = above.samples.iter().zip(&below.samples);
    let ratios: Vec<f64> = rounds.map(|(above, below)| of(above) / of(below)).collect();
    if ratios.is_empty() { "–".to_owned() } else { format!("{}x", short(median(&ratios))) }
}

/// Formats a value with three significant digits, large ones with `k` or `M`.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        // A cost of no units.
        size if !size.is_finite() => "–".to_owned(),
        size if size >= 1e6 => format!("{} M", short(value / 1e6)),
        size if size >= 1e4 => format!("{} k", short(value / 1e3)),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 || size == 0.0 => format!("{value:.2}"),
        size if size >= 1e-4 => format!("{value:.4}"),
        _ => format!("{value:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_ratios_per_round() {
        let series = |name: &str, samples: &[f64], foreign: &[f64]| Series {
            name: name.into(),
            samples: samples.into(),
            foreign: foreign.into(),
            failure: None,
        };
        let all = [
            series("ours", &[10.0, 40.0, 90.0], &[0.0, 0.01, 0.1]),
            series("peer", &[5.0, 10.0, 30.0], &[0.2, 0.0, 0.15]),
        ];
        let table = table(&all, &[Column::new("figure", |value| *value).with_range().with_ratio()]);
        assert_eq!(
            table,
            "|  | figure | ours / it |\n\
             | --- | --- | --- |\n\
             | ours | 40.0 (10.0 – 90.0) | 1.00x |\n\
             | peer | 10.0 (5.00 – 30.0) | 3.00x |\n\n\
             peer: other programs used up to 20 % of the processors in 2 of 3 rounds"
        );
    }

    #[test]
    fn shortens_numbers() {
        let shown = [44_123_456.0, 12_345.6, 1_234.0, 12.34, 0.0, 0.01234, f64::INFINITY].map(short);
        assert_eq!(shown, ["44.1 M", "12.3 k", "1234", "12.3", "0.00", "0.0123", "–"]);
    }
}
