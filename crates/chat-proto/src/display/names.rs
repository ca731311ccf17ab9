//! Finds invisible characters in names, and names that look alike.

use std::sync::LazyLock;

use super::classes::{is_ideographic_selector, is_invisible, is_joiner};

/// Returns whether a reader can mistake two *different* names for each other. `false` for equal names.
#[must_use]
pub fn looks_like(a: &str, b: &str) -> bool {
    a != b && skeletons(a).iter().any(|one| skeletons(b).contains(one))
}

/// Returns the two look-alike forms of a name. Two names look alike if they have a skeleton in common. Skeletons are
/// only for comparison, never for display.
///
/// In both, characters that look alike are mapped to one across scripts (Unicode TR 39), and invisible characters and
/// white space are dropped. The first maps capitals before look-alikes, so that `Igor` matches `igor`; the second maps
/// look-alikes before capitals, so that `paypaI` matches `paypal` and the Cyrillic `ВОВ` matches `Bob`.
#[must_use]
pub fn skeletons(name: &str) -> [String; 2] {
    if name.is_ascii() { ascii_skeletons(name) } else { any_skeletons(name) }
}

/// Returns the same for a name of ASCII, by one look-up for each character: a server with a million accounts starts with
/// two million of these.
fn ascii_skeletons(name: &str) -> [String; 2] {
    static TABLE: LazyLock<Vec<[String; 2]>> = LazyLock::new(|| {
        let character = |code: u8| any_skeletons(char::from(code).encode_utf8(&mut [0; 4]));
        (0..128).map(character).collect()
    });
    let of =
        |which: usize| name.bytes().filter_map(|code| Some(TABLE.get(usize::from(code))?[which].as_str())).collect();
    [of(0), of(1)]
}

fn any_skeletons(name: &str) -> [String; 2] {
    let seen: String = name.chars().filter(|&c| !c.is_whitespace() && !is_invisible_in_names(c)).collect();
    let fold = |text: &str| unicode_security::skeleton(text).collect::<String>();
    // Lower-case letters have look-alikes of their own, so the second one is folded twice.
    [fold(&seen.to_lowercase()), fold(&fold(&seen).to_lowercase())]
}

/// Returns whether a character can be omitted from a name without a visible change. Some of these characters are kept
/// in texts, because emoji and some scripts need them.
#[must_use]
pub fn is_invisible_in_names(c: char) -> bool {
    let selects = is_ideographic_selector(c) || matches!(c, '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}');
    // Joiners of rare scripts by category marks, and the blank pattern of Braille: few fonts draw anything for them.
    let blank = matches!(c, '\u{2d7f}' | '\u{16fe4}' | '\u{1107f}' | '\u{2800}');
    // White space, including control characters, counts as visible, because it separates words.
    !c.is_whitespace() && (c.is_control() || is_invisible(c) || is_joiner(c) || selects || blank)
}

/// Returns whether a character looks like a colon. A name must not contain one, because plain lines have the form
/// `name: text`.
#[must_use]
pub fn resembles_colon(c: char) -> bool {
    unicode_security::skeleton(c.encode_utf8(&mut [0; 4])).any(|like| like == ':')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The characters that Unicode calls ignorable by default, and others for which nothing is drawn.
    fn zero_width() -> Vec<char> {
        let ranges = [
            ('\u{ad}', '\u{ad}'),
            ('\u{34f}', '\u{34f}'),
            ('\u{61c}', '\u{61c}'),
            ('\u{115f}', '\u{1160}'),
            ('\u{17b4}', '\u{17b5}'),
            ('\u{180b}', '\u{180f}'),
            ('\u{200b}', '\u{200f}'),
            ('\u{202a}', '\u{202e}'),
            ('\u{2060}', '\u{206f}'),
            ('\u{2d7f}', '\u{2d7f}'),
            ('\u{3164}', '\u{3164}'),
            ('\u{fe00}', '\u{fe0f}'),
            ('\u{feff}', '\u{feff}'),
            ('\u{ffa0}', '\u{ffa0}'),
            ('\u{fff0}', '\u{fff8}'),
            ('\u{16fe4}', '\u{16fe4}'),
            ('\u{1bca0}', '\u{1bca3}'),
            ('\u{1d173}', '\u{1d17a}'),
            ('\u{e0000}', '\u{e0fff}'),
            // Format characters that Unicode does not call ignorable, such as the Syriac abbreviation mark.
            ('\u{600}', '\u{605}'),
            ('\u{70f}', '\u{70f}'),
            ('\u{110bd}', '\u{110bd}'),
            ('\u{13430}', '\u{1343f}'),
            ('\u{fff9}', '\u{fffb}'),
            ('\u{2800}', '\u{2800}'),
            ('\u{1107f}', '\u{1107f}'),
        ];
        ranges.into_iter().flat_map(|(from, to)| from..=to).collect()
    }

    proptest! {
        #[test]
        fn a_zero_width_character_anywhere_is_found(at in 0usize..=8, odd in prop::sample::select(zero_width())) {
            let mut name = "Keen Bob".to_owned();
            name.insert(at, odd);
            prop_assert!(looks_like("Keen Bob", &name), "{:?}", name);
        }
    }

    proptest! {
        #[test]
        fn ascii_has_the_same_skeletons(name in "[\\x00-\\x7f]{0,40}") {
            prop_assert_eq!(ascii_skeletons(&name), any_skeletons(&name));
        }
    }

    #[test]
    fn every_zero_width_character_is_found() {
        for odd in zero_width() {
            assert!(looks_like("Bob", &format!("B{odd}ob")), "{odd:?}");
        }
    }

    #[test]
    fn finds_look_alikes() {
        assert!(looks_like("Keen Bob", "Кееn Воb"));
        assert!(looks_like("Bob", "Bob\u{200b}"));
        assert!(looks_like("paypal", "paypaI"));
        for (a, b) in [
            ("bob", "BOB"),
            ("Igor", "igor"),
            ("MARIA", "maria"),
            ("Il", "lI"),
            ("Bob", "ВОВ"),
            ("Server", "s e r v e r"),
        ] {
            assert!(looks_like(a, b), "{a} {b}");
        }
        assert!(!looks_like("Bob", "Bob"));
        assert!(!looks_like("Bob", "Rob"));
        assert!(!looks_like("Igor", "Lgor2"));
    }

    #[test]
    fn finds_colons() {
        assert!(":\u{a789}\u{ff1a}\u{2236}".chars().all(resembles_colon));
        assert!(!";.a".chars().any(resembles_colon));
    }
}
