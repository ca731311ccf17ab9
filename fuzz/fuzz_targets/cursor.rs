//! Any bytes as a cursor file, with and without a history: it opens, and saves the next position.
#![no_main]

use chat_client::{Cursor, Position, Recorder, Resume, StreamId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let path = chat_fuzz::file("place", data);
    let position = Position { stream: StreamId::new("s").unwrap(), seq: 7 };
    if let Ok(mut cursor) = Cursor::open(&path) {
        let _ = cursor.resume(Resume::Live);
        cursor.save(&position).unwrap();
        drop(cursor);
        assert_eq!(Cursor::open(&path).unwrap().position(), Some(&position));
    }
    let path = chat_fuzz::file("history.txt.cursor", data);
    let history = path.with_extension("");
    std::fs::write(&history, "[14.01.23 17:07] Vlad: text\n").unwrap();
    if let Ok(recorder) = Recorder::open(&history) {
        let _ = recorder.resume(Resume::Live);
        recorder.close().unwrap();
    }
});
