//! Any line of an import: a record of an export, or a line of a history file.
#![no_main]

use chat_server::transfer::{ParsedHistoryLine, RoomRecord};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for line in String::from_utf8_lossy(data).split('\n') {
        // What is accepted is the same after it was written and read again.
        match RoomRecord::parse(line) {
            Ok(record) => assert_eq!(RoomRecord::parse(&record.to_line()).as_ref().ok(), Some(&record)),
            Err(fault) => assert!(!fault.to_string().contains('\n')),
        }
        if let Some(parsed) = ParsedHistoryLine::parse(line) {
            assert!(!parsed.text.contains('␊'));
        }
    }
});
