//! Collects the reports of all processes: what each writer posted and was told, and how far each listener has read.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chat_client::{Gap, GapCause};

use crate::checker::DeliveryReport;

/// Reports of all processes of a run, shared by the tasks that read their pipes.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    state: Mutex<State>,
}

/// The process that a report comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reporter {
    Server,
    Writer(usize),
    Listener(usize),
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) writers: Vec<WriterRecord>,
    /// Newest sequence number that each listener has recorded.
    pub(crate) listeners: Vec<u64>,
    /// The sequence numbers of which each listener was told that they have expired.
    pub(crate) expired: Vec<HashSet<u64>>,
    /// How often each listener was restarted; only in simulations.
    pub(crate) restarts: Vec<usize>,
    pub(crate) confirmed: u64,
    /// The sequence numbers of messages whose removal was begun.
    pub(crate) removing: HashSet<u64>,
    /// Those of which it was confirmed.
    pub(crate) removed: HashSet<u64>,
    /// Where the log began when a listener was last told so.
    pub(crate) oldest: u64,
    /// The writers that an operator has begun to mute or to revoke at any time.
    pub(crate) muted: HashSet<usize>,
    /// Reports that no correct process makes.
    pub(crate) unexpected: Vec<String>,
}

/// One writer's messages, by number.
#[derive(Debug, Default)]
pub(crate) struct WriterRecord {
    pub(crate) reports: Vec<Option<DeliveryReport>>,
    /// Messages without a report.
    pub(crate) pending: BTreeSet<u64>,
    pub(crate) idle: bool,
}

impl Ledger {
    pub(crate) fn new(writers: usize, listeners: usize) -> Self {
        let state = State {
            writers: (0..writers).map(|_| WriterRecord::default()).collect(),
            listeners: vec![0; listeners],
            expired: vec![HashSet::new(); listeners],
            restarts: vec![0; listeners],
            ..State::default()
        };
        Self { state: Mutex::new(state) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records one line from the standard output of a process.
    pub(crate) fn record(&self, reporter: Reporter, line: &str) {
        let mut state = self.lock();
        if state.parse(reporter, line).is_none() {
            state.report_unexpected(format!("unexpected line of {reporter:?}: {line:?}"));
        }
    }

    /// Returns the line from which a restarted writer resumes: the next number, then all pending ones.
    pub(crate) fn resume_line(&self, writer: usize) -> String {
        let state = self.lock();
        let record = &state.writers[writer];
        let mut line = record.reports.len().to_string();
        for number in &record.pending {
            line.push_str(&format!(" {number}"));
        }
        line
    }
}

impl State {
    /// Keeps the first hundred; one fault usually causes many follow-up reports.
    pub(crate) fn report_unexpected(&mut self, what: String) {
        if self.unexpected.len() < 100 {
            self.unexpected.push(what);
        }
    }

    /// Chooses a confirmed message and notes that it is being removed. `None` if there is none.
    pub(crate) fn begin_removal(&mut self, draw: u64) -> Option<u64> {
        // The rig's own messages, of the last writer, show where the log begins and ends.
        let writers = self.writers.len().checked_sub(1).filter(|&writers| writers > 0)?;
        let reports = &self.writers[draw as usize % writers].reports;
        // A prime, so that the choice does not follow from that of the writer.
        let report = reports.get((draw / 8191) as usize % reports.len().max(1))?;
        let Some(DeliveryReport::Confirmed { seq: Some(seq) }) = *report else { return None };
        self.removing.insert(seq).then_some(seq)
    }

    /// Returns writer and number of each message whose removal was begun, by sequence number.
    pub(crate) fn removals(&self) -> HashMap<u64, (usize, u64)> {
        let mut found = HashMap::new();
        for (writer, record) in self.writers.iter().enumerate() {
            for (number, report) in record.reports.iter().enumerate() {
                if let Some(DeliveryReport::Confirmed { seq: Some(seq) }) = report
                    && self.removing.contains(seq)
                {
                    found.insert(*seq, (writer, number as u64));
                }
            }
        }
        found
    }

    fn parse(&mut self, reporter: Reporter, line: &str) -> Option<()> {
        let mut words = line.split(' ');
        let (what, number) = (words.next()?, words.next().and_then(|word| word.parse::<u64>().ok()));
        match (reporter, what) {
            (Reporter::Writer(writer), "posting") => self.writers[writer].begin(number?),
            (Reporter::Writer(writer), "idle") => self.writers[writer].idle = true,
            (Reporter::Writer(writer), "confirmed") => {
                self.confirmed += 1;
                let seq = words.next()?.parse().ok()?;
                self.writers[writer].finish(number?, DeliveryReport::Confirmed { seq: Some(seq) })?;
            }
            (Reporter::Writer(writer), "refused") => {
                let expected = match words.next()? {
                    "muted" | "revoked" => self.muted.contains(&writer),
                    // After twenty attempts on a full disk, or by an earlier lifetime.
                    "storage" | "earlier" => true,
                    _ => false,
                };
                self.writers[writer].finish(number?, DeliveryReport::Refused)?;
                return expected.then_some(());
            }
            (Reporter::Writer(writer), "unconfirmed") => {
                self.writers[writer].finish(number?, DeliveryReport::Unconfirmed)?;
            }
            (Reporter::Writer(writer), "never-sent") => {
                self.writers[writer].finish(number?, DeliveryReport::NeverSent)?;
            }
            (Reporter::Listener(listener), "at") => {
                let newest = &mut self.listeners[listener];
                *newest = number?.max(*newest);
            }
            (Reporter::Listener(listener), "expired") => {
                let last = words.next()?.parse().ok()?;
                self.expired[listener].extend(number?..=last);
            }
            _ => return None,
        }
        Some(())
    }
}

/// Returns what a listener reports about a gap: the first and the last expired number, or the gap itself, which no
/// correct run has.
pub(crate) fn gap_line(gap: &Gap) -> String {
    let after = gap.after.as_ref().map_or(0, |position| position.seq);
    match (gap.cause, &gap.before) {
        (GapCause::Expired, Some(before)) => format!("expired {} {}", after + 1, before.seq - 1),
        _ => format!("gap {gap}"),
    }
}

impl WriterRecord {
    fn begin(&mut self, number: u64) {
        // Numbers are dense from 0, so a run never has more of them than fit into memory.
        let index = number as usize;
        if self.reports.len() <= index {
            self.reports.resize(index + 1, None);
        }
        if self.reports[index].is_none() {
            self.pending.insert(number);
        }
    }

    /// Returns `None` if a different report came before. A kill between the outbox and the report may repeat a
    /// report, but must not change it.
    fn finish(&mut self, number: u64, report: DeliveryReport) -> Option<()> {
        self.pending.remove(&number);
        match self.reports.get_mut(number as usize)?.replace(report) {
            Some(before) if before != report => None,
            _ => Some(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_accepted_changes_are_not() {
        let ledger = Ledger::new(1, 1);
        for line in ["posting 0", "posting 1", "posting 2", "confirmed 1 5", "confirmed 1 5", "posting 1"] {
            ledger.record(Reporter::Writer(0), line);
        }
        assert_eq!(ledger.resume_line(0), "3 0 2");
        assert_eq!(ledger.lock().unexpected, Vec::<String>::new());
        ledger.record(Reporter::Writer(0), "confirmed 1 6");
        ledger.record(Reporter::Listener(0), "gap of some kind");
        assert_eq!(ledger.lock().unexpected.len(), 2);
    }
}
