//! Any bytes as an outbox: it opens, and readable entries stay readable.
#![no_main]

use chat_client::Outbox;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let path = chat_fuzz::file("outbox", data);
    let Ok(outbox) = Outbox::open(&path, "127.0.0.1:5050 Keen Bob") else { return };
    let _ = (outbox.fresh(), outbox.stale(), outbox.warnings());
    let entries = outbox.entries();
    drop(outbox);
    let again = Outbox::open(&path, "127.0.0.1:5050 Keen Bob").unwrap();
    assert_eq!(again.entries(), entries);
});
