//! What hostile arguments and rooms get past the program: nothing that steers a terminal, and no secret.
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

mod stage;

use chat_client::display::is_treacherous;
use stage::terminal::run_raw;

/// Each steers a terminal or misleads whoever looks at it.
const CORPUS: [&str; 6] = [
    "\u{1b}]0;pwn\u{7}",
    "\u{1b}[2J\u{1b}[31m",
    "\u{9b}31m\u{9d}0;pwn\u{9c}",
    "\u{8}\u{8}\u{7f}\u{c}",
    "\u{202e}txt.exe\u{2066}",
    "pay\u{200b}pal\u{feff}\u{61c}",
];

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[test]
fn no_argument_steers_the_terminal() {
    let home = tempfile::tempdir().unwrap();
    for evil in CORPUS {
        let flag = format!("--bogus{evil}");
        let inside = format!("/proc/{evil}");
        let cases = [
            vec![flag.as_str()],
            vec!["--listen-port", evil],
            vec![evil],
            vec!["--profile", evil],
            vec!["--data-dir", &inside],
            vec!["--log-file", &inside],
            vec!["--token-file", &inside],
            vec!["--tls", "--pin", evil],
        ];
        for case in cases {
            let (code, screen) = run_raw(home.path(), &words(&case));
            assert_ne!(code, 0, "{case:?}");
            let steers = screen.chars().any(|c| is_treacherous(c) && c != '\n');
            assert!(!screen.is_empty() && !steers, "{case:?}: {screen:?}");
        }
    }
    let (_, screen) = run_raw(home.path(), &words(&["--bogus\u{1b}]0;pwn\u{7}"]));
    assert!(screen.contains("--bogus␛]0;pwn␇"), "{screen:?}");
}

#[test]
fn a_token_that_is_none_is_not_repeated() {
    let home = tempfile::tempdir().unwrap();
    let (code, screen) = run_raw(home.path(), &words(&["-t", "se\u{7}cret"]));
    assert_eq!(code, 2, "{screen}");
    assert!(!screen.contains("cret") && screen.contains("token"), "{screen}");
}
