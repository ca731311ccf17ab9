//! Any bytes as a batch of the log of a room on several nodes, also with a correct checksum: what can be read has exactly one
//! encoding.
#![no_main]

use chat_server::replication::{MAX_BATCH_BYTES, ProposedBatch};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = ProposedBatch::decode(data);
    let mut bytes = data.to_vec();
    bytes.extend(crc32fast::hash(data).to_le_bytes());
    if let Ok(batch) = ProposedBatch::decode(&bytes) {
        assert!(bytes.len() <= MAX_BATCH_BYTES);
        assert_eq!(batch.encode().unwrap(), bytes);
    }
});
