//! The client side of the listen port with a hostile server, all extension lines included.
#![no_main]

use chat_proto::{ListenerClient, ListenerClientConfig, Nonce, Position, ResumeFrom, ResumeRequest, StreamId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&kind, data)) = data.split_first() else { return };
    let from = match kind % 4 {
        0 => None,
        1 => Some(ResumeFrom::Last(3)),
        2 => Some(ResumeFrom::AfterTime(-1)),
        _ => Some(ResumeFrom::After(Position { stream: StreamId::new("s").unwrap(), seq: u64::from(kind) })),
    };
    let resume = from.map(|from| ResumeRequest::new(from, Nonce::new("n").unwrap()));
    let config = ListenerClientConfig::default().with_resume(resume);
    chat_fuzz::play(data, |now| ListenerClient::new(config, now), |_| None);
});
