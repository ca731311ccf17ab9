//! Lays out the entries of the conversation as rows of a given width, with the separators before them.

use chat_client::{DeliveryState, PostId};
use jiff::civil::Date;

use crate::lang::{Lang, Phrase};
use crate::theme::{Role, nick_colour};
use crate::timeline::{
    EntryKind, Held, PendingMessage, ShownMessage, Timeline, TimelineEntry, TimelineItem, clean_name,
};
use crate::width::{fit, text_width};
use crate::wrap::{Piece, Row, wrap, wrap_around};

/// Everything that the look of a conversation depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConversationLayout<'a> {
    pub(crate) timeline: &'a Timeline,
    pub(crate) lang: Lang,
    pub(crate) width: u16,
    pub(crate) today: Date,
    /// The name of the own messages in transit.
    pub(crate) nickname: Option<&'a str>,
    /// The own message that is selected for a decision.
    pub(crate) selected: Option<&'a PostId>,
}

/// The look of a piece of text, and the target of its link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ink<'a> {
    pub(crate) role: Role,
    /// The address that the text belongs to.
    pub(crate) link: Option<&'a str>,
}

impl From<Role> for Ink<'_> {
    fn from(role: Role) -> Self {
        Self { role, link: None }
    }
}

/// Below this width there is no space for the time.
const NARROW: u16 = 30;

impl<'a> ConversationLayout<'a> {
    /// Returns how many rows an item takes; none if there is no such item.
    pub(crate) fn height(&self, index: i64) -> usize {
        self.rows(index).len()
    }

    /// Returns the rows of an item, separators first.
    pub(crate) fn rows(&self, index: i64) -> Vec<Row<Ink<'a>>> {
        let Some(item) = self.timeline.item(index) else { return Vec::new() };
        let mut rows = Vec::new();
        let at = match item {
            TimelineItem::Entry(entry) => entry.at,
            TimelineItem::Own(own) => Some(own.at),
        };
        let before = self.timeline.entry_before(index);
        if let Some(date) = at.map(|at| at.date()) {
            let known = before.is_none() && !self.timeline.starts_at_the_beginning();
            let same = before.and_then(|entry| entry.at).is_some_and(|at| at.date() == date);
            // If all messages are of today, a separator adds nothing.
            let first_today = before.is_none() && date == self.today;
            if !known && !same && !first_today {
                rows.push(self.separator(&self.lang.text(Phrase::Date(date)), Role::Day));
            }
        }
        if self.timeline.unread_begins_at(index) {
            rows.push(self.separator(&self.lang.text(Phrase::Unread), Role::Unread));
        }
        match item {
            TimelineItem::Entry(entry) => self.entry(entry, &mut rows),
            TimelineItem::Own(own) => self.own(own, &mut rows),
        }
        rows
    }

    fn entry(&self, entry: &'a TimelineEntry, rows: &mut Vec<Row<Ink<'a>>>) {
        match &entry.kind {
            EntryKind::Message(message) => self.message(entry, message, rows),
            EntryKind::Gap(gap) => {
                let text = format!("╌╌ {} ╌╌", self.lang.text(Phrase::Gap(gap)));
                rows.extend(wrap(&[(Role::Gap.into(), text.as_str())], self.width, 3));
            }
            EntryKind::Notice { text, error } => {
                let (mark, role) = if *error { ("! ", Role::Error) } else { ("* ", Role::Notice) };
                let time = self.time(entry.at);
                let parts = [(Role::Time.into(), time.as_str()), (role.into(), mark), (role.into(), text)];
                rows.extend(wrap(&parts, self.width, self.indent()));
            }
        }
    }

    fn message(&self, entry: &TimelineEntry, message: &'a ShownMessage, rows: &mut Vec<Row<Ink<'a>>>) {
        let time = self.time(entry.at);
        let mut parts: Vec<(Ink<'a>, &str)> = vec![(Role::Time.into(), time.as_str())];
        let (name, like);
        if let Some(sender) = &message.sender {
            name = fit(sender, self.name_width());
            let role = if message.own { Role::OwnNick } else { Role::Nick(nick_colour(sender)) };
            parts.push((role.into(), &name));
            if let Some(other) = &message.looks_like {
                like = self.lang.text(Phrase::LooksLike(&fit(other, self.name_width())));
                parts.push((Role::Warning.into(), &like));
            }
            parts.push((Role::Text.into(), ": "));
        }
        let found = self.timeline.is_found(entry);
        for (range, mentioned, link) in message.segments() {
            let role = match (found, mentioned) {
                (true, _) => Role::Selected,
                (false, true) => Role::Mention,
                (false, false) => Role::Text,
            };
            parts.push((Ink { role, link }, &message.text[range]));
        }
        if message.confirmed {
            parts.push((Role::Good.into(), " ✓"));
        }
        rows.extend(wrap_around(&parts, self.width, self.indent(), |ink| ink.link.is_some()));
    }

    fn own(&self, own: &PendingMessage, rows: &mut Vec<Row<Ink<'a>>>) {
        let time = self.time(Some(own.at));
        let name = clean_name(self.nickname.unwrap_or(""));
        let name = fit(&name, self.name_width());
        let state = format!(" {}", self.lang.text(Phrase::Own { state: &own.state, held: own.held.as_ref() }));
        let role = match (&own.held, &own.state) {
            (Some(Held::EarlierRun), _) | (None, DeliveryState::Unconfirmed) => Role::Warning,
            (None, DeliveryState::Confirmed(_)) => Role::Good,
            (None, DeliveryState::Queued | DeliveryState::Written) => Role::Dim,
            _ => Role::Error,
        };
        let chosen = self.selected == Some(&own.id);
        let text = if chosen { Role::Selected } else { Role::Text };
        let mark = if chosen { "▸" } else { "" };
        let parts = [
            (Role::Key.into(), mark),
            (Role::Time.into(), time.as_str()),
            (Role::OwnNick.into(), &name),
            (Role::Text.into(), if name.is_empty() { "" } else { ": " }),
            (text.into(), &own.shown),
            (role.into(), &state),
        ];
        rows.extend(wrap(&parts, self.width, self.indent()));
    }

    fn time(&self, at: Option<jiff::civil::DateTime>) -> String {
        match at {
            Some(at) if self.width >= NARROW => at.strftime("%H:%M ").to_string(),
            _ => String::new(),
        }
    }

    fn indent(&self) -> u16 {
        if self.width >= NARROW { 6 } else { 1 }
    }

    fn name_width(&self) -> u16 {
        (self.width / 3).max(8)
    }

    fn separator(&self, text: &str, role: Role) -> Row<Ink<'a>> {
        let text = fit(text, self.width.saturating_sub(6));
        let free = usize::from(self.width.saturating_sub(text_width(&text) + 2));
        let left = "─".repeat((free / 2).min(8));
        let right = "─".repeat(free.saturating_sub((free / 2).min(8)));
        vec![Piece { text: format!("{left} {text} {right}"), role: role.into() }]
    }
}

