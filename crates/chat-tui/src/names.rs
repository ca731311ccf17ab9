//! The senders that are remembered, and how each is written where there is little space.
//!
//! A name that does not fit is shortened: first its adjective, down to three letters and a dot, then its end. Two
//! remembered names never get the same label; where they would, the name is written whole.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use chat_client::{NamesSeen, display};
use unicode_segmentation::UnicodeSegmentation;

use crate::theme::fnv;
use crate::width::{fit, text_width};

/// How many names are remembered. Beyond that, those silent for longest are forgotten.
const MAX_NAMES: usize = 2048;

/// The widths of name columns.
pub(crate) const LABEL_WIDTHS: RangeInclusive<u16> = 8..=23;

/// The senders that are remembered.
#[derive(Debug, Default)]
pub(crate) struct SenderNames {
    seen: NamesSeen,
    /// When each name, cleaned, was last met.
    last: HashMap<String, u64>,
    now: u64,
    /// How many names have this label: a hash of a width and the label.
    labels: HashMap<u64, u32>,
}

impl SenderNames {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Sets the user's own name, and forgets the others: their look-alikes are relative to it.
    pub(crate) fn set_own(&mut self, name: &str) {
        self.seen.set_own(name);
        self.remember(&clean_name(name));
    }

    /// Records a name. Returns the different name that it can be mistaken for.
    pub(crate) fn meet(&mut self, name: &str) -> Option<Arc<str>> {
        self.remember(&clean_name(name));
        self.seen.meet(name)
    }

    /// Returns what is written for a clean name where `width` cells are free. The label is wider where a shorter one
    /// would be that of another remembered name too.
    pub(crate) fn label<'n>(&self, name: &'n str, width: u16) -> Cow<'n, str> {
        let width = width.clamp(*LABEL_WIDTHS.start(), *LABEL_WIDTHS.end());
        match shorten(name, width) {
            Cow::Owned(short) if self.labels.get(&key(width, &short)).is_none_or(|&names| names < 2) => {
                Cow::Owned(short)
            }
            _ => Cow::Borrowed(name),
        }
    }

    fn remember(&mut self, name: &str) {
        self.now += 1;
        if let Some(last) = self.last.get_mut(name) {
            *last = self.now;
            return;
        }
        if self.last.len() >= MAX_NAMES {
            self.forget_the_silent();
        }
        self.last.insert(name.to_owned(), self.now);
        count_labels(&mut self.labels, name);
    }

    /// Forgets half of the names at once, so that a flood of names costs little for each.
    fn forget_the_silent(&mut self) {
        let mut times: Vec<u64> = self.last.values().copied().collect();
        times.sort_unstable();
        let since = times[times.len() / 2];
        self.last.retain(|_, last| *last > since);
        self.labels.clear();
        self.last.keys().for_each(|name| count_labels(&mut self.labels, name));
    }
}

/// Returns a name as the timeline shows it.
fn clean_name(name: &str) -> String {
    display::clean_for_terminal(name).into_owned()
}

fn count_labels(labels: &mut HashMap<u64, u32>, name: &str) {
    for width in LABEL_WIDTHS {
        *labels.entry(key(width, &shorten(name, width))).or_default() += 1;
    }
}

fn key(width: u16, label: &str) -> u64 {
    fnv(label) ^ u64::from(width).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Shortens a name to `width` cells: `Peaceful Alexander`, `Pea. Alexander`, `Pea. Alexa…`.
pub(crate) fn shorten(name: &str, width: u16) -> Cow<'_, str> {
    /// What stays of an adjective, without the dot.
    const LETTERS: usize = 3;
    if text_width(name) <= width {
        return Cow::Borrowed(name);
    }
    let Some((adjective, rest)) = name.split_once(' ') else { return fit(name, width) };
    let room = width.saturating_sub(text_width(rest).saturating_add(2));
    let (mut kept, mut cells) = (String::new(), 0);
    for (number, letter) in adjective.graphemes(true).enumerate() {
        cells += text_width(letter);
        if number >= LETTERS && cells > room {
            break;
        }
        kept.push_str(letter);
    }
    if text_width(&kept) + 1 >= text_width(adjective) {
        // With the dot it would be no shorter.
        return fit(name, width);
    }
    Cow::Owned(fit(&format!("{kept}. {rest}"), width).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn adjective_goes_before_the_name() {
        assert_eq!(shorten("Sincere Ann", 11), "Sincere Ann");
        assert_eq!(shorten("Sincere Ann", 8), "Sin. Ann");
        assert_eq!(shorten("Peaceful Alexander", 14), "Pea. Alexander");
        assert_eq!(shorten("Peaceful Alexander", 16), "Peace. Alexander");
        assert_eq!(shorten("Peaceful Alexander", 12), "Pea. Alexan…");
        assert_eq!(shorten("Wise Маша", 8), "Wise Ма…");
        assert_eq!(shorten("Alexandrina", 8), "Alexand…");
        assert_eq!(shorten("Big Alexandrina", 8), "Big Ale…");
        assert_eq!(shorten("静かな人と大きな犬", 8), "静かな…");
    }

    #[test]
    fn names_with_one_short_form_are_written_whole() {
        let mut names = SenderNames::new();
        names.meet("Peaceful Alexandra");
        assert_eq!(names.label("Peaceful Alexandra", 14), "Pea. Alexandra");
        names.meet("Peaked Alexandra");
        assert_eq!(names.label("Peaceful Alexandra", 14), "Peaceful Alexandra");
        assert_eq!(names.label("Peaked Alexandra", 14), "Peaked Alexandra");
        assert_eq!(names.label("Peaceful Alexandra", 18), "Peaceful Alexandra");
    }

    #[test]
    fn label_of_a_short_name_is_taken() {
        let mut names = SenderNames::new();
        names.meet("Pea. Ann");
        names.meet("Peaceful Ann");
        assert_eq!(names.label("Peaceful Ann", 8), "Peaceful Ann");
        assert_eq!(names.label("Pea. Ann", 8), "Pea. Ann");
    }

    #[test]
    fn flood_of_names_is_bounded() {
        let mut names = SenderNames::new();
        for number in 0..3 * MAX_NAMES {
            names.meet(&format!("Flooding Person {number}"));
        }
        assert!(names.last.len() <= MAX_NAMES);
        assert!(names.labels.len() <= MAX_NAMES * LABEL_WIDTHS.count());
    }

    proptest! {
        #[test]
        fn no_two_names_share_a_label(all in proptest::collection::hash_set("(Pea|Peaceful|Peaked|Big|平和な)?[ .]?(Ann|Anna|Alexander|Alexandra|アレクサンドラ)[ a-c…]{0,6}", 2..24)) {
            let mut names = SenderNames::new();
            let clean: std::collections::HashSet<String> = all.iter().map(|name| clean_name(name)).collect();
            all.iter().for_each(|name| drop(names.meet(name)));
            for width in LABEL_WIDTHS {
                let labels: std::collections::HashSet<Cow<'_, str>> = clean.iter().map(|name| names.label(name, width)).collect();
                prop_assert_eq!(labels.len(), clean.len(), "{} cells: {:?}", width, labels);
            }
        }
    }
}
