//! Makes text safe to show on a terminal, a character at a time. What the characters are is decided in `classes`.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

use super::classes::{
    control_picture, is_ideograph, is_ideographic_selector, is_invisible, is_joiner, is_pictograph, is_shaped, number,
};

/// How many marks may stand on one character. Vietnamese, pointed Hebrew and Devanagari need up to four; what is over
/// it paints over the lines above and below.
pub const MAX_MARKS: usize = 8;

/// How many joiners one emoji may have. The longest in use has three; a chain of thousands is measured as two cells
/// wide and drawn as thousands.
const MAX_JOINS: usize = 8;

/// A tab is this many spaces: terminals expand it to a stop that depends on the column, which nobody has measured.
const TAB: &str = "    ";

/// Makes `raw` safe as a part of one line: the result holds no control character at all, line feeds included.
///
/// Borrows when nothing has to be changed. Cleaning twice changes nothing more.
#[must_use]
pub fn clean_for_terminal(raw: &str) -> Cow<'_, str> {
    clean(raw, false)
}

/// The same as [`clean_for_terminal`], but line feeds stay.
#[must_use]
pub fn clean_keeping_line_breaks(raw: &str) -> Cow<'_, str> {
    clean(raw, true)
}

fn clean(raw: &str, keep_line_breaks: bool) -> Cow<'_, str> {
    if raw.bytes().all(|b| (0x20..0x7f).contains(&b)) || raw.chars().all(is_harmless) {
        return Cow::Borrowed(raw);
    }
    let mut cleaner = Cleaner::new(raw.len(), keep_line_breaks);
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        cleaner.push(c, chars.peek().copied());
    }
    let clean = cleaner.finish();
    if clean == raw { Cow::Borrowed(raw) } else { Cow::Owned(clean) }
}

/// Letters, digits and punctuation of the scripts that most of our text is in: the quick way out, which decides
/// nothing that the slow way would decide otherwise (a test holds the two together).
fn is_harmless(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{24f}' | '\u{400}'..='\u{482}' | '\u{48a}'..='\u{52f}'
        | '\u{2010}'..='\u{2027}' | '\u{4e00}'..='\u{9fff}')
}

struct Cleaner {
    out: String,
    keep_line_breaks: bool,
    /// The last character that went out as it was, if the next one could combine with it.
    base: Option<char>,
    /// Marks on the last base, those left out included.
    marks: usize,
    joins: usize,
}

impl Cleaner {
    fn new(room: usize, keep_line_breaks: bool) -> Self {
        Self { out: String::with_capacity(room + 16), keep_line_breaks, base: None, marks: 0, joins: 0 }
    }

    fn push(&mut self, c: char, next: Option<char>) {
        if is_joiner(c) {
            return self.push_joiner(c, next);
        }
        if c == '\n' && self.keep_line_breaks {
            self.end_marks();
            self.out.push('\n');
            self.base = None;
        } else if c == '\t' {
            self.push_visible(|out| out.push_str(TAB));
        } else if let Some(picture) = control_picture(c) {
            self.push_visible(|out| out.push(picture));
        } else if c.is_control()
            || is_invisible(c)
            || (is_ideographic_selector(c) && !self.base.is_some_and(is_ideograph))
        {
            self.push_visible(|out| number(out, c));
        } else if c.width() == Some(0) {
            self.push_mark(c);
        } else {
            self.end_marks();
            if self.base != Some('\u{200d}') {
                self.joins = 0;
            }
            self.out.push(c);
            self.base = Some(c);
        }
    }

    fn push_visible(&mut self, write: impl FnOnce(&mut String)) {
        self.end_marks();
        write(&mut self.out);
        self.base = self.out.chars().next_back();
        self.joins = 0;
    }

    fn push_mark(&mut self, c: char) {
        if self.base.is_none() {
            // Without a base of its own it would sit on whatever the frontend printed before.
            self.out.push('◌');
            self.base = Some('◌');
        }
        self.marks += 1;
        if self.marks <= MAX_MARKS {
            self.out.push(c);
        }
    }

    fn push_joiner(&mut self, c: char, next: Option<char>) {
        let joins_emoji = c == '\u{200d}'
            && self.base.is_some_and(is_pictograph)
            && next.is_some_and(is_pictograph)
            && self.joins < MAX_JOINS
            && self.marks <= MAX_MARKS;
        let shapes_letters = self.base.is_some_and(is_shaped)
            && next.is_some_and(|n| is_shaped(n) && !is_invisible(n) && n.width() != Some(0))
            && self.marks <= MAX_MARKS;
        if joins_emoji || shapes_letters {
            self.end_marks();
            self.joins += 1;
            self.out.push(c);
            self.base = Some('\u{200d}');
        } else {
            self.push_visible(|out| number(out, c));
        }
    }

