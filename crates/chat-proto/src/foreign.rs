//! Recognises the first line of another protocol. A browser, a scanner or a TLS client that connects to a chat would
//! otherwise register an account with its request as the nickname, and post what follows.

use crate::error::{Excerpt, Expected, ProtocolError};
use crate::line::Line;

/// Requests of HTTP/1, with or without a version at the end.
const VERBS: [&str; 9] = ["GET ", "POST ", "PUT ", "HEAD ", "DELETE ", "OPTIONS ", "PATCH ", "TRACE ", "CONNECT "];

/// The beginning of a TLS handshake, and of an SSH banner.
const GREETINGS: [&str; 2] = ["\u{16}\u{3}", "SSH-"];

/// Refuses a first line that no user types and no client of this protocol sends.
pub(crate) fn refuse_foreign(line: &Line, expected: Expected) -> Result<(), ProtocolError> {
    let text = line.as_str();
    if VERBS.iter().chain(&GREETINGS).any(|start| text.starts_with(start)) || ends_in_http_version(text) {
        return Err(ProtocolError::Violation { expected, got: Excerpt::of(line) });
    }
    Ok(())
}

/// Returns whether a line is a request of HTTP with any verb: `PRI * HTTP/2.0`, `PROPFIND / HTTP/1.1`, `get / http/1.0`.
fn ends_in_http_version(text: &str) -> bool {
    let version = text.rsplit(' ').next().unwrap_or_default();
    let name = version.get(..5).unwrap_or_default();
    name.eq_ignore_ascii_case("HTTP/") && version[5..].starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_other_protocols() {
        for first in [
            "GET / HTTP/1.1",
            "POST /x",
            "PRI * HTTP/2.0",
            "PROPFIND / HTTP/1.1",
            "get / http/1.0",
            "SSH-2.0-OpenSSH_9.2",
            "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}",
        ] {
            assert!(refuse_foreign(&Line::from(first), Expected::Token).is_err(), "{first:?}");
        }
    }

    #[test]
    fn accepts_typed_first_lines() {
        for first in ["", "9a08f44c-c541-41eb-8c47-0242ac110002", "get lost", "I like HTTP", "http/x", "HTTP/é", "SSH"]
        {
            assert!(refuse_foreign(&Line::from(first), Expected::Token).is_ok(), "{first:?}");
        }
    }
}
