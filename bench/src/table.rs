//! The report: one markdown table with what was measured, the target and whether it is met.

/// Rows as they come; printed at the end.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<[String; 4]>,
}

impl Table {
    /// Adds a figure that has to be at most `target`, with `unit` behind both.
    pub fn at_most(&mut self, what: &str, value: f64, target: f64, unit: &str) {
        let verdict = if value <= target { "met" } else { "**missed**" };
        self.add(what, format!("{value:.1} {unit}"), format!("≤ {target} {unit}"), verdict);
    }

    /// Adds a figure that has no target of its own.
    pub fn shown(&mut self, what: &str, value: String) {
        self.add(what, value, "–".to_owned(), "–");
    }

    fn add(&mut self, what: &str, value: String, target: String, verdict: &str) {
        eprintln!("{what}: {value}");
        self.rows.push([what.to_owned(), value, target, verdict.to_owned()]);
    }

    /// Writes it to standard output.
    pub fn print(&self) {
        println!("| figure | measured | target | verdict |\n|---|---|---|---|");
        for [what, value, target, verdict] in &self.rows {
            println!("| {what} | {value} | {target} | {verdict} |");
        }
    }
}
