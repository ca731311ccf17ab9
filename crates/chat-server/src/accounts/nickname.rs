//! Turns a requested nickname into one that the server can assign.

use chat_proto::Nickname;
use chat_proto::display::{is_invisible_in_names, is_mark, resembles_colon, skeletons};

/// The sender of the server's own announcements. No account gets a name that looks like it.
pub(crate) const SERVER_NAME: &str = "Server";

/// The name of an account whose request contained nothing usable, after its adjective.
const NAMELESS: &str = "anonymous";

/// Returns the name to use for a request, of at most `limit` characters. There always is one, because the protocol
/// cannot report what is wrong with a name, and some clients exit when they are asked again.
///
/// Invisible characters are removed, because two names could differ only in them, and so are colons and everything that
/// looks like one, because people and programs read plain lines as `name: text`. A name that is too long is cut. A name
/// that becomes empty, or that looks like the server's, becomes `anonymous`.
pub(super) fn usable(asked: &str, limit: usize) -> String {
    let visible: String = asked.chars().filter(|&c| !is_invisible_in_names(c) && !resembles_colon(c)).collect();
    let spaced = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    let name = cut(&spaced, limit).trim_end();
    match Nickname::new(name) {
        Ok(name) if is_free_to_use(name.as_str()) => name.as_str().to_owned(),
        _ => NAMELESS.to_owned(),
    }
}

/// Returns false for names that look empty or like the server's.
fn is_free_to_use(name: &str) -> bool {
    let server = skeletons(SERVER_NAME);
    !skeletons(name).iter().any(|skeleton| skeleton.is_empty() || server.contains(skeleton))
}

/// Returns the first `limit` characters, or fewer if the limit would separate marks from their letter.
fn cut(name: &str, limit: usize) -> &str {
    let Some((end, next)) = name.char_indices().nth(limit) else { return name };
    let head = &name[..end];
    if !is_mark(next) {
        return head;
    }
    // A name that consists only of marks is cut at the limit.
    let base = head.char_indices().rev().find(|&(_, c)| !is_mark(c)).map_or(0, |(at, _)| at);
    if base == 0 { head } else { &head[..base] }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn removes_invisible_characters_and_colons() {
        assert_eq!(usable("  B\u{200b}o:b\u{1b} \t x ", 40), "Bob x");
        assert_eq!(usable("Bob\u{a789} \u{ff1a}\u{2236} i am", 40), "Bob i am");
        for filler in ['\u{70f}', '\u{16fe4}', '\u{2d7f}', '\u{13430}', '\u{1107f}', '\u{1bca0}', '\u{fe0f}'] {
            assert_eq!(usable(&format!("Bo{filler}b"), 40), "Bob", "{filler:?}");
        }
    }

    #[test]
    fn cuts_names_over_the_limit() {
        assert_eq!(usable(&"Ж".repeat(41), 40), "Ж".repeat(40));
        assert_eq!(usable(&format!("{} b", "a".repeat(39)), 40), "a".repeat(39));
        assert_eq!(usable("Bobe\u{301}\u{301}", 5), "Bob");
        assert_eq!(usable("Bobe\u{301}\u{301}", 6), "Bobe\u{301}\u{301}");
    }

    #[test]
    fn replaces_reserved_and_empty_names() {
        for name in
            ["Server", "SERVER", "Sеrvеr", "s e r v e r", "Ser\u{200b}ver", "", " ", ":", "\u{200b}", "\u{202e}:"]
        {
            assert_eq!(usable(name, 40), NAMELESS, "{name:?}");
        }
        assert_eq!(usable("Serverin", 40), "Serverin");
        // Cutting must not create a reserved name either.
        assert_eq!(usable("Serverin", 6), NAMELESS);
    }

    proptest! {
        #[test]
        fn any_request_gives_a_clean_nickname(asked in any::<String>(), limit in 1usize..60) {
            let name = usable(&asked, limit);
            let nickname = Nickname::new(&name).unwrap();
            prop_assert_eq!(nickname.as_str(), &name);
            prop_assert!(!name.contains(':') && (name == NAMELESS || name.chars().count() <= limit));
            prop_assert!(is_free_to_use(&name));
            prop_assert_eq!(usable(&name, limit.max(NAMELESS.len())), name);
        }
    }
}
