//! The result of a run.

use std::fmt;
use std::time::Duration;

use super::cut_check::Findings;

/// Counts and violations of a run.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) seed: u64,
    pub(super) cuts: u64,
    pub(super) stores: u64,
    pub(super) confirmed: u64,
    pub(super) took: Duration,
    pub(super) findings: Findings,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |name: &str, value: &dyn fmt::Display| writeln!(f, "{name:<28}{value:>12}");
        row("power cuts", &self.cuts)?;
        row("stores", &self.stores)?;
        row("messages confirmed", &self.confirmed)?;
        row("lost or damaged", &self.findings.lost)?;
        row("duplicated", &self.findings.duplicated)?;
        row("out of order or foreign", &self.findings.disordered)?;
        row("seconds", &format!("{:.1}", self.took.as_secs_f64()))?;
        row("seed", &self.seed)?;
        for example in &self.findings.examples {
            writeln!(f, "VIOLATION {example}")?;
        }
        Ok(())
    }
}
