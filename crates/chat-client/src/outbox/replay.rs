//! The entries of an outbox, from the changes in its file.

use super::entry::OutboxEntry;
use super::record::OutboxRecord;
use crate::delivery_state::DeliveryState;

/// Returns the entries that result from the lines, and the damaged lines. A last line without its line feed was torn by
/// a crash and counts as damaged.
pub(super) fn replay(content: &[u8]) -> (Vec<(String, OutboxEntry)>, Vec<u8>) {
    let (mut entries, mut damaged) = (Vec::new(), Vec::new());
    for line in content.split_inclusive(|&b| b == b'\n') {
        match line.strip_suffix(b"\n").and_then(OutboxRecord::parse) {
            Some(record) => apply(&mut entries, record),
            None => damaged.extend_from_slice(line),
        }
    }
    if !damaged.is_empty() {
        for (_, entry) in entries.iter_mut().filter(|(_, entry)| entry.state == DeliveryState::Queued) {
            entry.state = DeliveryState::Written;
        }
    }
    (entries, damaged)
}

/// Applies one change to the entries.
pub(super) fn apply(entries: &mut Vec<(String, OutboxEntry)>, record: OutboxRecord) {
    match record {
        OutboxRecord::Added { scope, entry } => {
            if !entries.iter().any(|(_, known)| known.id == entry.id) {
                entries.push((scope, entry));
            }
        }
        OutboxRecord::State { id, state } => {
            if let Some((_, entry)) = entries.iter_mut().find(|(_, entry)| entry.id == id) {
                entry.state = state;
            }
        }
        OutboxRecord::Done { id } => entries.retain(|(_, entry)| entry.id != id),
    }
}
