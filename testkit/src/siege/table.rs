//! The result: a markdown table with one row per load.

/// Rows in the order in which the loads ended.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<[String; 5]>,
    violations: usize,
}

/// The result of one requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CheckResult {
    Passed,
    Failed,
    /// The noise of this machine is larger than the difference to be measured.
    Inconclusive,
}

impl Table {
    /// Adds a row: the load, the measured figure, the requirement and whether it is met.
    pub(super) fn add(&mut self, scenario: &str, done: String, figure: String, must: &str, holds: bool) {
        self.add_result(scenario, done, figure, must, if holds { CheckResult::Passed } else { CheckResult::Failed });
    }

    /// Adds a row whose result may be inconclusive.
    pub(super) fn add_result(&mut self, scenario: &str, done: String, figure: String, must: &str, result: CheckResult) {
        self.violations += usize::from(result == CheckResult::Failed);
        let result = match result {
            CheckResult::Passed => "holds",
            CheckResult::Failed => "**violated**",
            CheckResult::Inconclusive => "not decided: noise",
        };
        eprintln!("{scenario}: {done}: {figure}: {result}");
        self.rows.push([scenario.to_owned(), done, figure, must.to_owned(), result.to_owned()]);
    }

    /// Prints the table to standard output. Returns whether every requirement was met.
    pub(super) fn print(&self) -> bool {
        println!("| scenario | load | figure | requirement | result |\n|---|---|---|---|---|");
        for row in &self.rows {
            println!("| {} |", row.join(" | "));
        }
        self.violations == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_violation_fails_the_run() {
        let mut table = Table::default();
        assert!(table.print());
        table.add("a", "b".into(), "1".into(), "< 2", true);
        assert!(table.print());
        table.add("a", "b".into(), "3".into(), "< 2", false);
        assert!(!table.print());
    }
}
