//! The report: one markdown table, a row as soon as it is known, and whether everything held.

/// Rows as they come.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<[String; 5]>,
    violations: usize,
}

/// What a row has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Holds,
    Violated,
    /// This machine was too restless to tell.
    Blurred,
}

impl Table {
    /// Adds what was done and found. `must` says what has to hold, `holds` whether it does.
    pub(super) fn add(&mut self, scenario: &str, done: String, figure: String, must: &str, holds: bool) {
        self.judge(scenario, done, figure, must, if holds { Verdict::Holds } else { Verdict::Violated });
    }

    /// The same for what may be too blurred to say.
    pub(super) fn judge(&mut self, scenario: &str, done: String, figure: String, must: &str, verdict: Verdict) {
        self.violations += usize::from(verdict == Verdict::Violated);
        let verdict = match verdict {
            Verdict::Holds => "holds",
            Verdict::Violated => "**violated**",
            Verdict::Blurred => "not decided: noise",
        };
        eprintln!("{scenario}: {done}: {figure}: {verdict}");
        self.rows.push([scenario.to_owned(), done, figure, must.to_owned(), verdict.to_owned()]);
    }

    /// Writes it to standard output, and says whether everything held.
    pub(super) fn print(&self) -> bool {
        println!("| scenario | done | figure | must hold | verdict |\n|---|---|---|---|---|");
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
    fn one_violation_is_enough() {
        let mut table = Table::default();
        assert!(table.print());
        table.add("a", "b".into(), "1".into(), "< 2", true);
        assert!(table.print());
        table.add("a", "b".into(), "3".into(), "< 2", false);
        assert!(!table.print());
    }
}
