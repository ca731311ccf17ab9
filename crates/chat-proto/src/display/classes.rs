//! Classes of single characters: which of them control a terminal, mislead a reader or are invisible, and their
//! replacements.

use std::fmt::Write as _;

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_width::UnicodeWidthChar;

/// Returns the picture of a C0 control character or DEL, such as `␛`; `None` for any other character.
#[must_use]
pub fn control_picture(c: char) -> Option<char> {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32),
        '\u{7f}' => Some('␡'),
        _ => None,
    }
}

/// Appends the replacement of a character that must not be shown: its picture if it has one, or else its code point.
pub fn push_visible(out: &mut String, c: char) {
    match control_picture(c) {
        Some(picture) => out.push(picture),
        None => number(out, c),
    }
}

/// Appends the code point of a character, as in `<U+202E>`.
pub(super) fn number(out: &mut String, c: char) {
    let _ = write!(out, "<U+{:04X}>", c as u32);
}

/// Returns whether a character controls a terminal or misleads a reader: control characters, characters that change the
/// direction of text, and invisible characters.
#[must_use]
pub fn is_treacherous(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

/// Returns whether a character combines with the one before it. A stack of many covers the lines above and below.
#[must_use]
pub fn is_mark(c: char) -> bool {
    c.width() == Some(0) && !is_joiner(c) && !is_treacherous(c)
}

/// Returns whether a character changes the direction of the text around it, so that it reads differently.
#[must_use]
pub fn turns_text(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

pub(super) fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Returns whether a character cannot be seen, or changes how its neighbours are laid out.
///
/// Text needs letters, marks, numbers, punctuation, symbols and spaces; the joiners are handled by the cleaner. All other
/// general categories (control, format, surrogate, private use, unassigned) are invisible here: a terminal may draw
/// nothing for them. Unassigned emoji are the exception, because new ones arrive before the tables of this crate.
pub(super) fn is_invisible(c: char) -> bool {
    let needed = match c.general_category_group() {
        GeneralCategoryGroup::Other => is_joiner(c) || is_pictograph(c),
        GeneralCategoryGroup::Separator => c.general_category() == GeneralCategory::SpaceSeparator,
        _ => true,
    };
    // Letters, marks and a symbol by category for which nothing is drawn: the grapheme joiner, the Hangul fillers, two
    // inherent vowels of Khmer, the null note head.
    !needed
        || matches!(
            c,
            '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}' | '\u{1d159}'
        )
}

/// Returns whether a character selects among the forms of one ideograph. Elsewhere it is invisible.
pub(super) fn is_ideographic_selector(c: char) -> bool {
    matches!(c, '\u{e0100}'..='\u{e01ef}')
}

pub(super) fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3fffd}')
}

pub(super) fn is_pictograph(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}' | '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}'
        | '\u{1f000}'..='\u{1faff}')
}

/// Returns whether a character belongs to a script that is spelled with joiners: Arabic (Persian needs the non-joiner), the
/// Indic scripts, Khmer.
pub(super) fn is_shaped(c: char) -> bool {
    matches!(c, '\u{620}'..='\u{6ff}' | '\u{750}'..='\u{77f}' | '\u{8a0}'..='\u{8ff}' | '\u{900}'..='\u{dff}'
        | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17b3}' | '\u{17b6}'..='\u{17d3}')
}
