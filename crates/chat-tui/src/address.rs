//! Finds web addresses in a message.

use std::ops::Range;

/// An address in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// The bytes of the text.
    pub(crate) range: Range<usize>,
    /// The target of a link in a terminal: printable ASCII only.
    pub(crate) target: String,
}

/// The longest target. Terminals ignore longer ones.
const MAX_BYTES: usize = 2_000;

/// Returns the http and https addresses in a text.
///
/// Only addresses with a plain ASCII host and without user information are returned: the link leads where the reader
/// sees it lead.
pub(crate) fn find(text: &str) -> Vec<Address> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("http").map(|at| from + at) {
        from = at + "http".len();
        let begins_a_word = !text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
        let scheme = ["https://", "http://"].into_iter().find(|scheme| text[at..].starts_with(scheme));
        if let Some(scheme) = scheme.filter(|_| begins_a_word) {
            let end = at + length(&text[at..]);
            let rest = &text[at + scheme.len()..end];
            if is_plain_host(rest.split(['/', '?', '#']).next().unwrap_or("")) {
                let target = encode(&text[at..end]);
                if target.len() <= MAX_BYTES {
                    found.push(Address { range: at..end, target });
                }
            }
            from = end.max(from);
        }
    }
    found
}

/// Returns the length in bytes of the address at the start of `text`. Punctuation at its end belongs to the sentence.
fn length(text: &str) -> usize {
    let stops =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | '`' | '«' | '»' | '“' | '”');
    let mut address = &text[..text.find(stops).unwrap_or(text.len())];
    while let Some(last) = address.chars().next_back() {
        let unpaired = |open: char, close: char| address.matches(close).count() > address.matches(open).count();
        let drop = match last {
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '…' | '*' | '_' => true,
            ')' => unpaired('(', ')'),
            ']' => unpaired('[', ']'),
            '}' => unpaired('{', '}'),
            _ => false,
        };
        if !drop {
            break;
        }
        address = &address[..address.len() - last.len_utf8()];
    }
    address.len()
}

/// Returns whether this is an ASCII host, with or without a port.
fn is_plain_host(authority: &str) -> bool {
    let (host, port) = authority.split_once(':').unwrap_or((authority, "0"));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    !host.is_empty() && host.chars().all(plain) && !port.is_empty() && port.chars().all(|c| c.is_ascii_digit())
}

/// Returns the address with everything that is not printable ASCII percent-encoded.
fn encode(address: &str) -> String {
    let mut target = String::with_capacity(address.len());
    for byte in address.bytes() {
        if byte.is_ascii_graphic() {
            target.push(char::from(byte));
        } else {
            target.push_str(&format!("%{byte:02X}"));
        }
    }
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        find(text).into_iter().map(|address| &text[address.range]).collect()
    }

    #[test]
    fn ends_before_the_punctuation() {
        assert_eq!(
            found("see https://a.example/b_(c), or (http://d.example:80/?q=1)."),
            ["https://a.example/b_(c)", "http://d.example:80/?q=1"]
        );
        assert_eq!(found("<https://a.example>!"), ["https://a.example"]);
    }

    #[test]
    fn refuses_hosts_that_are_not_plain() {
        for text in [
            "https://раураl.example/",
            "https://bank.example@evil.example/",
            "https://",
            "http://:80",
            "xhttp://a.example",
            "ftp://a.example",
            "https://a\u{202e}b.example",
        ] {
            assert_eq!(found(text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn encodes_non_ascii() {
        let address = &find("https://a.example/привет")[0];
        assert_eq!(address.target, "https://a.example/%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82");
    }
}
