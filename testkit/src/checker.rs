//! Compares what was reported to writers with what listeners received, and returns every broken promise.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

/// The final delivery state that a writer got for one of its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryReport {
    /// The server has stored it.
    Confirmed {
        /// Its sequence number; `None` from a server without numbers.
        seq: Option<u64>,
    },
    /// The server may or may not have stored it.
    Unconfirmed,
    /// The server rejected it.
    Refused,
    /// Discarded before it was written to a connection.
    NeverSent,
}

/// One message of one writer. A writer's messages are listed in the order in which it handed them in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostedMessage {
    /// Index of the writer.
    pub writer: usize,
    /// Its text, unique within a run.
    pub text: String,
    /// The state that the writer was given last.
    pub report: DeliveryReport,
}

/// Everything that one listener has at the end of a run, in the order in which it was received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListenerLog {
    /// Name used in violations.
    pub name: String,
    /// Texts of the messages.
    pub texts: Vec<String>,
    /// Sequence number of each text; empty when the source has no numbers.
    pub seqs: Vec<u64>,
    /// A gap was reported to the listener: messages may be missing, but none may be duplicated or out of order.
    pub gaps: bool,
    /// Texts of messages that an operator removed, which keep their place in [`texts`](Self::texts) of the log itself.
    /// Other listeners may have received them or not.
    pub removed: HashSet<String>,
    /// Texts of messages that have expired, which keep their place in [`texts`](Self::texts) of the log itself. A listener
    /// lacks one only if it was told so.
    pub expired: HashSet<String>,
    /// The sequence numbers of which the listener was told that they have expired.
    pub told_expired: HashSet<u64>,
}

/// One broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// A confirmed message that a listener does not have.
    Lost {
        /// Name of the listener.
        listener: String,
        /// The message.
        text: String,
    },
    /// A message that a listener has more than once.
    Duplicated {
        /// Name of the listener.
        listener: String,
        /// The message.
        text: String,
    },
    /// A message that a listener has after a later one of the same sender.
    SenderOrder {
        /// Name of the listener.
        listener: String,
        /// The earlier message.
        text: String,
    },
    /// Two listeners received two messages in different orders.
    ListenerOrder {
        /// Name of the listener whose order differs from the first listener's.
        listener: String,
        /// The first message in a different position.
        text: String,
    },
    /// A refused, discarded or unknown message that a listener has.
    Unexpected {
        /// Name of the listener.
        listener: String,
        /// The message.
        text: String,
    },
    /// A listener was told that a message has expired, which has not.
    FalselyExpired {
        /// Name of the listener.
        listener: String,
        /// The sequence number of the message.
        seq: u64,
    },
    /// A sequence number was given to two messages, or the numbers do not follow the order of the log.
    SequenceMismatch {
        /// The message with the wrong number.
        text: String,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { listener, text } => write!(f, "{listener} lacks {text:?}, which was confirmed"),
            Self::Duplicated { listener, text } => write!(f, "{listener} has {text:?} more than once"),
            Self::SenderOrder { listener, text } => {
                write!(f, "{listener} has {text:?} after a later message of its sender")
            }
            Self::ListenerOrder { listener, text } => {
                write!(f, "{listener} has {text:?} in another order than the first listener")
            }
            Self::Unexpected { listener, text } => write!(f, "{listener} has {text:?}, which must not be there"),
            Self::FalselyExpired { listener, seq } => {
                write!(f, "{listener} was told that message {seq} has expired, which has not")
            }
            Self::SequenceMismatch { text } => write!(f, "{text:?} has a sequence number that does not fit the log"),
        }
    }
}

/// Counts for the table at the end of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Confirmed messages.
    pub confirmed: usize,
    /// Messages whose fate the writer does not know.
    pub unconfirmed: usize,
    /// Refused messages and messages that were never sent.
    pub not_sent: usize,
    /// Confirmed messages that a listener lacks.
    pub lost: usize,
    /// Messages that a listener has more than once.
    pub duplicated: usize,
    /// Messages out of order, by sender, between listeners or by sequence number.
    pub disordered: usize,
    /// Messages that must not be there.
    pub unexpected: usize,
}

/// Checks a whole run. A correct run has no violations.
#[must_use]
pub fn check(posted: &[PostedMessage], listeners: &[ListenerLog]) -> (Summary, Vec<Violation>) {
    let mut violations = Vec::new();
    let known: HashMap<&str, &PostedMessage> = posted.iter().map(|message| (message.text.as_str(), message)).collect();
    let removed: HashSet<&str> =
        listeners.iter().flat_map(|listener| listener.removed.iter().map(String::as_str)).collect();
    let orders: HashMap<&str, usize> =
        posted.iter().enumerate().map(|(order, one)| (one.text.as_str(), order)).collect();
    for listener in listeners {
        check_listener(listener, posted, &known, &removed, &orders, &mut violations);
    }
    check_expired(listeners, &mut violations);
    check_listener_order(listeners, &mut violations);
    check_sequence_numbers(posted, listeners.first(), &mut violations);
    (summary(posted, &violations), violations)
}

