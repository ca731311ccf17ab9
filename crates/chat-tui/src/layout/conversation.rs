//! The conversation as rows: each entry with the lines across before it.

use jiff::civil::DateTime;

use super::form::{Head, RULE, RowForm};
use super::ink::Ink;
use crate::lang::{Lang, Phrase};
use crate::theme::Role;
use crate::timeline::{Selection, Timeline, TimelineItem};
use crate::width::{fit, text_width};
use crate::wrap::{Piece, Row};

/// Everything that the look of a conversation depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConversationLayout<'a> {
    pub(crate) timeline: &'a Timeline,
    pub(crate) lang: Lang,
    pub(crate) width: u16,
    /// Local time.
    pub(crate) now: DateTime,
    /// The name of the own messages in transit.
    pub(crate) nickname: Option<&'a str>,
    /// The message that is selected.
    pub(crate) selected: Option<&'a Selection>,
}

/// The rows of one item.
#[derive(Debug)]
pub(crate) struct LaidItem<'a> {
    pub(crate) rows: Vec<Row<Ink<'a>>>,
    /// The number of the row with the name; those before it are lines across.
    pub(crate) head: usize,
}

impl<'a> ConversationLayout<'a> {
    /// Returns how many rows an item takes; none if there is no such item.
    pub(crate) fn height(&self, index: i64) -> usize {
        self.lay(index, false).rows.len()
    }

    /// Lays out an item, lines across first. An item that is `first` on the screen has its name and time in any case; its
    /// height is the same.
    pub(crate) fn lay(&self, index: i64, first: bool) -> LaidItem<'a> {
        let Some(item) = self.timeline.item(index) else { return LaidItem { rows: Vec::new(), head: 0 } };
        let form = RowForm::of(self.width);
        let mut rows: Vec<Row<Ink<'a>>> = self.lines_before(index, item).collect();
        let head = rows.len();
        let repeats = !first && form.is_column() && head == 0 && self.same_speaker(index, item);
        match item {
            TimelineItem::Entry(entry) => {
                let selected = self.selected == Some(&Selection::Entry(index));
                self.entry(form, entry, repeats.then_some(index).filter(|_| !selected), selected, &mut rows);
            }
            TimelineItem::Own(own) => self.own(form, own, repeats.then_some(index), &mut rows),
        }
        LaidItem { rows, head }
    }

    /// Returns the lines across before an item: a new day, the first unread message, the first undelivered one.
    fn lines_before(&self, index: i64, item: TimelineItem<'a>) -> impl Iterator<Item = Row<Ink<'a>>> {
        let day = self.new_day(index, item).map(|date| {
            self.across(&[self.lang.text(Phrase::Date(date)), self.lang.text(Phrase::ShortDate(date))], Role::Day)
        });
        let unread = self.timeline.unread_begins_at(index);
        let unread = unread.then(|| self.unread_line());
        let tray = self.tray_begins_at(index).then(|| {
            let title = self.lang.text(Phrase::Undelivered);
            let short = self.lang.text(Phrase::UndeliveredShort);
            self.across(&[format!("{title} · {}", self.lang.text(Phrase::UndeliveredKeys)), title, short], Role::Rule)
        });
        day.into_iter().chain(unread).chain(tray)
    }

    fn unread_line(&self) -> Row<Ink<'a>> {
        let unread = self.timeline.unread();
        let (count, at_least) = unread.map_or((0, true), |unread| (unread.count.all, unread.more));
        let since = unread.and_then(|unread| unread.since);
        let text = self.lang.text(Phrase::Unread { count, at_least, since });
        self.across(&[format!("{text} · {}", self.lang.text(Phrase::UnreadKey)), text], Role::Unread)
    }

    fn new_day(&self, index: i64, item: TimelineItem<'a>) -> Option<jiff::civil::Date> {
        let date = time_of(item)?.date();
        let before = self.timeline.item(index - 1);
        let is_known = before.is_none() && !self.timeline.starts_at_the_beginning();
        let is_same = before.and_then(time_of).is_some_and(|at| at.date() == date);
        // If all messages are of today, the line adds nothing.
        let is_first_today = before.is_none() && date == self.now.date();
        (!is_known && !is_same && !is_first_today).then_some(date)
    }

    /// Draws a line across with the longest text that fits. It begins at the text of messages where these have a column,
    /// and is in the middle otherwise.
    fn across(&self, texts: &[String], role: Role) -> Row<Ink<'a>> {
        let form = RowForm::of(self.width);
        let room = self.width.saturating_sub(form.across().unwrap_or(1) + 3);
        let text = texts.iter().find(|text| text_width(text) <= room).or(texts.last());
        let text = fit(text.map_or("", String::as_str), self.width.saturating_sub(4)).into_owned();
        let free = self.width.saturating_sub(text_width(&text) + 2);
        let left = form.across().unwrap_or(free / 2).min(free);
        let line = |cells: u16| "─".repeat(usize::from(cells));
        let text_role = if role == Role::Rule { Role::Dim } else { role };
        vec![
            Piece::new(line(left), role),
            Piece::new(format!(" {text} "), text_role),
            Piece::new(line(free - left), role),
        ]
    }
}

/// Lays out a text of the program as the rows of a message without a name.
pub(crate) fn aside(width: u16, text: &str) -> Vec<Row<Ink<'static>>> {
    let head = Head {
        time: String::new(),
        name: "".into(),
        name_role: Role::Dim,
        sign: RULE,
        sign_role: Role::Rule,
        selected: false,
    };
    RowForm::of(width).rows(&head, &[(Role::Dim.into(), text)])
}

/// Returns the local time of an item; `None` for an old line without a stamp.
pub(crate) fn time_of(item: TimelineItem<'_>) -> Option<DateTime> {
    match item {
        TimelineItem::Entry(entry) => entry.at,
        TimelineItem::Own(own) => Some(own.at),
    }
}
