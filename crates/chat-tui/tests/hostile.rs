//! What hostile arguments and rooms get past the program: nothing that steers a terminal, and no secret.
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

mod stage;

use chat_client::display::is_treacherous;
use stage::{pipes::Pipes, terminal::run_raw};

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

/// The token goes to the write port: its host alone decides, and it is said before anything is sent there.
#[test]
fn a_token_in_the_clear_is_said_once_before_anything_is_sent_and_not_on_this_machine() {
    let ends = |arguments: &[&str]| {
        let home = tempfile::tempdir().unwrap();
        let all = [&["--no-local-room", "--plain", "-u", "Bob", "-wp", "1", "-lp", "1"], arguments].concat();
        let mut program = Pipes::start(home.path(), &words(&all));
        program.line("hello");
        program.end_input();
        assert_eq!(program.wait_exit(), 4, "{:?}", program.talk());
        program.talk()
    };
    for exposed in [&["-wh", "chat.invalid"][..], &["-lh", "chat.invalid"]] {
        let talk = ends(exposed);
        let said: Vec<usize> = (0..talk.len()).filter(|&number| talk[number].contains("unencrypted")).collect();
        assert_eq!(said, [0], "{exposed:?}: {talk:?}");
        assert!(talk[0].contains("chat.invalid:1"), "{talk:?}");
    }
    for hidden in [&["-wh", "chat.invalid", "--tls"][..], &["-lh", "chat.invalid", "-wh", "127.0.0.1"], &[]] {
        let talk = ends(hidden);
        assert!(!talk.iter().any(|line| line.contains("unencrypted")), "{hidden:?}: {talk:?}");
    }
}
