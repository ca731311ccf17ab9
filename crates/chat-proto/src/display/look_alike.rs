//! Whether two names can be taken for one another.

use super::classes::is_unseen_in_names;

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
    let seen: String = name.chars().filter(|&c| !is_unseen_in_names(c)).collect();
    let spaced = seen.split_whitespace().collect::<Vec<_>>().join(" ");
    unicode_security::skeleton(&spaced).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What Unicode calls ignorable by default, and two more that take no room.
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
        ];
        ranges.into_iter().flat_map(|(from, to)| from..=to).collect()
    }

    proptest! {
        #[test]
        fn what_takes_no_room_makes_no_other_name(at in 0usize..=8, odd in prop::sample::select(zero_width())) {
            let mut name = "Keen Bob".to_owned();
            name.insert(at, odd);
            prop_assert!(looks_like("Keen Bob", &name), "{:?}", name);
        }
    }

    #[test]
    fn no_zero_width_character_makes_another_name() {
        for odd in zero_width() {
            assert!(looks_like("Bob", &format!("B{odd}ob")), "{odd:?}");
        }
    }

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
