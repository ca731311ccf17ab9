//! Recognises the first line of another protocol. A browser, a scanner or a TLS client that connects to a chat would
//! otherwise register an account with its request as the nickname, and post what follows.

use crate::error::{Excerpt, Expected, ProtocolError};
use crate::line::Line;

/// Requests of HTTP/1, with or without a version at the end; PROXY version 1; the first commands of SMTP, IRC and FTP.
const COMMANDS: [&str; 17] = [
    "GET ", "POST ", "PUT ", "HEAD ", "DELETE ", "OPTIONS ", "PATCH ", "TRACE ", "CONNECT ", "PROXY ", "EHLO ",
    "HELO ", "NICK ", "USER ", "PASS ", "CAP ", "SSH-",
];

/// How a PROXY preface of version 2 begins. Its first two lines are empty, which would register an account.
const PROXY_V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Refuses a first line that no user types and no client of this protocol sends.
pub(crate) fn refuse_foreign(line: &Line, expected: Expected) -> Result<(), ProtocolError> {
    let text = line.as_str();
    let command = COMMANDS.iter().any(|start| text.starts_with(start)) || text == "PING" || text.starts_with("PING ");
    if command || is_foreign_anywhere(line) {
        return Err(ProtocolError::Violation { expected, got: Excerpt::of(line) });
    }
    Ok(())
}

/// Refuses a second line of another protocol, whose first one was empty. Fewer lines are refused than at the beginning: a
/// nickname may begin with any word.
pub(crate) fn refuse_foreign_nickname(line: &Line) -> Result<(), ProtocolError> {
    if is_foreign_anywhere(line) {
        return Err(ProtocolError::Violation { expected: Expected::Nickname, got: Excerpt::of(line) });
    }
    Ok(())
}

/// Refuses first bytes that are a PROXY preface of version 2.
pub(crate) fn refuse_foreign_start(bytes: &[u8]) -> Result<(), ProtocolError> {
    let length = bytes.len().min(PROXY_V2.len());
    // Two empty lines alone are a person who registers without a name.
    if length > 4 && bytes[..length] == PROXY_V2[..length] {
        let got = Excerpt::of(&Line::from_static("(a PROXY preface)"));
        return Err(ProtocolError::Violation { expected: Expected::Token, got });
    }
    Ok(())
}

/// Returns whether a line is of another protocol wherever it stands.
fn is_foreign_anywhere(line: &Line) -> bool {
    let text = line.as_str();
    // An extension line is not foreign, only early.
    let has_controls = line.extension().is_none() && text.chars().any(|c| c.is_ascii_control() && c != '\t');
    has_controls || ends_in_http_version(text) || is_redis_header(text)
}

/// Returns whether a line is the header of a Redis array or string: `*1`, `$4`.
fn is_redis_header(text: &str) -> bool {
    let digits = text.strip_prefix(['*', '$']).unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
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
            "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443",
            "PING",
            "*1",
            "$4",
            "EHLO example.org",
            "NICK guest",
            "\u{3}\u{0}\u{0}\u{13}",
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

    #[test]
    fn refuses_a_proxy_preface_in_pieces() {
        for length in 0..=PROXY_V2.len() {
            assert_eq!(refuse_foreign_start(&PROXY_V2[..length]).is_err(), length > 4, "{length} bytes");
        }
        let whole = [PROXY_V2, b"\x21\x11\x00\x0c"].concat();
        assert!(refuse_foreign_start(&whole).is_err());
        for other in [&b"\r\n\r\nBob\r\n"[..], b"\n\n", b"9a08f44c"] {
            assert!(refuse_foreign_start(other).is_ok(), "{other:?}");
        }
    }

    #[test]
    fn accepts_nicknames_that_are_words_elsewhere() {
        for name in ["GET lost", "PING", "Bob\tBuilder", "*", "$", "QUIT"] {
            assert!(refuse_foreign_nickname(&Line::from(name)).is_ok(), "{name:?}");
        }
        for foreign in ["GET / HTTP/1.1", "\0", "$4"] {
            assert!(refuse_foreign_nickname(&Line::from(foreign)).is_err(), "{foreign:?}");
        }
    }
}
