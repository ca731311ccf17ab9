//! Any bytes as a history file: reading forwards and backwards gives the same lines, and recording continues.
#![no_main]

use chat_client::{History, HistoryLine, Message, Recorder, Text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let path = chat_fuzz::file("history.txt", data);
    let history = History::open(&path).unwrap();
    let forwards = history.after(0, 10_000).unwrap();
    let mut backwards: Vec<HistoryLine> = Vec::new();
    let mut offset = history.len();
    loop {
        let page = history.before(offset, 3).unwrap();
        let Some(first) = page.first() else { break };
        offset = first.offset();
        backwards.splice(0..0, page);
    }
    for line in forwards.iter().chain(&backwards) {
        let _ = (line.at(), line.sender(), line.text(), line.body());
    }
    let offsets = |lines: &[HistoryLine]| lines.iter().map(HistoryLine::offset).collect::<Vec<_>>();
    assert!(offsets(&backwards).starts_with(&offsets(&forwards)));
    let mut recorder = Recorder::open(&path).unwrap();
    let message = Message::new(None, Text::new("after it all").unwrap());
    recorder.record(&[message]).unwrap();
    recorder.close().unwrap();
    assert_eq!(history.tail(1).unwrap()[0].text(), "after it all");
});
