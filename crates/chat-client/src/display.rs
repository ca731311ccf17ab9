//! Makes what a peer wrote safe to show on a terminal: the one place where that is decided. It does not wrap, align
//! or colour anything.
//!
//! What is removed stays visible: a control character becomes its picture (`␛`), an invisible or direction-changing
//! one its number (`<U+202E>`). Letters of right-to-left scripts, emoji sequences and a sane number of stacked marks
//! stay as they are.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

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

/// The picture of a C0 control character or DEL, such as `␛`; `None` for anything else.
#[must_use]
pub fn control_picture(c: char) -> Option<char> {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32),
        '\u{7f}' => Some('␡'),
        _ => None,
    }
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

fn number(out: &mut String, c: char) {
    let _ = write!(out, "<U+{:04X}>", c as u32);
}

/// Whether a character steers a terminal or hides from a reader: control characters, those that change the direction of
/// text, and those that cannot be seen.
#[must_use]
pub fn is_treacherous(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Characters that cannot be seen, or that change how their neighbours are laid out.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
        | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}')
}

/// Variation selectors that choose among forms of one ideograph; anywhere else they only hide.
fn is_ideographic_selector(c: char) -> bool {
    matches!(c, '\u{e0100}'..='\u{e01ef}')
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3fffd}')
}

fn is_pictograph(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}' | '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}'
        | '\u{1f000}'..='\u{1faff}')
}

/// Scripts that are spelled with joiners: Arabic (Persian needs the non-joiner), the Indic ones, Khmer.
fn is_shaped(c: char) -> bool {
    matches!(c, '\u{620}'..='\u{6ff}' | '\u{750}'..='\u{77f}' | '\u{8a0}'..='\u{8ff}' | '\u{900}'..='\u{dff}'
        | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17b3}' | '\u{17b6}'..='\u{17d3}')
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

    #[test]
    fn look_alikes_are_found_and_equals_are_not() {
        assert!(looks_like("Keen Bob", "Кееn Воb"));
        assert!(looks_like("Bob", "Bob\u{200b}"));
        assert!(looks_like("paypal", "paypaI"));
        assert!(looks_like("bob", "BOB"));
        assert!(!looks_like("Bob", "Bob"));
        assert!(!looks_like("Bob", "Rob"));
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
