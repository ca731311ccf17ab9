//! A markdown table of figures with their targets.

/// Rows in the order of measurement.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<[String; 4]>,
}

impl Table {
    /// Adds a figure with an upper target; both have the unit `unit`.
    pub(crate) fn at_most(&mut self, what: &str, value: f64, target: f64, unit: &str) {
        let result = if value <= target { "met" } else { "**missed**" };
        self.add(what, format!("{value:.1} {unit}"), format!("≤ {target} {unit}"), result);
    }

    /// Adds a figure without a target.
    pub(crate) fn shown(&mut self, what: &str, value: String) {
        self.add(what, value, "–".to_owned(), "–");
    }

    fn add(&mut self, what: &str, value: String, target: String, result: &str) {
        eprintln!("{what}: {value}");
        self.rows.push([what.to_owned(), value, target, result.to_owned()]);
    }

    /// Prints the table to standard output.
    pub(crate) fn print(&self) {
        println!("| figure | measured | target | result |\n|---|---|---|---|");
        for [what, value, target, result] in &self.rows {
            println!("| {what} | {value} | {target} | {result} |");
        }
    }
}
