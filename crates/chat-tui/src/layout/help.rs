//! The help as rows: two columns where they fit, else one that scrolls.

use crate::lang::{HelpLine, Lang};
use crate::theme::Role;
use crate::width::text_width;
use crate::wrap::{Piece, Row, wrap};

/// The cells of the keys.
const KEYS: u16 = 17;

/// The help on a screen of one size.
#[derive(Debug)]
pub(crate) struct HelpPage {
    rows: Vec<Row<Role>>,
    height: u16,
    margin: u16,
}

impl HelpPage {
    /// Lays out the help for a screen.
    pub(crate) fn new(lang: Lang, width: u16, height: u16) -> Self {
        let [left, right] = lang.help();
        let margin = u16::from(width >= 40);
        let width = width.saturating_sub(margin);
        let rows = if width >= 75 {
            let column = (width - 1) / 2;
            beside(table(left, column.min(52)), table(right, column.min(52)), column.min(52) + 1)
        } else {
            let mut rows = column(left, width);
            rows.push(Row::new());
            rows.extend(column(right, width));
            rows
        };
        Self { rows, height, margin }
    }

    pub(crate) fn rows(&self) -> &[Row<Role>] {
        &self.rows
    }

    pub(crate) fn margin(&self) -> u16 {
        self.margin
    }

    /// Returns whether it is longer than the screen.
    pub(crate) fn scrolls(&self) -> bool {
        self.rows.len() > usize::from(self.height.saturating_sub(1))
    }

    /// Returns how many rows are shown: all but the header, and the keys if it scrolls.
    pub(crate) fn body(&self) -> u16 {
        self.height.saturating_sub(1 + u16::from(self.scrolls())).max(1)
    }

    /// Returns the last row that can be the first on the screen: the last page stays full.
    pub(crate) fn last(&self) -> u16 {
        u16::try_from(self.rows.len()).unwrap_or(u16::MAX).saturating_sub(self.body())
    }

    /// Returns how many pages there are.
    pub(crate) fn count(&self) -> u16 {
        u16::try_from(self.rows.len()).unwrap_or(u16::MAX).div_ceil(self.body())
    }

    /// Returns the number of the page that begins at this row.
    pub(crate) fn number(&self, scroll: u16) -> u16 {
        scroll.div_ceil(self.body()) + 1
    }
}

/// Returns one column with the meanings below each other.
fn table(lines: &[HelpLine], width: u16) -> Vec<Row<Role>> {
    let mut rows = Vec::new();
    for (key, what) in lines {
        if key.is_empty() {
            heading(what, width, &mut rows);
            continue;
        }
        let pad = " ".repeat(usize::from(KEYS.saturating_sub(text_width(key)).max(1)));
        rows.extend(wrap(&[(Role::Key, key), (Role::Text, &pad), (Role::Text, what)], width, KEYS));
    }
    rows
}

/// Returns one column for a small screen.
fn column(lines: &[HelpLine], width: u16) -> Vec<Row<Role>> {
    if width >= 50 {
        return table(lines, width);
    }
    let mut rows = Vec::new();
    for (key, what) in lines {
        match key.is_empty() {
            true => heading(what, width, &mut rows),
            false => rows.extend(wrap(&[(Role::Key, *key), (Role::Text, ": "), (Role::Text, *what)], width, 2)),
        }
    }
    rows
}

fn heading(text: &str, width: u16, rows: &mut Vec<Row<Role>>) {
    if !rows.is_empty() {
        rows.push(Row::new());
    }
    rows.extend(wrap(&[(Role::Title, text)], width, 0));
}

/// Joins two columns; the second begins at column `at`.
fn beside(left: Vec<Row<Role>>, right: Vec<Row<Role>>, at: u16) -> Vec<Row<Role>> {
    let count = left.len().max(right.len());
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    let mut rows = Vec::with_capacity(count);
    for _ in 0..count {
        let mut row = left.next().unwrap_or_default();
        let used: u16 = row.iter().map(|piece| text_width(&piece.text)).sum();
        if let Some(other) = right.next().filter(|other| !other.is_empty()) {
            row.push(Piece::new(" ".repeat(usize::from(at.saturating_sub(used))), Role::Text));
            row.extend(other);
        }
        rows.push(row);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_page_at_80x24() {
        for lang in [Lang::En, Lang::Ru] {
            let page = HelpPage::new(lang, 80, 24);
            assert!(!page.scrolls(), "{} rows in {lang:?}", page.rows().len());
        }
    }

    #[test]
    fn pages_are_numbered_to_the_last() {
        for (width, height) in [(20, 6), (40, 12), (75, 24)] {
            let page = HelpPage::new(Lang::En, width, height);
            assert!(page.scrolls() && page.number(0) == 1);
            assert_eq!(page.number(page.last()), page.count(), "{width}x{height}");
        }
    }
}
