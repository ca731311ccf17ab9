//! The three forms of a row, by the width of the screen: names in a column of their own, names that the text runs on from,
//! and the same without the time.

use std::borrow::Cow;

use super::ink::Ink;
use crate::theme::Role;
use crate::width::text_width;
use crate::wrap::{Piece, Row, flow};

/// The form of all rows on a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RowForm {
    kind: FormKind,
    width: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FormKind {
    /// The time, names in this many cells, a sign, the text.
    Column(u16),
    /// The time, the name, a sign, the text.
    RunIn,
    /// The same without the time.
    Narrow,
}

/// What stands left of a text: when, who, and the sign for all that is special about it.
#[derive(Debug, Clone)]
pub(super) struct Head<'n> {
    pub(super) time: String,
    pub(super) name: Cow<'n, str>,
    pub(super) name_role: Role,
    /// One cell.
    pub(super) sign: &'static str,
    pub(super) sign_role: Role,
    pub(super) selected: bool,
}

/// The sign of a message with nothing special, and of every further row.
pub(super) const RULE: &str = "│";

/// `17:07 `
const TIME: u16 = 6;

impl RowForm {
    pub(super) fn of(width: u16) -> Self {
        let kind = match width {
            0..30 => FormKind::Narrow,
            30..72 => FormKind::RunIn,
            72..100 => FormKind::Column(14),
            100..140 => FormKind::Column(18),
            140.. => FormKind::Column(22),
        };
        Self { kind, width }
    }

    pub(super) fn is_column(self) -> bool {
        matches!(self.kind, FormKind::Column(_))
    }

    /// Returns how many cells a name should take at most.
    pub(super) fn name_width(self) -> u16 {
        match self.kind {
            FormKind::Column(name) => name,
            FormKind::RunIn | FormKind::Narrow => (self.width / 3).max(8),
        }
    }

    /// Returns where a line across has its text; `None` for the middle.
    pub(super) fn across(self) -> Option<u16> {
        matches!(self.kind, FormKind::Column(_)).then_some(self.text_column() - 1)
    }

    /// Lays out a text behind its head. Nothing of the text is left of a sign or of the line below it.
    pub(super) fn rows<'a>(self, head: &Head<'_>, text: &[(Ink<'a>, &str)]) -> Vec<Row<Ink<'a>>> {
        let column = self.text_column();
        let (mut start, name) = self.start(head);
        let name_width = text_width(&name);
        let fits = match self.kind {
            FormKind::Column(most) => name_width <= most,
            FormKind::RunIn | FormKind::Narrow => {
                name_width <= self.name_width() && self.width > name_width + column + 8
            }
        };
        let rest = self.width.saturating_sub(column);
        let sign = Piece::new(head.sign, head.sign_role);
        let blank = || Piece::new(" ", Role::Text);
        let rows = if fits {
            if let FormKind::Column(most) = self.kind {
                let selected = head.selected && name_width + 2 <= most;
                let pad = usize::from(most - name_width - if selected { 2 } else { 0 });
                start.push(Piece::new(" ".repeat(pad), Role::Text));
                if selected {
                    start.push(Piece::new("▸ ", Role::Key));
                }
            }
            start.push(Piece::new(name, head.name_role));
            if self.is_column() {
                start.push(blank());
            }
            start.extend([sign, blank()]);
            let used = start.iter().map(|piece| text_width(&piece.text)).sum();
            flow(text, self.width.saturating_sub(used), rest)
        } else {
            // A name that must not be shortened runs over its column.
            let mut parts: Vec<(Ink<'a>, &str)> = vec![(head.name_role.into(), &name)];
            if self.is_column() {
                parts.push((Role::Text.into(), " "));
            }
            parts.extend([(sign.role, head.sign), (Role::Text.into(), " ")]);
            parts.extend_from_slice(text);
            let used = start.iter().map(|piece| text_width(&piece.text)).sum();
            flow(&parts, self.width.saturating_sub(used), rest)
        };
        let mut rows = rows.into_iter();
        let first =
            rows.next().map(|row| start.into_iter().filter(|piece| !piece.text.is_empty()).chain(row).collect());
        first.into_iter().chain(rows.map(|row| self.further(row))).collect()
    }

    /// Returns the row as one after the first of its text.
    fn further<'a>(self, row: Row<Ink<'a>>) -> Row<Ink<'a>> {
        let before = self.rule_column();
        let mut whole = Vec::with_capacity(row.len() + 3);
        if before > 0 {
            whole.push(Piece::new(" ".repeat(usize::from(before)), Role::Text));
        }
        whole.push(Piece::new(RULE, Role::Rule));
        if self.kind != FormKind::Narrow {
            whole.push(Piece::new(" ", Role::Text));
        }
        whole.extend(row);
        whole
    }

    /// Returns the time, and the name with the mark of a selected message where that has no other place.
    fn start<'a, 'n>(self, head: &'n Head<'_>) -> (Row<Ink<'a>>, Cow<'n, str>) {
        let name = Cow::Borrowed(head.name.as_ref());
        if self.kind == FormKind::Narrow {
            let mark = if head.selected { vec![Piece::new("▸", Role::Key)] } else { Vec::new() };
            return (mark, name);
        }
        let marked = match self.kind {
            FormKind::Column(most) => head.selected && text_width(&head.name) + 2 > most,
            FormKind::RunIn | FormKind::Narrow => head.selected,
        };
        let mark = if marked { Piece::new("▸", Role::Key) } else { Piece::new(" ", Role::Text) };
        (vec![Piece::new(format!("{:5}", head.time), Role::Time), mark], name)
    }

    /// Returns where the text of further rows begins.
    pub(super) fn text_column(self) -> u16 {
        match self.kind {
            FormKind::Column(name) => TIME + name + 3,
            FormKind::RunIn => TIME,
            FormKind::Narrow => 1,
        }
    }

    /// Returns where the rule of further rows is.
    pub(super) fn rule_column(self) -> u16 {
        match self.kind {
            FormKind::Column(_) | FormKind::RunIn => self.text_column() - 2,
            FormKind::Narrow => 0,
        }
    }
}
