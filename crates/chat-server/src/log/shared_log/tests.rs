//! Compares the shared log with a plain list: whatever is published, read, half-written or skipped, a listener receives
//! the list.

use chat_proto::{Nickname, Text};
use proptest::prelude::*;

use super::*;
use crate::entry::LogEntry;
use crate::log::{LogCursor, batch};

fn messages(first: Seq, count: u64) -> Vec<MessageRecord> {
    let message = |seq: Seq| MessageRecord {
        seq,
        at: 1_000 + i64::try_from(seq).unwrap(),
        nickname: Nickname::new("Keen Bob").unwrap(),
        text: Text::new(&format!("-{}", "\né".repeat(seq as usize % 4))).unwrap(),
    };
    (first..first + count).map(message).collect()
}

/// Reads at most `appetite` bytes, as a socket would.
fn serve(log: &SharedLog, cursor: &mut LogCursor, journal: &[MessageRecord], appetite: usize, seen: &mut Vec<u8>) {
    let found = match log.read(cursor.next(), cursor.form(), 40, 3) {
        LogRead::Chunks(batches) => batches,
        LogRead::UpToDate => return,
        LogRead::Evicted => {
            let from = usize::try_from(cursor.next() - 1).unwrap();
            let page: Vec<_> = journal[from..].iter().take(2).cloned().map(LogEntry::Message).collect();
            vec![Batch::encode_for(&page, cursor.form()).unwrap()]
        }
    };
    let (mut left, mut at) = (appetite, *cursor);
    for batch in &found {
        let rest = at.rest(batch);
        let take = rest.len().min(left);
        seen.extend_from_slice(&rest[..take]);
        left -= take;
        at = at.after(batch);
    }
    cursor.advance(&found, appetite - left);
}

#[test]
fn empty_log_is_up_to_date() {
    let log = SharedLog::new(7, 1024);
    assert_eq!(log.read(8, Form::Plain, 64, 64), LogRead::UpToDate);
    assert_eq!(log.read(7, Form::Plain, 64, 64), LogRead::Evicted);
}

#[test]
fn ring_stays_within_its_limit() {
    let log = SharedLog::new(0, 1_000);
    for seq in 1..200 {
        log.publish(&messages(seq, 1));
    }
    let ring = log.ring.read().unwrap();
    assert!(ring.bytes <= 1_000 && ring.batches.len() > 1, "{} bytes", ring.bytes);
    assert_eq!(ring.bytes, ring.batches.iter().map(Batch::size).sum::<usize>());
}

proptest! {
    #[test]
    fn every_listener_receives_the_list(
        numbered: bool,
        limit in 1usize..2_000,
        steps in prop::collection::vec((0u64..4, 0usize..200), 1..80),
    ) {
        let form = if numbered { Form::Numbered } else { Form::Plain };
        let log = SharedLog::new(0, limit);
        let mut journal = Vec::new();
        let mut cursor = LogCursor::new(1, form);
        let mut seen = Vec::new();
        for (published, appetite) in steps {
            let fresh = messages(journal.len() as u64 + 1, published);
            journal.extend(fresh.iter().cloned());
            log.publish(&fresh);
            serve(&log, &mut cursor, &journal, appetite, &mut seen);
        }
        while cursor.next() <= journal.len() as u64 {
            serve(&log, &mut cursor, &journal, 1_000, &mut seen);
        }
        prop_assert!(!cursor.is_inside_line());
        prop_assert_eq!(seen, batch::encode(&journal, form).to_vec());
    }
}
