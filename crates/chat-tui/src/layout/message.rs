//! The rows of messages, gaps and notices.

use std::borrow::Cow;

use chat_client::DeliveryState;
use jiff::civil::DateTime;

use super::conversation::{ConversationLayout, time_of};
use super::form::{Head, RULE, RowForm};
use super::ink::Ink;
use crate::lang::{GapLength, Phrase};
use crate::theme::{Role, nick_colour};
use crate::timeline::{
    EntryKind, GapLine, Held, PendingMessage, Selection, ShownMessage, TimelineEntry, TimelineItem, clean_name,
};
use crate::width::{fit, text_width};
use crate::wrap::{Piece, Row};

/// Messages of one speaker within this time have the name once.
const SAME_SPEAKER_SECONDS: i64 = 5 * 60;

/// A name that stands above already.
const SAME_NAME: &str = "·";

impl<'a> ConversationLayout<'a> {
    pub(super) fn entry(
        &self,
        form: RowForm,
        entry: &'a TimelineEntry,
        repeats: Option<i64>,
        selected: bool,
        rows: &mut Vec<Row<Ink<'a>>>,
    ) {
        match &entry.kind {
            EntryKind::Message(message) => self.message(form, entry, message, (repeats, selected), rows),
            EntryKind::Gap(gap) => self.gap(form, entry, gap, rows),
            EntryKind::Notice { text, error } => {
                let (sign, sign_role, role) =
                    if *error { ("!", Role::Error, Role::Text) } else { ("*", Role::Dim, Role::Notice) };
                let head = Head {
                    time: clock(entry.at),
                    name: Cow::Borrowed(""),
                    name_role: Role::Notice,
                    sign,
                    sign_role,
                    selected: false,
                };
                rows.extend(form.rows(&head, &[(role.into(), text)]));
            }
        }
    }

