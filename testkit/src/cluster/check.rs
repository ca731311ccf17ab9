//! What must hold at the end of a schedule.

use std::collections::{HashMap, HashSet};

use chat_proto::display::looks_like;
use chat_server::replication::Projection as _;
use chat_server::{ActionRecord, LogEntry, OperatorAction, ReadLimit};

use super::listener::SimListener;
use super::node::RunningNode;
use super::writer::{PostState, SimWriter};

/// Checks that the stores of all nodes are equal.
pub(super) fn stores_are_equal(nodes: &mut [&mut RunningNode], violations: &mut Vec<String>) -> anyhow::Result<()> {
    let mut states = Vec::new();
    for running in nodes.iter_mut() {
        let projection = running.node.projection_mut();
        states.push((projection.applied().place, projection.head(), projection.content_hash()?));
    }
    for (number, state) in states.iter().enumerate().skip(1) {
        if *state != states[0] {
            violations.push(format!("the store of node {number} is {state:?}, that of node 0 is {:?}", states[0]));
        }
    }
    Ok(())
}

/// Checks one store against what writers and listeners were told.
pub(super) fn store_keeps_promises(
    running: &mut RunningNode,
    writers: &[SimWriter],
    listeners: &[SimListener],
    violations: &mut Vec<String>,
) -> anyhow::Result<()> {
    let reader = running.node.projection().reader();
    let oldest = reader.oldest();
    let entries = reader.read(oldest, ReadLimit::new(usize::MAX, usize::MAX))?;
    for (entry, seq) in entries.iter().zip(oldest..) {
        if entry.seq() != seq {
            violations.push(format!("message {} is where {seq} should be", entry.seq()));
            return Ok(());
        }
    }
    if entries.is_sorted_by_key(LogEntry::at) {
        // As it should be.
    } else {
        violations.push("the time of the log goes back".to_owned());
    }
    check_posts(&entries, oldest, writers, violations);
    for listener in listeners {
        check_listener(&entries, oldest, listener, violations);
    }
    let actions = reader.actions()?;
    check_revocations(running, &actions, violations)?;
    let accounts = running.node.projection_mut().accounts()?;
    let names: Vec<&str> =
        accounts.iter().filter(|account| account.at > 0).map(|account| account.nickname.as_str()).collect();
    for (index, name) in names.iter().enumerate() {
        for other in &names[..index] {
            if name == other || looks_like(name, other) {
                violations.push(format!("the nicknames {name:?} and {other:?} look alike"));
            }
        }
    }
    Ok(())
}

/// Checks that what was confirmed is there once, where its writer was told, and in the order of its writer.
fn check_posts(entries: &[LogEntry], oldest: u64, writers: &[SimWriter], violations: &mut Vec<String>) {
    let mut found: HashMap<&str, Vec<u64>> = HashMap::new();
    for message in entries.iter().filter_map(LogEntry::message) {
        found.entry(message.text.as_str()).or_default().push(message.seq);
    }
    let is_removed = |seq: u64| entries.iter().any(|entry| entry.seq() == seq && entry.message().is_none());
    for writer in writers {
        let mut last = 0;
        for post in &writer.posts {
            let text = post.text.as_str();
            let places = found.get(text).map_or(&[][..], Vec::as_slice);
            let told = match post.state {
                // Forgotten with its id: a copy that was still on its way may be stored again.
                PostState::Stored { seq } if seq < oldest => continue,
                PostState::Stored { seq } => Some(seq),
                _ => None,
            };
            if places.len() > 1 {
                violations.push(format!("{text:?} is stored at {places:?}"));
            }
            if let Some(seq) = told
                && places != [seq]
                && !(places.is_empty() && is_removed(seq))
            {
                violations.push(format!("{text:?} was confirmed as {seq} and is stored at {places:?}"));
            }
            if post.state == PostState::GivenUp && !places.is_empty() {
                violations.push(format!("{text:?} was declined and is stored at {places:?}"));
            }
            if let Some(&seq) = places.first() {
                if seq < last {
                    violations.push(format!("{text:?} is stored at {seq}, a later one of its writer at {last}"));
                }
                last = seq.max(last);
            }
        }
    }
}

/// Checks that a listener has received what is stored, without a hole and without a repetition.
fn check_listener(entries: &[LogEntry], oldest: u64, listener: &SimListener, violations: &mut Vec<String>) {
    let mut seen = HashSet::new();
    for (seq, text) in &listener.received {
        if !seen.insert(*seq) {
            violations.push(format!("a listener got {seq} twice"));
        }
        let Some(index) = seq.checked_sub(oldest).and_then(|index| usize::try_from(index).ok()) else { continue };
        let Some(entry) = entries.get(index) else {
            violations.push(format!("a listener got {seq}, which is not stored"));
            continue;
        };
        if let (Some(text), Some(message)) = (text, entry.message())
            && *text != *message.text.as_str()
        {
            violations.push(format!("a listener got {text:?} as {seq}, which is {:?}", message.text.as_str()));
        }
    }
    let end = entries.last().map_or(0, LogEntry::seq);
    if listener.after < end {
        violations.push(format!("a listener got nothing after {}, although the log ends at {end}", listener.after));
    }
}

/// Checks that no message of an account follows its revocation.
fn check_revocations(
    running: &RunningNode,
    actions: &[ActionRecord],
    violations: &mut Vec<String>,
) -> anyhow::Result<()> {
    let reader = running.node.projection().reader();
    for record in actions {
        let account = match &record.draft.action {
            OperatorAction::Revoke { account, .. } | OperatorAction::Erase { account } => *account,
            _ => continue,
        };
        for message in reader.of_account(account, 0)? {
            if message.seq > record.head {
                violations.push(format!("message {} of account {account} follows its revocation", message.seq));
            }
            if matches!(record.draft.action, OperatorAction::Erase { .. }) {
                violations.push(format!("message {} of the erased account {account} is there", message.seq));
            }
        }
    }
    Ok(())
}
