//! Cleaning of any text: the result steers no terminal, and cleaning it again changes nothing.
#![no_main]

use chat_client::{Nickname, Text, display};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let raw = String::from_utf8_lossy(data);
    let clean = display::clean_for_terminal(&raw);
    assert!(!clean.chars().any(char::is_control), "{clean:?}");
    assert_eq!(display::clean_for_terminal(&clean), clean);
    let lines = display::clean_keeping_line_breaks(&raw);
    assert!(!lines.chars().any(|c| c.is_control() && c != '\n'), "{lines:?}");
    if let Ok(text) = Text::new(&raw) {
        assert!(!text.as_str().chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n')));
        assert_eq!(Text::new(text.as_str()).as_ref(), Ok(&text));
    }
    if let Ok(nickname) = Nickname::new(&raw) {
        assert!(!nickname.as_str().chars().any(char::is_control));
        assert_eq!(Nickname::new(nickname.as_str()).as_ref(), Ok(&nickname));
    }
    let _ = display::looks_like(&raw, "Keen Bob");
});
