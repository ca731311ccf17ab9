//! Recognises the first line of another protocol. A browser, a scanner or a TLS client that connects to a chat would
//! otherwise register an account with its request as the nickname, and post what follows.

use crate::error::{Excerpt, Expected, ProtocolError};
use crate::line::Line;

/// First words of HTTP, of PROXY version 1, of SMTP, IRC, FTP, memcached and STOMP, in any case. Words that people begin a
/// sentence with are not among them.
const COMMANDS: [&str; 25] = [
    "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "DESCRIBE", "PROPFIND", "PROXY", "EHLO",
    "HELO", "LHLO", "NICK", "USER", "PASS", "CAP", "AUTH", "GROUP", "REQMOD", "RESPMOD", "STOMP", "INVITE", "SLAVEOF",
];

/// Commands that are a whole line, in any case.
const WHOLE_LINES: [&str; 22] = [
    "PING",
    "EHLO",
    "HELO",
    "LHLO",
    "CAPA",
    "CAPABILITY",
    "NOOP",
    "STATS",
    "STATUS",
    "VERSION",
    "INFO",
    "FEAT",
    "SYST",
    "STARTTLS",
    "CONNECT",
    "STOMP",
    "RUOK",
    "MODE READER",
    "CONFIG GET *",
    "HELLO 2",
    "HELLO 3",
    "AUTH TLS",
];

/// Commands of IMAP, which follow a tag.
const IMAP: [&str; 7] = ["LOGIN", "CAPABILITY", "STARTTLS", "NOOP", "LOGOUT", "AUTHENTICATE", "ID"];

/// Protocols whose requests and answers contain their name with a version.
const VERSIONED: [&str; 5] = ["HTTP", "RTSP", "SIP", "ICAP", "SPAMC"];

/// Beginnings of lines of XML, of JSON, of syslog, and of the banners of rsync, Subversion and VNC.
const BEGINNINGS: [&str; 8] = ["<", "{", "[{", "@RSYNCD:", "( 2 (", "RFB 00", "Content-", "Host:"];

/// How a PROXY preface of version 2 begins. Its first two lines are empty, which would register an account.
const PROXY_V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Refuses a first line that no user types and no client of this protocol sends.
pub(crate) fn refuse_foreign(line: &Line, expected: Expected) -> Result<(), ProtocolError> {
    if is_command(line.as_str()) || is_foreign_anywhere(line) {
        return Err(violation(line, expected));
    }
    Ok(())
}

/// Refuses a second line of another protocol, whose first one was empty. Fewer lines are refused than at the beginning: a
/// nickname may begin with any word.
pub(crate) fn refuse_foreign_nickname(line: &Line) -> Result<(), ProtocolError> {
    if is_foreign_anywhere(line) { Err(violation(line, Expected::Nickname)) } else { Ok(()) }
}

/// Refuses the first text after two empty lines, which register an account without a name: some protocols begin with
/// empty lines. A text may contain anything that is not plainly a request.
pub(crate) fn refuse_foreign_text(line: &Line) -> Result<(), ProtocolError> {
    let text = line.as_str();
    let foreign = text.contains('\0') || is_request_line(text) || is_banner(text);
    if foreign { Err(violation(line, Expected::Chat)) } else { Ok(()) }
}

/// Refuses first bytes that are a PROXY preface of version 2, also behind other empty lines.
pub(crate) fn refuse_foreign_start(bytes: &[u8]) -> Result<(), ProtocolError> {
    let signature = &PROXY_V2[4..];
    let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let rest = &bytes[blank..];
    // Empty lines alone are a person who registers without a name.
    let length = rest.len().min(signature.len());
    if blank >= 2 && length > 0 && rest[..length] == signature[..length] {
        return Err(violation(&Line::from_static("(a PROXY preface)"), Expected::Token));
    }
    Ok(())
}

fn violation(line: &Line, expected: Expected) -> ProtocolError {
    ProtocolError::Violation { expected, got: Excerpt::of(line) }
}

/// Returns whether a line is a command, a banner or a document of another protocol, where a token is expected.
fn is_command(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim();
    let mut words = text.split_ascii_whitespace();
    let (first, second) = (words.next().unwrap_or_default(), words.next());
    let is = |names: &[&str], word: &str| names.iter().any(|name| name.eq_ignore_ascii_case(word));
    is(&WHOLE_LINES, text)
        || (second.is_some() && is(&COMMANDS, first))
        || (second.is_some() && (first == "GET" || first == "PING"))
        || (first.eq_ignore_ascii_case("get") && second.is_some_and(|word| word.starts_with('/')))
        || (first.ends_with(|c: char| c.is_ascii_digit()) && second.is_some_and(|word| is(&IMAP, word)))
        || text.split_ascii_whitespace().next_back().is_some_and(is_versioned)
        || BEGINNINGS.iter().any(|start| text.starts_with(start))
}

/// Returns whether a line is of another protocol wherever it stands.
fn is_foreign_anywhere(line: &Line) -> bool {
    let text = line.as_str();
    // An extension line is not foreign, only early.
    let has_controls = line.extension().is_none() && text.chars().any(|c| c.is_ascii_control() && c != '\t');
    has_controls || is_request_line(text) || is_banner(text) || is_redis_header(text)
}

/// Returns whether a line is the header of a Redis array, string or map: `*1`, `$4`, `%1`.
fn is_redis_header(text: &str) -> bool {
    let digits = text.strip_prefix(['*', '$', '%']).unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns whether a line is the banner of SSH.
fn is_banner(text: &str) -> bool {
    let start = text.get(..4).unwrap_or_default();
    start.eq_ignore_ascii_case("SSH-") && text[4..].starts_with(|c: char| c.is_ascii_digit())
}

/// Returns whether a line is a request or an answer, whatever its verb is: `PRI * HTTP/2.0`, `DESCRIBE rtsp://x RTSP/1.0`,
/// `HTTP/1.1 200 OK`; or a request of HTTP without a version: `GET /`.
fn is_request_line(text: &str) -> bool {
    let mut words = text.split_ascii_whitespace();
    let (first, second, third) = (words.next().unwrap_or_default(), words.next().unwrap_or_default(), words.next());
    let is_target = second.starts_with(['/', '*']) || second.contains(':');
    let is_request = is_target && third.is_some_and(is_versioned) && words.next().is_none();
    is_request
        || (is_versioned(first) && second.starts_with(|c: char| c.is_ascii_digit()))
        || ["GET /", "HEAD /", "POST /", "PUT /", "OPTIONS /"].iter().any(|request| text.starts_with(request))
}

/// Returns whether a word is the name of a protocol with its version: `HTTP/1.1`.
fn is_versioned(word: &str) -> bool {
    word.split_once('/').is_some_and(|(name, version)| {
        let is_known = VERSIONED.iter().any(|known| known.eq_ignore_ascii_case(name));
        is_known && version.starts_with(|c: char| c.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests;
