//! What the first line of another protocol looks like. A browser, a scanner or a TLS client that was pointed at a chat
//! would otherwise register an account named after its request, and carry what follows into the room.

use crate::{Excerpt, Expected, Line, ProtocolError};

/// Requests of HTTP/1, also where the version does not follow.
const VERBS: [&str; 9] = ["GET ", "POST ", "PUT ", "HEAD ", "DELETE ", "OPTIONS ", "PATCH ", "TRACE ", "CONNECT "];

/// How a TLS handshake begins, and an SSH banner.
const GREETINGS: [&str; 2] = ["\u{16}\u{3}", "SSH-"];

/// Refuses a first line that no person and no client of this protocol says.
pub(crate) fn refuse_foreign(line: &Line, expected: Expected) -> Result<(), ProtocolError> {
    let text = line.as_str();
    if VERBS.iter().chain(&GREETINGS).any(|start| text.starts_with(start)) || ends_in_http_version(text) {
        return Err(ProtocolError::Violation { expected, got: Excerpt::of(line) });
    }
    Ok(())
}

/// Whatever the verb: `PRI * HTTP/2.0`, `PROPFIND / HTTP/1.1`, `get / http/1.0`.
fn ends_in_http_version(text: &str) -> bool {
    let version = text.rsplit(' ').next().unwrap_or_default();
    let name = version.get(..5).unwrap_or_default();
    name.eq_ignore_ascii_case("HTTP/") && version[5..].starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_protocols_are_refused() {
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
    fn what_a_person_may_say_is_not() {
        for first in ["", "9a08f44c-c541-41eb-8c47-0242ac110002", "get lost", "I like HTTP", "http/x", "HTTP/é", "SSH"]
        {
            assert!(refuse_foreign(&Line::from(first), Expected::Token).is_ok(), "{first:?}");
        }
    }
}
