//! Holds what writers were told against what listeners saw. It knows nothing of sockets and files:
//! it gets lists, and says what is wrong with them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

/// What a writer was told of one of its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Told {
    /// The server has it, at this place where it numbers.
    Confirmed {
        /// The place, where it is known.
        seq: Option<u64>,
    },
    /// It may or may not be there.
    Unconfirmed,
    /// The server said no.
    Refused,
    /// Taken back before it was written, or never written at all.
    NeverSent,
}

/// One message of one writer, in the order in which it was handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// Which writer.
    pub writer: usize,
    /// Its text; no two messages of a run have the same.
    pub text: String,
    /// What the writer was told in the end.
    pub told: Told,
}

/// What one listener has in the end, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// A name for reports.
    pub name: String,
    /// The texts.
    pub texts: Vec<String>,
    /// The place of each text in the log, where the list has places; empty where it has none.
    pub places: Vec<u64>,
    /// The listener was told of a gap, so that something may be missing. Nothing may be doubled or
    /// out of order all the same.
    pub gaps: bool,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// Confirmed, and a listener does not have it.
    Lost {
        /// Whose list lacks it.
        listener: String,
        /// The message.
        text: String,
    },
    /// A listener has it more than once.
    Doubled {
        /// Whose list has it twice.
        listener: String,
        /// The message.
        text: String,
    },
    /// A sender's messages are not in the order in which they were handed in.
    SenderOrder {
        /// Whose list it is.
        listener: String,
        /// The message that came too late.
        text: String,
    },
    /// Two listeners have two messages in different orders.
    NoOneOrder {
        /// Whose list disagrees with the first listener's.
        listener: String,
        /// The message at which they part.
        text: String,
    },
    /// Refused, taken back or never posted, and a listener has it.
    Ghost {
        /// Whose list has it.
        listener: String,
        /// The message.
        text: String,
    },
    /// One place was given to two messages, or the places are not in the order of the log.
    Places {
        /// The message with the odd place.
        text: String,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { listener, text } => write!(f, "{listener} lost {text:?}, which was confirmed"),
            Self::Doubled { listener, text } => write!(f, "{listener} has {text:?} more than once"),
            Self::SenderOrder { listener, text } => {
                write!(f, "{listener} has {text:?} before an earlier one of its sender")
            }
            Self::NoOneOrder { listener, text } => {
                write!(f, "{listener} has {text:?} in another order than the first listener")
            }
            Self::Ghost { listener, text } => write!(f, "{listener} has {text:?}, which must not be there"),
            Self::Places { text } => write!(f, "{text:?} was confirmed at a place that does not fit"),
        }
    }
}

/// Numbers for a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Messages that were confirmed.
    pub confirmed: usize,
    /// Messages of which nothing is known.
    pub unconfirmed: usize,
    /// Messages that were refused or never sent.
    pub not_sent: usize,
    /// Confirmed and missing somewhere.
    pub lost: usize,
    /// There more than once.
    pub doubled: usize,
    /// Out of order, by sender, by listener or by place.
    pub disordered: usize,
    /// There and should not be.
    pub ghosts: usize,
}

/// Checks a whole run. An empty list of violations is what every run must give.
#[must_use]
pub fn check(posted: &[Posted], heard: &[Heard]) -> (Summary, Vec<Violation>) {
    let mut violations = Vec::new();
    let known: HashMap<&str, &Posted> = posted.iter().map(|message| (message.text.as_str(), message)).collect();
    let orders: HashMap<&str, usize> =
        posted.iter().enumerate().map(|(order, one)| (one.text.as_str(), order)).collect();
    for listener in heard {
        check_one(listener, posted, &known, &orders, &mut violations);
    }
    check_one_order(heard, &mut violations);
    check_places(posted, heard.first(), &mut violations);
    (summary(posted, &violations), violations)
}

fn check_one(
    listener: &Heard,
    posted: &[Posted],
    known: &HashMap<&str, &Posted>,
    orders: &HashMap<&str, usize>,
    violations: &mut Vec<Violation>,
) {
    let name = || listener.name.clone();
    let mut seen: HashSet<&str> = HashSet::new();
    let mut newest: HashMap<usize, usize> = HashMap::new();
    for text in &listener.texts {
        if !seen.insert(text) {
            violations.push(Violation::Doubled { listener: name(), text: text.clone() });
            continue;
        }
        let Some(message) = known.get(text.as_str()) else {
            violations.push(Violation::Ghost { listener: name(), text: text.clone() });
            continue;
        };
        if matches!(message.told, Told::Refused | Told::NeverSent) {
            violations.push(Violation::Ghost { listener: name(), text: text.clone() });
        }
        let order = orders[text.as_str()];
        let newest = newest.entry(message.writer).or_default();
        if order < *newest {
            violations.push(Violation::SenderOrder { listener: name(), text: text.clone() });
        }
        *newest = order.max(*newest);
    }
    if listener.gaps {
        return;
    }
    for message in posted {
        if matches!(message.told, Told::Confirmed { .. }) && !seen.contains(message.text.as_str()) {
            violations.push(Violation::Lost { listener: name(), text: message.text.clone() });
        }
    }
}

/// Every listener's list must be in the order of the first one's.
fn check_one_order(heard: &[Heard], violations: &mut Vec<Violation>) {
    let Some((first, others)) = heard.split_first() else { return };
    let places: HashMap<&str, usize> =
        first.texts.iter().enumerate().map(|(place, text)| (text.as_str(), place)).collect();
    for listener in others {
        let mut newest = 0;
        for text in &listener.texts {
            let Some(&place) = places.get(text.as_str()) else { continue };
            if place < newest {
                violations.push(Violation::NoOneOrder { listener: listener.name.clone(), text: text.clone() });
            }
            newest = place.max(newest);
        }
    }
}

