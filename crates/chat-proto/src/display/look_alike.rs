//! Whether two names can be taken for one another.

use super::classes::{is_invisible, is_joiner};

/// Whether two *different* names can be taken for one another by somebody who reads them. False for equal names.
#[must_use]
pub fn looks_like(a: &str, b: &str) -> bool {
    a != b && (skeleton(a) == skeleton(b) || skeleton(&a.to_lowercase()) == skeleton(&b.to_lowercase()))
}

/// What a name looks like: look-alike letters of all scripts are folded together (Unicode TR 39), invisible
/// characters are left out and white space is counted once. Two names that look alike have the same skeleton; a
/// skeleton is for comparing, never for showing.
#[must_use]
pub fn skeleton(name: &str) -> String {
    let seen: String = name.chars().filter(|&c| !is_invisible(c) && !c.is_control() && !is_joiner(c)).collect();
    let spaced = seen.split_whitespace().collect::<Vec<_>>().join(" ");
    unicode_security::skeleton(&spaced).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_are_found_and_equals_are_not() {
        assert!(looks_like("Keen Bob", "Кееn Воb"));
        assert!(looks_like("Bob", "Bob\u{200b}"));
        assert!(looks_like("paypal", "paypaI"));
        assert!(looks_like("bob", "BOB"));
        assert!(!looks_like("Bob", "Bob"));
        assert!(!looks_like("Bob", "Rob"));
    }
}