/// Returns the help as rows of `width` cells.
pub(crate) fn help_rows(lang: Lang, width: u16) -> Vec<Row<Role>> {
    let mut rows = Vec::new();
    for (key, what) in lang.help() {
        if key.is_empty() {
            if !rows.is_empty() {
                rows.push(Row::new());
            }
            rows.extend(wrap(&[(Role::Title, *what)], width, 0));
        } else if width >= 50 {
            let key = format!("{key}{}", " ".repeat(usize::from(20u16.saturating_sub(text_width(key)))));
            rows.extend(wrap(&[(Role::Key, key.as_str()), (Role::Text, " "), (Role::Text, what)], width, 21));
        } else {
            rows.extend(wrap(&[(Role::Key, key), (Role::Text, ": "), (Role::Text, what)], width, 2));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use jiff::civil::DateTime;

    use super::*;
    use crate::{timeline::Viewer, wrap::plain};

    fn at(day: i8, hour: i8) -> DateTime {
        DateTime::constant(2023, 1, day, hour, 7, 0, 0)
    }

    fn sheet(timeline: &Timeline, width: u16) -> Vec<String> {
        let sheet = ConversationLayout {
            timeline,
            lang: Lang::En,
            width,
            today: at(15, 0).date(),
            nickname: Some("Keen Bob"),
            selected: None,
        };
        timeline.indices().flat_map(|index| sheet.rows(index)).map(|row| plain(&row)).collect()
    }

    #[test]
    fn messages_have_times_days_and_an_indent() {
        let mut timeline = Timeline::default();
        let me = Viewer::default();
        timeline.push(TimelineEntry::said(Some("Jolly Ann"), "good evening", Some(at(14, 23)), None, &me));
        timeline.push(TimelineEntry::said(
            Some("Jolly Ann"),
            "and good night to all of you here",
            Some(at(15, 0)),
            None,
            &me,
        ));
        assert_eq!(
            sheet(&timeline, 40),
            [
                "────── Saturday, 14 January 2023 ───────",
                "23:07 Jolly Ann: good evening",
                "─────── Sunday, 15 January 2023 ────────",
                "00:07 Jolly Ann: and good night to all ",
                "      of you here",
            ]
        );
    }

    #[test]
    fn own_messages_have_their_state() {
        let mut timeline = Timeline::default();
        let id = |id: &str| PostId::new(id).unwrap();
        let confirmed = DeliveryState::Confirmed(chat_client::Receipt::new(id("3"), None));
        for (name, state) in [
            ("1", DeliveryState::Queued),
            ("2", DeliveryState::Written),
            ("3", confirmed),
            ("4", DeliveryState::Unconfirmed),
        ] {
            timeline.outgoing.add(PendingMessage::new(id(name), chat_client::Text::new("hi").unwrap(), at(15, 9)));
            timeline.outgoing.set_state(&id(name), state);
        }
        assert_eq!(
            sheet(&timeline, 60),
            [
                "09:07 Keen Bob: hi … queued",
                "09:07 Keen Bob: hi → sent",
                "09:07 Keen Bob: hi ✓",
                "09:07 Keen Bob: hi ? unconfirmed",
            ]
        );
    }
}
