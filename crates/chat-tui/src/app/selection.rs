//! Choosing a message: any one to copy it or an address in it, an own one in transit to retry, edit or discard it.

use chat_client::{DeliveryState, PostId};

use super::App;
use crate::effect::Effect;
use crate::keymap::Action;
use crate::lang::Phrase;
use crate::line_editor::Edit;
use crate::timeline::{PendingMessage, Selection, TimelineItem};

impl App {
    /// Selects the last own message that needs a decision, or else the last message.
    pub(super) fn select_message(&mut self) {
        let below = self.bottom_index() + 1;
        let timeline = &self.chat.timeline;
        let undecided = timeline.outgoing.as_slice().iter().rfind(|own| own.needs_a_decision());
        let selection = match undecided {
            Some(own) if timeline.is_live() => Some(Selection::Own(own.id.clone())),
            _ => self.message_from(below, -1),
        };
        match selection {
            Some(selection) => {
                self.chat.selected_from = self.chat.timeline.place();
                self.select(selection);
            }
            None => self.hint(Phrase::NothingToCopy, false),
        }
    }

    pub(super) fn act_on_selection(&mut self, selection: &Selection, action: Action) -> Vec<Effect> {
        let Some(index) = self.chat.timeline.index_of(selection) else {
            // It has arrived in the meantime, or is no longer loaded.
            self.chat.selected = None;
            return Vec::new();
        };
        self.hint = None;
        match action {
            Action::Edit(Edit::Up) | Action::ScrollUp | Action::Previous | Action::Type('k' | 'л') => {
                self.select_next(index, -1);
            }
            Action::Edit(Edit::Down) | Action::ScrollDown | Action::Next | Action::Type('j' | 'о') => {
                self.select_next(index, 1);
            }
            Action::Type('y' | 'н') => return self.copy_selected(index, |text, _| Some(text)),
            Action::Type('u' | 'г') => return self.copy_selected(index, |_, address| address),
            Action::Cancel | Action::Select | Action::Interrupt => {
                self.chat.selected = None;
                let place = self.chat.selected_from;
                self.chat.timeline.go_back(place);
            }
            action => match selection {
                Selection::Own(id) => return self.act_on_own(&id.clone(), action),
                Selection::Entry(_) => self.not_now(),
            },
        }
        Vec::new()
    }

    fn act_on_own(&mut self, id: &PostId, action: Action) -> Vec<Effect> {
        let Some(own) = self.chat.timeline.outgoing.find(id).cloned() else { return Vec::new() };
        let is_written = own.held.is_none() && own.state == DeliveryState::Written;
        match action {
            Action::Type('r' | 'к') | Action::Submit if own.needs_a_decision() => {
                self.chat.selected = None;
                return self.resend(id);
            }
            Action::Type('e' | 'у') if !is_written && !own.is_confirmed() => {
                self.chat.selected = None;
                // The draft remains available among the sent lines.
                self.chat.input.take();
                self.chat.input.replace(own.text.as_str());
                if own.needs_a_decision() {
                    self.chat.editing = Some(id.clone());
                    return Vec::new();
                }
                // Otherwise it could be sent in the meantime.
                return self.discard(id);
            }
            Action::Type('d' | 'в') | Action::Edit(Edit::Delete) if !is_written => {
                self.chat.selected = None;
                return self.discard(id);
            }
            _ => self.not_now(),
        }
        Vec::new()
    }

    fn not_now(&mut self) {
        self.hint(Phrase::NotNow, false);
    }

    /// Copies what `choose` takes of the text and the first address of the selected message.
    fn copy_selected(
        &mut self,
        index: i64,
        choose: impl FnOnce(String, Option<String>) -> Option<String>,
    ) -> Vec<Effect> {
        let (text, address) = match self.chat.timeline.item(index) {
            Some(TimelineItem::Own(own)) => {
                let address = crate::address::find(&own.shown).into_iter().next().map(|address| address.target);
                (own.text.as_str().to_owned(), address)
            }
            Some(TimelineItem::Entry(entry)) => match entry.as_message() {
                Some(said) => (said.text.clone(), said.addresses.first().map(|address| address.target.clone())),
                None => return Vec::new(),
            },
            None => return Vec::new(),
        };
        match choose(text, address) {
            Some(text) => {
                self.chat.selected = None;
                let place = self.chat.selected_from;
                self.chat.timeline.go_back(place);
                vec![Effect::Copy(text)]
            }
            None => {
                self.hint(Phrase::NoAddress, false);
                Vec::new()
            }
        }
    }

    fn select_next(&mut self, index: i64, step: i64) {
        if let Some(selection) = self.message_from(index, step) {
            self.select(selection);
        }
    }

    fn select(&mut self, selection: Selection) {
        let index = self.chat.timeline.index_of(&selection);
        self.chat.selected = Some(selection);
        if let Some(index) = index {
            self.with_heights(|timeline, page, height| timeline.reveal(index, page, height));
        }
    }

    fn bottom_index(&mut self) -> i64 {
        let mut bottom = 0;
        self.with_heights(|timeline, page, height| bottom = timeline.bottom(page, height).0);
        bottom
    }

    /// Returns the next message after `index` in a direction; gaps and notices are skipped.
    fn message_from(&self, index: i64, step: i64) -> Option<Selection> {
        let timeline = &self.chat.timeline;
        let mut at = index + step;
        while timeline.indices().contains(&at) {
            match timeline.item(at) {
                Some(TimelineItem::Own(PendingMessage { id, .. })) => return Some(Selection::Own(id.clone())),
                Some(TimelineItem::Entry(entry)) if entry.as_message().is_some() => return Some(Selection::Entry(at)),
                _ => at += step,
            }
        }
        None
    }
}
