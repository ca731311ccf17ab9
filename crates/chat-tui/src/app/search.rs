//! The search dialog. The search itself is an effect.

use super::{App, Dialog};
use crate::effect::Effect;
use crate::keymap::Action;
use crate::line_editor::Edit;

impl App {
    pub(super) fn act_in_search(&mut self, action: Action) -> Vec<Effect> {
        let page = usize::from(self.height.saturating_sub(6).max(1));
        let Some(Dialog::Search(search)) = &mut self.dialog else { return Vec::new() };
        let last = search.hits.len().saturating_sub(1);
        match action {
            Action::Type(letter) => {
                search.input.apply(Edit::Insert(letter.to_string()));
            }
            Action::Edit(Edit::Up) | Action::ScrollUp => search.chosen = search.chosen.saturating_sub(1),
            Action::Edit(Edit::Down) | Action::ScrollDown => search.chosen = (search.chosen + 1).min(last),
            Action::PageUp => search.chosen = search.chosen.saturating_sub(page),
            Action::PageDown => search.chosen = (search.chosen + page).min(last),
            Action::Edit(edit) => {
                search.input.apply(edit);
            }
            Action::Submit if search.input.text() == search.asked && !search.asked.is_empty() => {
                let place = search.hits.get(search.chosen).map(|hit| hit.mark.start);
                if let Some(place) = place {
                    self.chat.timeline.go_around(place);
                    return self.close_search();
                }
            }
            Action::Submit => return self.start_search(),
            Action::Interrupt if !search.input.is_empty() => search.input.clear(),
            Action::Cancel | Action::Interrupt | Action::EndOrDelete => return self.close_search(),
            _ => {}
        }
        Vec::new()
    }

    pub(super) fn start_search(&mut self) -> Vec<Effect> {
        let Some(Dialog::Search(search)) = &mut self.dialog else { return Vec::new() };
        let query = search.input.text().to_owned();
        if query.trim().is_empty() {
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

    pub(super) fn close_search(&mut self) -> Vec<Effect> {
        let running = matches!(&self.dialog, Some(Dialog::Search(search)) if search.is_running());
        self.dialog = None;
        if running { vec![Effect::StopSearch] } else { Vec::new() }
    }
}
