//! Turning the pages of the help.

use super::{App, Dialog};
use crate::effect::Effect;
use crate::keymap::Action;
use crate::line_editor::Edit;
use crate::{areas, layout};

impl App {
    pub(super) fn act_in_help(&mut self, action: &Action) -> Vec<Effect> {
        let page = areas::dialog(self.width, self.height).height.saturating_sub(3).max(1);
        let Some(Dialog::Help { scroll }) = &mut self.dialog else { return Vec::new() };
        match action {
            Action::ScrollUp | Action::Edit(Edit::Up) => *scroll = scroll.saturating_sub(1),
            Action::ScrollDown | Action::Edit(Edit::Down) => *scroll = scroll.saturating_add(1),
            Action::PageUp => *scroll = scroll.saturating_sub(page),
            Action::PageDown | Action::Type(' ') => *scroll = scroll.saturating_add(page),
            _ => self.dialog = None,
        }
        if let Some(Dialog::Help { scroll }) = &mut self.dialog {
            // The last page stays full; how long it is depends on the width.
            let rows = layout::help_rows(self.lang, areas::dialog(self.width, self.height).width.saturating_sub(4));
            *scroll = (*scroll).min(u16::try_from(rows.len()).unwrap_or(u16::MAX).saturating_sub(page));
        }
        Vec::new()
    }
}