    fn message(
        &self,
        form: RowForm,
        entry: &TimelineEntry,
        message: &'a ShownMessage,
        (repeats, selected): (Option<i64>, bool),
        rows: &mut Vec<Row<Ink<'a>>>,
    ) {
        let sender = message.sender.as_deref().unwrap_or("");
        let colour = if message.own { Role::OwnNick } else { Role::Nick(nick_colour(sender)) };
        let mentions = message.mention.is_some();
        let plain = if form.is_column() || sender.is_empty() { RULE } else { ":" };
        let (sign, sign_role) = match (message.confirmed, mentions) {
            (true, _) => ("✓", Role::Good),
            (_, true) => ("»", Role::Warning),
            _ => (plain, Role::Rule),
        };
        let head = Head {
            time: self.time(entry.at, repeats),
            name: match repeats {
                Some(_) => Cow::Borrowed(SAME_NAME),
                None => self.timeline.names.label(sender, form.name_width()),
            },
            name_role: if mentions { Role::Mention } else { colour },
            sign,
            sign_role,
            selected,
        };
        let mut parts: Vec<(Ink<'a>, &str)> = Vec::new();
        let like;
        if let Some(other) = &message.looks_like {
            like = self.lang.text(Phrase::LooksLike(other));
            parts.extend([(Role::Warning.into(), like.trim_start()), (Role::Text.into(), " ")]);
        }
        let found = self.timeline.found_in(entry);
        // Where only the name or the time matches, the whole text is marked.
        let whole = found.is_some_and(<[_]>::is_empty);
        for (range, mentioned, is_found, link) in message.segments(found.unwrap_or_default()) {
            let role = match (whole || is_found, mentioned) {
                (true, _) => Role::Selected,
                (false, true) => Role::MentionWord,
                (false, false) => Role::Text,
            };
            parts.push((Ink { role, link }, &message.text[range]));
        }
        rows.extend(form.rows(&head, &parts));
    }

    fn gap(&self, form: RowForm, entry: &TimelineEntry, gap: &GapLine, rows: &mut Vec<Row<Ink<'a>>>) {
        let text = |length| self.lang.text(Phrase::GapRow { gap, length });
        if form.is_column() {
            let head = Head {
                time: clock(entry.at),
                name: self.lang.text(Phrase::GapName).into(),
                name_role: Role::Gap,
                sign: "╎",
                sign_role: Role::Gap,
                selected: false,
            };
            rows.extend(form.rows(&head, &[(Role::Gap.into(), &text(GapLength::Sentence))]));
            return;
        }
        // One row, so that it looks like no message.
        let room = self.width.saturating_sub(6);
        let texts = [text(GapLength::Line), text(GapLength::Short), text(GapLength::Shortest)];
        let text = texts.iter().find(|text| text_width(text) <= room).unwrap_or(&texts[2]);
        let text = format!("╌╌ {} ", fit(text, self.width.saturating_sub(3)));
        let rest = usize::from(self.width.saturating_sub(text_width(&text)));
        rows.push(vec![Piece::new(format!("{text}{}", "╌".repeat(rest)), Role::Gap)]);
    }

    pub(super) fn own(
        &self,
        form: RowForm,
        own: &'a PendingMessage,
        repeats: Option<i64>,
        rows: &mut Vec<Row<Ink<'a>>>,
    ) {
        let name = clean_name(self.nickname.unwrap_or(""));
        let chosen = matches!(self.selected, Some(Selection::Own(id)) if *id == own.id);
        let (sign, sign_role) = sign_of(own);
        let head = Head {
            time: self.time(Some(own.at), repeats.filter(|_| !chosen)),
            name: match repeats {
                Some(_) if !chosen => Cow::Borrowed(SAME_NAME),
                _ => self.timeline.names.label(&name, form.name_width()),
            },
            name_role: Role::OwnNick,
            sign,
            sign_role,
            selected: chosen,
        };
        let text = if chosen { Role::Selected } else { Role::Text };
        let mut parts = vec![(text.into(), own.shown.as_str())];
        let state =
            self.lang.text(Phrase::Own { state: &own.state, held: own.held.as_ref(), until: own.refused_until });
        if !state.is_empty() && (!own.is_under_way() || own.has_waited(self.now)) {
            parts.extend([(Role::Text.into(), " "), (sign_role.into(), &state)]);
        }
        rows.extend(form.rows(&head, &parts));
    }

    /// Returns whether the item continues what its speaker has just said, so that the name need not be repeated.
    pub(super) fn same_speaker(&self, index: i64, item: TimelineItem<'a>) -> bool {
        if matches!(item, TimelineItem::Own(_)) && self.has_tray() {
            return false;
        }
        let plain = match item {
            TimelineItem::Entry(entry) => {
                entry.as_message().is_some_and(|said| said.mention.is_none() && said.looks_like.is_none())
            }
            TimelineItem::Own(_) => true,
        };
        let Some(before) = self.timeline.item(index - 1).filter(|_| plain) else { return false };
        let is_same = match (self.speaker(before), self.speaker(item)) {
            (Some(one), Some(other)) => one == other,
            _ => false,
        };
        let (Some(earlier), Some(later)) = (time_of(before), time_of(item)) else { return false };
        is_same && (0..=SAME_SPEAKER_SECONDS).contains(&later.duration_since(earlier).as_secs())
    }

    /// Returns whether a line across stands above the first undelivered message: not for one that may still arrive in a
    /// moment.
    pub(super) fn tray_begins_at(&self, index: i64) -> bool {
        let own = self.timeline.outgoing.as_slice();
        let Some(number) = usize::try_from(index - (self.timeline.indices().end - to_index(own.len()))).ok() else {
            return false;
        };
        let is_first = own.get(number).is_some_and(|own| !own.is_confirmed())
            && own[..number].iter().all(PendingMessage::is_confirmed);
        self.timeline.is_live() && is_first && self.has_tray()
    }

    fn has_tray(&self) -> bool {
        let own = self.timeline.outgoing.as_slice();
        own.iter().any(|own| own.needs_a_decision() || own.has_waited(self.now))
    }

    fn speaker(&self, item: TimelineItem<'a>) -> Option<Cow<'a, str>> {
        match item {
            TimelineItem::Entry(entry) => entry.as_message()?.sender.as_deref().map(Cow::Borrowed),
            TimelineItem::Own(_) => self.nickname.map(|name| clean_name(name).into()),
        }
    }

    /// Returns the time of an item, unless the one before is of the same minute and speaker.
    fn time(&self, at: Option<DateTime>, repeats: Option<i64>) -> String {
        let time = clock(at);
        let before = repeats.and_then(|index| self.timeline.item(index - 1));
        match before {
            Some(before) if clock(time_of(before)) == time => String::new(),
            _ => time,
        }
    }
}

fn sign_of(own: &PendingMessage) -> (&'static str, Role) {
    match (&own.held, &own.state) {
        (Some(Held::EarlierRun), _) | (None, DeliveryState::Unconfirmed) => ("?", Role::Warning),
        (None, DeliveryState::Queued) => ("…", Role::Dim),
        (None, DeliveryState::Written) => ("→", Role::Dim),
        (None, DeliveryState::Confirmed(_)) => ("✓", Role::Good),
        _ => ("✗", Role::Error),
    }
}

fn clock(at: Option<DateTime>) -> String {
    at.map_or(String::new(), |at| format!("{:02}:{:02}", at.hour(), at.minute()))
}

fn to_index(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
