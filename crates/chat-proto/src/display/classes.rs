//! What characters do to a terminal and to a reader, and what is shown in their place. Whole texts are not its business.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

/// The picture of a C0 control character or DEL, such as `␛`; `None` for anything else.
#[must_use]
pub fn control_picture(c: char) -> Option<char> {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32),
        '\u{7f}' => Some('␡'),
        _ => None,
    }
}

/// Appends what is shown in place of a character that must not be: its picture where it has one, else its number.
pub fn push_visible(out: &mut String, c: char) {
    match control_picture(c) {
        Some(picture) => out.push(picture),
        None => number(out, c),
    }
}

/// Appends the number of a character, as in `<U+202E>`.
pub(super) fn number(out: &mut String, c: char) {
    let _ = write!(out, "<U+{:04X}>", c as u32);
}

/// Whether a character steers a terminal or hides from a reader: control characters, those that change the direction of
/// text, and those that cannot be seen.
#[must_use]
pub fn is_treacherous(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

/// Whether a character stands on the one before it, and so paints over the lines above and below where there are many.
#[must_use]
pub fn is_mark(c: char) -> bool {
    c.width() == Some(0) && !is_joiner(c) && !is_treacherous(c)
}

/// Whether a character changes the direction of the text around it, so that it reads as what it is not.
#[must_use]
pub fn turns_text(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

pub(super) fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Characters that cannot be seen, or that change how their neighbours are laid out.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
        | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}')
}

/// Characters that change nothing, or next to nothing, of how a name looks. Some of them stay on a terminal, because
/// emoji and some scripts need them.
pub(super) fn is_unseen_in_names(c: char) -> bool {
    let selects = matches!(c, '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}');
    c.is_control() || is_invisible(c) || is_joiner(c) || selects || matches!(c, '\u{2d7f}' | '\u{16fe4}')
}

/// Variation selectors that choose among forms of one ideograph; anywhere else they only hide.
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

/// Scripts that are spelled with joiners: Arabic (Persian needs the non-joiner), the Indic ones, Khmer.
pub(super) fn is_shaped(c: char) -> bool {
    matches!(c, '\u{620}'..='\u{6ff}' | '\u{750}'..='\u{77f}' | '\u{8a0}'..='\u{8ff}' | '\u{900}'..='\u{dff}'
        | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17b3}' | '\u{17b6}'..='\u{17d3}')
}
