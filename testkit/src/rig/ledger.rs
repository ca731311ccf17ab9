//! What all processes have reported: what each writer typed and was told, and how far each listener
//! has come. It starts and kills nobody.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::checker::Told;

/// Written to by whoever reads a process's pipe.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    state: Mutex<State>,
}

/// Who reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Server,
    Writer(usize),
    Listener(usize),
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) writers: Vec<Typed>,
    pub(crate) listeners: Vec<u64>,
    /// Which life each listener lives, where lives are counted.
    pub(crate) lives: Vec<usize>,
    pub(crate) confirmed: u64,
    /// What no process should ever have said.
    pub(crate) oddities: Vec<String>,
}

/// One writer's messages, by number.
#[derive(Debug, Default)]
pub(crate) struct Typed {
    pub(crate) told: Vec<Option<Told>>,
    /// Typed, and nothing told yet.
    pub(crate) open: BTreeSet<u64>,
    pub(crate) idle: bool,
}

impl Ledger {
    pub(crate) fn new(writers: usize, listeners: usize) -> Self {
        let state = State {
            writers: (0..writers).map(|_| Typed::default()).collect(),
            listeners: vec![0; listeners],
            lives: vec![0; listeners],
            ..State::default()
        };
        Self { state: Mutex::new(state) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one line of a process.
    pub(crate) fn take(&self, who: Who, line: &str) {
        let mut state = self.lock();
        if state.understood(who, line).is_none() {
            state.odd(format!("{who:?} said {line:?}"));
        }
    }

    /// What a writer that starts again has to know: the number to go on with, and what is open.
    pub(crate) fn orders(&self, writer: usize) -> String {
        let state = self.lock();
        let typed = &state.writers[writer];
        let mut orders = typed.told.len().to_string();
        for number in &typed.open {
            orders.push_str(&format!(" {number}"));
        }
        orders
    }
}

impl State {
    /// Keeps the first few: when something is wrong, everything is.
    pub(crate) fn odd(&mut self, what: String) {
        if self.oddities.len() < 100 {
            self.oddities.push(what);
        }
    }

    fn understood(&mut self, who: Who, line: &str) -> Option<()> {
        let mut words = line.split(' ');
        let (what, number) = (words.next()?, words.next().and_then(|word| word.parse::<u64>().ok()));
        match (who, what) {
            (Who::Writer(writer), "typing") => self.writers[writer].typing(number?),
            (Who::Writer(writer), "idle") => self.writers[writer].idle = true,
            (Who::Writer(writer), "confirmed") => {
                self.confirmed += 1;
                let seq = words.next()?.parse().ok()?;
                self.writers[writer].tell(number?, Told::Confirmed { seq: Some(seq) })?;
            }
            (Who::Writer(writer), "refused") => self.writers[writer].tell(number?, Told::Refused)?,
            (Who::Writer(writer), "unconfirmed") => self.writers[writer].tell(number?, Told::Unconfirmed)?,
            (Who::Writer(writer), "never-sent") => self.writers[writer].tell(number?, Told::NeverSent)?,
            (Who::Listener(listener), "at") => {
                let place = &mut self.listeners[listener];
                *place = number?.max(*place);
            }
            _ => return None,
        }
        Some(())
    }
}

impl Typed {
    fn typing(&mut self, number: u64) {
        let place = number as usize;
        if self.told.len() <= place {
            self.told.resize(place + 1, None);
        }
        if self.told[place].is_none() {
            self.open.insert(number);
        }
    }

    /// `None` when it had been told something else before. A death between outbox and report may
    /// repeat a report, never change it.
    fn tell(&mut self, number: u64, told: Told) -> Option<()> {
        self.open.remove(&number);
        match self.told.get_mut(number as usize)?.replace(told) {
            Some(before) if before != told => None,
            _ => Some(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_may_be_repeated_and_not_changed() {
        let ledger = Ledger::new(1, 1);
        for line in ["typing 0", "typing 1", "typing 2", "confirmed 1 5", "confirmed 1 5", "typing 1"] {
            ledger.take(Who::Writer(0), line);
        }
        assert_eq!(ledger.orders(0), "3 0 2");
        assert_eq!(ledger.lock().oddities, Vec::<String>::new());
        ledger.take(Who::Writer(0), "confirmed 1 6");
        ledger.take(Who::Listener(0), "gap of some kind");
        assert_eq!(ledger.lock().oddities.len(), 2);
    }
}
