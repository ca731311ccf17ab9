//! The result table of a run.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::checker::Summary;

/// Counts and violations of a run.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) seed: u64,
    pub(super) took: Duration,
    pub(super) faults: BTreeMap<&'static str, u64>,
    pub(super) skipped: Vec<String>,
    pub(super) listeners: usize,
    /// Messages that the log has at the end.
    pub(super) stored: usize,
    pub(super) removed: usize,
    pub(super) expired: usize,
    pub(super) summary: Summary,
    pub(super) violations: Vec<String>,
}

/// Number of violations that are printed.
const SHOWN: usize = 20;

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: u64 = self.faults.values().sum();
        let (summary, seconds) = (&self.summary, self.took.as_secs_f64());
        let mut row = |name: &str, value: &dyn fmt::Display| writeln!(f, "{name:<28}{value:>12}");
        for (kind, count) in &self.faults {
            row(kind, count)?;
        }
        for skipped in &self.skipped {
            row(skipped, &"skipped")?;
        }
        row("faults", &faults)?;
        row("messages confirmed", &summary.confirmed)?;
        row("messages in the log", &self.stored)?;
        row("removed ones among them", &self.removed)?;
        row("expired before them", &self.expired)?;
        row("listeners compared", &self.listeners)?;
        row("refused or never sent", &summary.not_sent)?;
        row("unconfirmed", &summary.unconfirmed)?;
        row("lost", &summary.lost)?;
        row("duplicated", &summary.duplicated)?;
        row("out of order", &summary.disordered)?;
        row("unexpected", &summary.unexpected)?;
        row("violations", &self.violations.len())?;
        row("seconds", &format!("{seconds:.1}"))?;
        row("messages per second", &format!("{:.0}", summary.confirmed as f64 / seconds))?;
        row("faults per second", &format!("{:.1}", faults as f64 / seconds))?;
        row("seed", &self.seed)?;
        for violation in self.violations.iter().take(SHOWN) {
            writeln!(f, "VIOLATION {violation}")?;
        }
        Ok(())
    }
}