    /// Says how many marks were left out of the pile that ends here.
    fn end_marks(&mut self) {
        if self.marks > MAX_MARKS {
            let _ = write!(self.out, "<+{}>", self.marks - MAX_MARKS);
            self.base = Some('>');
        }
        self.marks = 0;
    }

    fn finish(mut self) -> String {
        self.end_marks();
        self.out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_to_do_borrows() {
        for text in ["hello", "привет — «мир»", "日本語", "שלום", "مرحبا", "👩‍👩‍👧", "❤️", "e\u{301}", ""]
        {
            assert!(matches!(clean_for_terminal(text), Cow::Borrowed(_)), "{text:?}");
        }
        assert!(matches!(clean_keeping_line_breaks("a\nb"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_takes_over_a_terminal_becomes_visible() {
        assert_eq!(clean_for_terminal("\u{1b}[31mred\u{7}\u{7f}"), "␛[31mred␇␡");
        assert_eq!(clean_for_terminal("\u{9b}31m"), "<U+009B>31m");
        assert_eq!(clean_for_terminal("a\u{202e}b\u{2066}\u{200f}\u{61c}"), "a<U+202E>b<U+2066><U+200F><U+061C>");
        assert_eq!(clean_for_terminal("a\u{200b}\u{feff}\u{e0041}"), "a<U+200B><U+FEFF><U+E0041>");
        assert_eq!(clean_for_terminal("a\nb\tc"), "a␊b    c");
        assert_eq!(clean_keeping_line_breaks("a\nb\r"), "a\nb␍");
    }

    #[test]
    fn stacked_marks_are_capped_and_counted() {
        let pile = format!("a{}b", "\u{301}".repeat(50));
        assert_eq!(clean_for_terminal(&pile), format!("a{}<+42>b", "\u{301}".repeat(MAX_MARKS)));
        assert_eq!(clean_for_terminal("\u{301}x"), "◌\u{301}x");
    }

    #[test]
    fn joiners_stay_where_a_script_or_an_emoji_needs_them() {
        assert_eq!(clean_for_terminal("می\u{200c}خواهم"), "می\u{200c}خواهم");
        assert_eq!(clean_for_terminal("क्\u{200d}ष"), "क्\u{200d}ष");
        assert_eq!(clean_for_terminal("a\u{200d}b"), "a<U+200D>b");
        // It would join what is made visible, and so nothing.
        assert_eq!(clean_for_terminal("ب\u{200c}\u{6dd}"), "ب<U+200C><U+06DD>");
        assert_eq!(clean_for_terminal("👩\u{200d}"), "👩<U+200D>");
        let chain = "👩\u{200d}".repeat(100) + "👩";
        assert!(clean_for_terminal(&chain).contains("<U+200D>"));
    }

    fn nasty() -> impl Strategy<Value = String> {
        let special = prop::sample::select(vec![
            '\u{200d}',
            '\u{200c}',
            '\u{301}',
            '\u{fe0f}',
            '\u{e0100}',
            '👩',
            '語',
            'م',
            'ि',
            'क',
            '\n',
            '\t',
            '\u{1b}',
            '\u{202e}',
            '<',
            '>',
            'a',
            '\u{1f3fd}',
            '\u{1160}',
            '\u{11a8}',
            '\u{ac00}',
            '\u{483}',
            '\u{6dd}',
        ]);
        prop::collection::vec(prop_oneof![special, any::<char>()], 0..40).prop_map(|chars| chars.into_iter().collect())
    }

    proptest! {
        #[test]
        fn no_control_byte_gets_out_and_cleaning_twice_changes_nothing(raw in nasty()) {
            let once = clean_for_terminal(&raw).into_owned();
            prop_assert!(!once.chars().any(|c| c.is_control() || is_invisible(c)), "{:?}", once);
            prop_assert_eq!(clean_for_terminal(&once), once.as_str());
            let kept = clean_keeping_line_breaks(&raw).into_owned();
            prop_assert!(!kept.chars().any(|c| c.is_control() && c != '\n'));
            prop_assert_eq!(clean_keeping_line_breaks(&kept), kept.as_str());
        }

        #[test]
        fn the_quick_way_decides_nothing_of_its_own(c in any::<char>()) {
            if is_harmless(c) {
                let mut cleaner = Cleaner::new(4, false);
                cleaner.push(c, None);
                prop_assert_eq!(cleaner.finish(), c.to_string());
            }
        }

        #[test]
        fn no_pile_of_marks_is_higher_than_the_cap(raw in nasty()) {
            let mut pile = 0;
            for c in clean_for_terminal(&raw).chars() {
                pile = if c.width() == Some(0) && !is_joiner(c) { pile + 1 } else { 0 };
                prop_assert!(pile <= MAX_MARKS);
            }
        }
    }
}
