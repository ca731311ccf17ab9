//! Lines for people on standard error: errors with their causes, and text that is safe for a terminal.

use std::error::Error;

use chat_client::display;

use crate::streams;

/// Returns the error and its causes on one line, outermost first, each once, without the system's error numbers.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some errors repeat their cause in their own text.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    without_os_codes(&text)
}

/// Removes the "(os error 2)" that the standard library appends to the system's messages.
pub fn without_os_codes(text: &str) -> String {
    const START: &str = " (os error ";
    let mut rest = text;
    let mut out = String::with_capacity(text.len());
    while let Some(at) = rest.find(START) {
        let number = &rest[at + START.len()..];
        let digits = number.trim_start_matches('-').find(|c: char| !c.is_ascii_digit());
        let sign = number.len() - number.trim_start_matches('-').len();
        match digits.map(|digits| digits + sign) {
            Some(end) if end > sign && number[end..].starts_with(')') => {
                out.push_str(&rest[..at]);
                rest = &number[end + 1..];
            }
            _ => {
                out.push_str(&rest[..at + START.len()]);
                rest = number;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Joins a text of several lines, such as clap's, into one line.
pub fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.trim().trim_start_matches("error: ").split_whitespace().collect();
    words.join(" ")
}

/// Writes a line to standard error. Control characters in it are made visible, since an argument, a path or a peer
/// may have brought them.
pub fn eprint(text: &str) {
    let text = display::clean_keeping_line_breaks(text);
    // There is no other place to report that standard error is closed.
    let _ = streams::write_stderr(format!("{text}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("could not write a: {source}")]
    struct Outer {
        source: io::Error,
    }

    #[test]
    fn names_every_cause_once() {
        assert_eq!(chain(&io::Error::other("no room")), "no room");
        assert_eq!(chain(&Outer { source: io::Error::other("no room") }), "could not write a: no room");
    }

    #[test]
    fn drops_the_system_error_number() {
        let missing = io::Error::from_raw_os_error(2);
        assert_eq!(chain(&missing), "No such file or directory");
        assert_eq!(chain(&Outer { source: missing }), "could not write a: No such file or directory");
        assert_eq!(without_os_codes("a (os error 2): b (os error -13)"), "a: b");
        assert_eq!(without_os_codes("a (os error x) (os error "), "a (os error x) (os error ");
    }

    #[test]
    fn joins_the_lines_of_clap() {
        assert_eq!(one_line("error: no such option\n\nUsage: chat\n"), "no such option Usage: chat");
    }
}
