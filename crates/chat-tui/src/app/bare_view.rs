//! The messages in view as plain lines, outside of the screen: a terminal selects and wraps them as it likes.

use super::App;
use crate::effect::Effect;
use crate::lang::Phrase;
use crate::timeline::{EntryKind, TimelineEntry, TimelineItem};

/// Before the lines of a message after its first one, so that none looks like a message of its own.
const INDENT: &str = "    ";

impl App {
    pub(super) fn open_bare_view(&mut self) -> Vec<Effect> {
        let mut visible = 0..0;
        self.with_heights(|timeline, page, height| visible = timeline.visible(page, height));
        let lines = visible.filter_map(|index| self.chat.timeline.item(index)).map(|item| self.bare_line(item));
        let mut text: String = lines.map(|line| line + "\n").collect();
        text.push_str(&format!("-- {}\n", self.text(Phrase::BareViewKeys)));
        self.bare = true;
        vec![Effect::BareView(text)]
    }

    fn bare_line(&self, item: TimelineItem<'_>) -> String {
        let (at, text) = match item {
            TimelineItem::Entry(entry) => (entry.at, self.bare_entry(entry)),
            TimelineItem::Own(own) => {
                let state =
                    self.text(Phrase::Own { state: &own.state, held: own.held.as_ref(), until: own.refused_until });
                let text = format!("{}: {} {state}", self.nickname().unwrap_or_default(), own.shown);
                (Some(own.at), text.trim_end().to_owned())
            }
        };
        let time = at.map_or(String::new(), |at| at.strftime("[%H:%M] ").to_string());
        format!("{time}{}", text.replace('\n', &format!("\n{INDENT}")))
    }

    fn bare_entry(&self, entry: &TimelineEntry) -> String {
        match &entry.kind {
            EntryKind::Message(message) => {
                let like = message.looks_like.as_deref().map(|other| self.text(Phrase::LooksLike(other)));
                let sender = message.sender.as_deref().map(|sender| format!("{sender}{}: ", like.unwrap_or_default()));
                format!("{}{}", sender.unwrap_or_default(), message.text)
            }
            EntryKind::Gap(gap) => self.text(Phrase::Gap(gap)),
            EntryKind::Notice { text, error } => format!("{} {text}", if *error { '!' } else { '*' }),
        }
    }
}
