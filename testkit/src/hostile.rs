//! Texts that steer a terminal or mislead the person who reads them.

use chat_proto::display::is_treacherous;

/// Each must be made visible or removed before it reaches a terminal.
pub const CORPUS: [&str; 8] = [
    "\u{1b}]0;pwn\u{7}",
    "\u{1b}[2J\u{1b}[31m",
    "\u{9b}31m\u{9d}0;pwn\u{9c}",
    "\u{8}\u{8}\u{7f}\u{c}",
    "\u{202e}txt.exe\u{2066}",
    "\u{200f}\u{61c}",
    "pay\u{200b}pal\u{feff}",
    "a\u{85}b\rc",
];

/// Returns whether output contains a character that steers a terminal. Line feeds end lines and are permitted.
#[must_use]
pub fn steers(output: &str) -> bool {
    output.chars().any(|c| is_treacherous(c) && c != '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_the_corpus_steers() {
        assert!(CORPUS.into_iter().all(steers));
        assert!(!steers("two\nlines"));
    }
}
