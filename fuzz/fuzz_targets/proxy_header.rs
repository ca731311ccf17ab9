//! Any bytes as the PROXY header of a connection, in one piece and byte by byte.
#![no_main]

use chat_server::{ProxyHeader, ProxyHeaderError, ProxyProgress};
use libfuzzer_sys::fuzz_target;

/// Returns the result, and how many bytes were read.
fn parse(mut bytes: &[u8], most: usize) -> (Result<ProxyProgress, ProxyHeaderError>, usize) {
    let (mut header, all) = (ProxyHeader::default(), bytes.len());
    loop {
        match header.progress() {
            Ok(ProxyProgress::Need(count)) if !bytes.is_empty() => {
                let (now, rest) = bytes.split_at(count.min(most).min(bytes.len()));
                header.receive(now);
                bytes = rest;
            }
            result => return (result, all - bytes.len()),
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let (whole, read) = parse(data, usize::MAX);
    let (single, _) = parse(data, 1);
    assert!(read <= 4_096);
    // Errors may differ in kind by how much of a wrong beginning was read, results may not.
    assert_eq!(whole.ok(), single.ok());
});