/// Places that writers were told must be different, and in the order of the log.
fn check_places(posted: &[Posted], first: Option<&Heard>, violations: &mut Vec<Violation>) {
    let mut by_place: BTreeMap<u64, &str> = BTreeMap::new();
    for message in posted {
        if let Told::Confirmed { seq: Some(seq) } = message.told
            && by_place.insert(seq, &message.text).is_some()
        {
            violations.push(Violation::Places { text: message.text.clone() });
        }
    }
    let Some(first) = first else { return };
    let order: HashMap<&str, usize> =
        first.texts.iter().enumerate().map(|(place, text)| (text.as_str(), place)).collect();
    let mut newest = 0;
    for (seq, text) in by_place {
        let Some(&place) = order.get(text) else { continue };
        if place < newest || first.places.get(place).is_some_and(|&there| there != seq) {
            violations.push(Violation::Places { text: text.to_owned() });
        }
        newest = place.max(newest);
    }
    for (pair, text) in first.places.windows(2).zip(first.texts.iter().skip(1)) {
        if pair[1] != pair[0] + 1 {
            violations.push(Violation::Places { text: text.clone() });
        }
    }
}

fn summary(posted: &[Posted], violations: &[Violation]) -> Summary {
    let mut summary = Summary::default();
    for message in posted {
        match message.told {
            Told::Confirmed { .. } => summary.confirmed += 1,
            Told::Unconfirmed => summary.unconfirmed += 1,
            Told::Refused | Told::NeverSent => summary.not_sent += 1,
        }
    }
    for violation in violations {
        match violation {
            Violation::Lost { .. } => summary.lost += 1,
            Violation::Doubled { .. } => summary.doubled += 1,
            Violation::Ghost { .. } => summary.ghosts += 1,
            Violation::SenderOrder { .. } | Violation::NoOneOrder { .. } | Violation::Places { .. } => {
                summary.disordered += 1;
            }
        }
    }
    summary
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posted(told: &[(usize, &str, Told)]) -> Vec<Posted> {
        told.iter().map(|&(writer, text, told)| Posted { writer, text: text.into(), told }).collect()
    }

    fn heard(name: &str, texts: &[&str]) -> Heard {
        Heard { name: name.into(), texts: texts.iter().map(|&text| text.into()).collect(), ..Heard::default() }
    }

    const CONFIRMED: Told = Told::Confirmed { seq: None };

    #[test]
    fn a_good_run_has_no_violations() {
        let posted = posted(&[
            (0, "a1", Told::Confirmed { seq: Some(1) }),
            (0, "a2", Told::Unconfirmed),
            (1, "b1", Told::Confirmed { seq: Some(2) }),
            (1, "b2", Told::NeverSent),
        ]);
        let (summary, violations) =
            check(&posted, &[heard("one", &["a1", "b1", "a2"]), heard("two", &["a1", "b1", "a2"])]);
        assert_eq!(violations, []);
        assert_eq!((summary.confirmed, summary.unconfirmed, summary.not_sent), (2, 1, 1));
    }

    #[test]
    fn each_kind_of_fault_is_found() {
        let all = posted(&[(0, "a1", CONFIRMED), (0, "a2", CONFIRMED), (1, "b1", CONFIRMED), (1, "b2", Told::Refused)]);
        let find = |texts: &[&str]| check(&all, &[heard("one", texts)]).1;
        assert!(matches!(find(&["a1", "a2"])[..], [Violation::Lost { .. }]));
        assert!(matches!(find(&["a1", "a2", "b1", "a1"])[..], [Violation::Doubled { .. }]));
        assert!(matches!(find(&["a2", "a1", "b1"])[..], [Violation::SenderOrder { .. }]));
        assert!(matches!(find(&["a1", "a2", "b1", "b2"])[..], [Violation::Ghost { .. }]));
        assert!(matches!(find(&["a1", "a2", "b1", "zz"])[..], [Violation::Ghost { .. }]));
        let two = [heard("one", &["a1", "a2", "b1"]), heard("two", &["b1", "a1", "a2"])];
        assert!(check(&all, &two).1.iter().all(|v| matches!(v, Violation::NoOneOrder { .. })));
        assert!(!check(&all, &two).1.is_empty());
        let places =
            posted(&[(0, "a1", Told::Confirmed { seq: Some(2) }), (1, "b1", Told::Confirmed { seq: Some(1) })]);
        assert!(matches!(check(&places, &[heard("one", &["a1", "b1"])]).1[..], [Violation::Places { .. }]));
        let mut log = heard("log", &["b1", "a1"]);
        log.places = vec![1, 2];
        assert_eq!(check(&places, std::slice::from_ref(&log)).1, []);
        log.places = vec![2, 3];
        assert_eq!(check(&places, std::slice::from_ref(&log)).1.len(), 2);
        log.places = vec![1, 3];
        assert_eq!(check(&places, &[log]).1.len(), 2);
    }

    #[test]
    fn a_listener_that_was_told_of_a_gap_may_lack_messages_and_nothing_else() {
        let all = posted(&[(0, "a1", CONFIRMED), (0, "a2", CONFIRMED)]);
        let mut listener = heard("one", &["a2"]);
        listener.gaps = true;
        assert_eq!(check(&all, &[listener]).1, []);
    }
}
