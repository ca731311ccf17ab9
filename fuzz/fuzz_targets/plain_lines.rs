//! A batch of plain lines: it is rejected, or it gives the same messages as its lines one by one.
#![no_main]

use bytes::Bytes;
use chat_proto::{Line, Message, PlainLines};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = Bytes::copy_from_slice(data);
    let lines = match PlainLines::new(bytes.clone()) {
        Ok(lines) => lines,
        Err(back) => return assert_eq!(back, bytes),
    };
    let whole = data.strip_suffix(b"\n").expect("whole lines");
    let each: Vec<Message> = whole
        .split(|&byte| byte == b'\n')
        .filter_map(|line| Message::from_plain(&Line::from_bytes(Bytes::copy_from_slice(line))))
        .collect();
    assert_eq!(lines.messages().collect::<Vec<_>>(), each);
    assert_eq!((lines.count(), lines.as_str().as_bytes()), (each.len(), data));
    let written: String = each.iter().map(|message| format!("{}\n", message.to_plain().as_str())).collect();
    assert_eq!(written, lines.as_str());
});
