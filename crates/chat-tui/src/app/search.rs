//! The search: a drawer over the input line. The conversation above shows the chosen message. The search itself is an
//! effect.

use std::time::Duration;

use super::{App, Dialog, Search};
use crate::effect::Effect;
use crate::event::SearchHit;
use crate::keymap::Action;
use crate::line_editor::Edit;

/// How long after the last key the search begins.
const TYPING_PAUSE_MS: i64 = 150;

impl App {
    pub(super) fn open_search(&mut self, query: &str) -> Vec<Effect> {
        let mut search = Search { came_from: self.chat.timeline.place(), ..Search::default() };
        search.input.replace(query);
        self.dialog = Some(Dialog::Search(Box::new(search)));
        if query.is_empty() { Vec::new() } else { self.start_search() }
    }

    pub(super) fn act_in_search(&mut self, action: Action) -> Vec<Effect> {
        let page = isize::try_from(self.height / 3).unwrap_or(1).max(1);
        let now = self.now.as_millisecond();
        let Some(Dialog::Search(search)) = &mut self.dialog else { return Vec::new() };
        match action {
            Action::Type(letter) => search.edit(Edit::Insert(letter.to_string()), now),
            // The newest hit is next to the input line.
            Action::Edit(Edit::Up) | Action::ScrollUp | Action::Search => self.choose_hit(1),
            Action::Edit(Edit::Down) | Action::ScrollDown => self.choose_hit(-1),
            Action::PageUp => self.choose_hit(page),
            Action::PageDown => self.choose_hit(-page),
            Action::SearchOrForward => search.edit(Edit::Right, now),
            Action::Edit(edit) => search.edit(edit, now),
            Action::Submit if search.input.text() == search.asked && !search.hits.is_empty() => {
                return self.close_search();
            }
            Action::Submit => return self.start_search(),
            Action::Interrupt if !search.input.is_empty() => {
                search.input.clear();
                search.due = None;
            }
            Action::Cancel | Action::Interrupt | Action::EndOrDelete => {
                let place = search.came_from;
                self.chat.timeline.go_back(place);
                return self.close_search();
            }
            _ => {}
        }
        Vec::new()
    }

    /// Searches for what was typed, once the user has paused.
    pub(super) fn search_if_due(&mut self) -> Vec<Effect> {
        let now = self.now.as_millisecond();
        match &self.dialog {
            Some(Dialog::Search(search)) if search.due.is_some_and(|due| due <= now) => self.start_search(),
            _ => Vec::new(),
        }
    }

    /// Returns the time until the search begins.
    pub(super) fn search_pause(&self) -> Option<Duration> {
        let Some(Dialog::Search(search)) = &self.dialog else { return None };
        let left = search.due? - self.now.as_millisecond();
        Some(Duration::from_millis(u64::try_from(left).unwrap_or(0)))
    }

    pub(super) fn start_search(&mut self) -> Vec<Effect> {
        let Some(Dialog::Search(search)) = &mut self.dialog else { return Vec::new() };
        search.due = None;
        let query = search.input.text().to_owned();
        if query.trim().is_empty() || (query == search.asked && search.failed.is_none()) {
            return Vec::new();
        }
        self.searches += 1;
        search.number = self.searches;
        search.asked.clone_from(&query);
        search.hits.clear();
        search.chosen = 0;
        search.percent = Some(0);
        search.failed = None;
        vec![Effect::Search { search: search.number, query }]
    }

    /// Takes hits. The conversation moves to the first one.
    pub(super) fn take_found(&mut self, number: u64, hits: Vec<SearchHit>) {
        let Some(Dialog::Search(search)) = &mut self.dialog else { return };
        let is_first = search.hits.is_empty();
        search.take(number, hits);
        if is_first {
            self.choose_hit(0);
        }
    }

    /// Chooses another hit, an older one if positive, and shows it in the conversation.
    fn choose_hit(&mut self, by: isize) {
        let Some(Dialog::Search(search)) = &mut self.dialog else { return };
        search.chosen = search.chosen.saturating_add_signed(by).min(search.hits.len().saturating_sub(1));
        if let Some(hit) = search.hits.get(search.chosen) {
            self.chat.timeline.go_to_found(hit.mark.start, hit.ranges.clone());
        }
    }

    pub(super) fn close_search(&mut self) -> Vec<Effect> {
        let running = matches!(&self.dialog, Some(Dialog::Search(search)) if search.is_running());
        self.dialog = None;
        if running { vec![Effect::StopSearch] } else { Vec::new() }
    }
}

impl Search {
    fn edit(&mut self, edit: Edit, now: i64) {
        self.input.apply(edit);
        if self.input.text() != self.asked {
            self.due = Some(now + TYPING_PAUSE_MS);
        }
    }
}