fn check_listener(
    listener: &ListenerLog,
    posted: &[PostedMessage],
    known: &HashMap<&str, &PostedMessage>,
    removed: &HashSet<&str>,
    orders: &HashMap<&str, usize>,
    violations: &mut Vec<Violation>,
) {
    let name = || listener.name.clone();
    let mut seen: HashSet<&str> = HashSet::new();
    let mut newest: HashMap<usize, usize> = HashMap::new();
    for text in &listener.texts {
        if !seen.insert(text) {
            violations.push(Violation::Duplicated { listener: name(), text: text.clone() });
            continue;
        }
        let Some(message) = known.get(text.as_str()) else {
            violations.push(Violation::Unexpected { listener: name(), text: text.clone() });
            continue;
        };
        if matches!(message.report, DeliveryReport::Refused | DeliveryReport::NeverSent) {
            violations.push(Violation::Unexpected { listener: name(), text: text.clone() });
        }
        // Its copy on a broken connection may arrive after the writer has given it up and posted others.
        if message.report == DeliveryReport::Unconfirmed {
            continue;
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
        let missing = !seen.contains(message.text.as_str()) && !removed.contains(message.text.as_str());
        let DeliveryReport::Confirmed { seq } = message.report else { continue };
        if missing && !seq.is_some_and(|seq| listener.told_expired.contains(&seq)) {
            violations.push(Violation::Lost { listener: name(), text: message.text.clone() });
        }
    }
}

/// Checks that listeners were told only of messages which have expired in fact. A removed message expires like any other,
/// and so does one of which only the server knows that it was stored.
fn check_expired(listeners: &[ListenerLog], violations: &mut Vec<Violation>) {
    let Some(log) = listeners.first() else { return };
    let stored: HashSet<u64> =
        log.seqs.iter().zip(&log.texts).filter(|(_, text)| !log.expired.contains(*text)).map(|(&seq, _)| seq).collect();
    let last = log.seqs.last().copied().unwrap_or(0);
    for listener in listeners {
        let is_false = |seq: &&u64| stored.contains(seq) || **seq > last;
        let mut false_ones: Vec<u64> = listener.told_expired.iter().filter(is_false).copied().collect();
        false_ones.sort_unstable();
        violations.extend(
            false_ones.into_iter().map(|seq| Violation::FalselyExpired { listener: listener.name.clone(), seq }),
        );
    }
}

/// Compares the order of every listener with that of the first one.
fn check_listener_order(listeners: &[ListenerLog], violations: &mut Vec<Violation>) {
    let Some((first, others)) = listeners.split_first() else { return };
    let indexes: HashMap<&str, usize> =
        first.texts.iter().enumerate().map(|(index, text)| (text.as_str(), index)).collect();
    for listener in others {
        let mut newest = 0;
        for text in &listener.texts {
            let Some(&index) = indexes.get(text.as_str()) else { continue };
            if index < newest {
                violations.push(Violation::ListenerOrder { listener: listener.name.clone(), text: text.clone() });
            }
            newest = index.max(newest);
        }
    }
}

/// Checks that confirmed sequence numbers are unique and follow the order of the log.
fn check_sequence_numbers(posted: &[PostedMessage], first: Option<&ListenerLog>, violations: &mut Vec<Violation>) {
    let mut by_seq: BTreeMap<u64, &str> = BTreeMap::new();
    for message in posted {
        if let DeliveryReport::Confirmed { seq: Some(seq) } = message.report
            && by_seq.insert(seq, &message.text).is_some()
        {
            violations.push(Violation::SequenceMismatch { text: message.text.clone() });
        }
    }
    let Some(first) = first else { return };
    let order: HashMap<&str, usize> =
        first.texts.iter().enumerate().map(|(index, text)| (text.as_str(), index)).collect();
    let mut newest = 0;
    for (seq, text) in by_seq {
        let Some(&index) = order.get(text) else { continue };
        if index < newest || first.seqs.get(index).is_some_and(|&actual| actual != seq) {
            violations.push(Violation::SequenceMismatch { text: text.to_owned() });
        }
        newest = index.max(newest);
    }
    for (pair, texts) in first.seqs.windows(2).zip(first.texts.windows(2)) {
        // An expired message without a confirmation is not known.
        let may_skip = first.expired.contains(&texts[0]);
        let (next, text) = (pair[0] + 1, &texts[1]);
        if pair[1] < next || pair[1] > next && !may_skip {
            violations.push(Violation::SequenceMismatch { text: text.clone() });
        }
    }
}

fn summary(posted: &[PostedMessage], violations: &[Violation]) -> Summary {
    let mut summary = Summary::default();
    for message in posted {
        match message.report {
            DeliveryReport::Confirmed { .. } => summary.confirmed += 1,
            DeliveryReport::Unconfirmed => summary.unconfirmed += 1,
            DeliveryReport::Refused | DeliveryReport::NeverSent => summary.not_sent += 1,
        }
    }
    for violation in violations {
        match violation {
            Violation::Lost { .. } => summary.lost += 1,
            Violation::Duplicated { .. } => summary.duplicated += 1,
            Violation::Unexpected { .. } | Violation::FalselyExpired { .. } => summary.unexpected += 1,
            Violation::SenderOrder { .. } | Violation::ListenerOrder { .. } | Violation::SequenceMismatch { .. } => {
                summary.disordered += 1;
            }
        }
    }
    summary
}

#[cfg(test)]
mod tests;
