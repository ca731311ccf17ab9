//! Makes text safe to show on a terminal, one character at a time.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

use super::classes::{
    control_picture, is_ideograph, is_ideographic_selector, is_invisible, is_joiner, is_pictograph, is_shaped, number,
};

/// The number of combining marks that one character keeps. Vietnamese, pointed Hebrew and Devanagari need up to four; a
/// higher stack covers the lines above and below.
pub const MAX_MARKS: usize = 8;

/// The number of joiners that one emoji keeps. The longest in use has three; a chain of thousands is measured as two
/// cells wide and drawn as thousands.
const MAX_JOINS: usize = 8;

/// A tab becomes this many spaces. A terminal would expand it to a tab stop that depends on the column, which is
/// unknown here.
const TAB: &str = "    ";

/// Makes `raw` safe as a part of one line: the result has no control character, not even a line feed.
///
/// Borrows if nothing has to change. Cleaning twice gives the same result.
#[must_use]
pub fn clean_for_terminal(raw: &str) -> Cow<'_, str> {
    clean(raw, false)
}

/// Makes `raw` safe as [`clean_for_terminal`] does, and keeps line feeds.
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

/// Returns whether a character of the most common scripts needs no cleaning. A fast path: a test compares it with the
/// cleaner for every character.
fn is_harmless(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{24f}' | '\u{400}'..='\u{482}' | '\u{48a}'..='\u{52f}'
        | '\u{2010}'..='\u{2027}' | '\u{4e00}'..='\u{9fff}')
}

struct Cleaner {
    out: String,
    keep_line_breaks: bool,
    /// The last character that was kept, if the next one can combine with it.
    base: Option<char>,
    /// Marks on the last base, including those left out.
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
            // Without a base it would combine with the character that the frontend printed before.
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

    /// Appends the number of marks that were dropped from the stack that ends here.
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
    fn borrows_harmless_text() {
        for text in ["hello", "привет — «мир»", "日本語", "שלום", "مرحبا", "👩‍👩‍👧", "❤️", "e\u{301}", ""]
        {
            assert!(matches!(clean_for_terminal(text), Cow::Borrowed(_)), "{text:?}");
        }
        assert!(matches!(clean_keeping_line_breaks("a\nb"), Cow::Borrowed(_)));
    }

    #[test]
    fn shows_what_controls_a_terminal() {
        assert_eq!(clean_for_terminal("\u{1b}[31mred\u{7}\u{7f}"), "␛[31mred␇␡");
        assert_eq!(clean_for_terminal("\u{9b}31m"), "<U+009B>31m");
        assert_eq!(clean_for_terminal("a\u{202e}b\u{2066}\u{200f}\u{61c}"), "a<U+202E>b<U+2066><U+200F><U+061C>");
        assert_eq!(clean_for_terminal("a\u{200b}\u{feff}\u{e0041}"), "a<U+200B><U+FEFF><U+E0041>");
        assert_eq!(clean_for_terminal("B\u{70f}ob\u{e000}\u{378}"), "B<U+070F>ob<U+E000><U+0378>");
        assert_eq!(clean_for_terminal("a\nb\tc"), "a␊b    c");
        assert_eq!(clean_keeping_line_breaks("a\nb\r"), "a\nb␍");
    }

    #[test]
    fn caps_and_counts_stacked_marks() {
        let pile = format!("a{}b", "\u{301}".repeat(50));
        assert_eq!(clean_for_terminal(&pile), format!("a{}<+42>b", "\u{301}".repeat(MAX_MARKS)));
        assert_eq!(clean_for_terminal("\u{301}x"), "◌\u{301}x");
    }

    #[test]
    fn keeps_joiners_that_are_needed() {
        assert_eq!(clean_for_terminal("می\u{200c}خواهم"), "می\u{200c}خواهم");
        assert_eq!(clean_for_terminal("क्\u{200d}ष"), "क्\u{200d}ष");
        assert_eq!(clean_for_terminal("a\u{200d}b"), "a<U+200D>b");
        // The next character is replaced by its code point, so there is nothing to join.
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

    #[test]
    fn the_fast_path_equals_the_cleaner() {
        for c in ('\0'..=char::MAX).filter(|&c| is_harmless(c)) {
            let mut cleaner = Cleaner::new(4, false);
            cleaner.push(c, None);
            assert_eq!(cleaner.finish(), c.to_string());
        }
    }

    proptest! {
        #[test]
        fn removes_controls_and_is_idempotent(raw in nasty()) {
            let once = clean_for_terminal(&raw).into_owned();
            prop_assert!(!once.chars().any(|c| c.is_control() || is_invisible(c)), "{:?}", once);
            prop_assert_eq!(clean_for_terminal(&once), once.as_str());
            let kept = clean_keeping_line_breaks(&raw).into_owned();
            prop_assert!(!kept.chars().any(|c| c.is_control() && c != '\n'));
            prop_assert_eq!(clean_keeping_line_breaks(&kept), kept.as_str());
        }

        #[test]
        fn no_stack_is_higher_than_the_cap(raw in nasty()) {
            let mut pile = 0;
            for c in clean_for_terminal(&raw).chars() {
                pile = if c.width() == Some(0) && !is_joiner(c) { pile + 1 } else { 0 };
                prop_assert!(pile <= MAX_MARKS);
            }
        }
    }
}
