//! Lines that begin with one slash.

use super::{App, Dialog};
use crate::effect::Effect;
use crate::keymap::Action;
use crate::lang::Phrase;
use crate::line_editor::Edit;
use crate::{areas, layout};

/// The commands, for completion and help.
pub(crate) const COMMANDS: [&str; 6] = ["help", "search", "accounts", "register", "export", "quit"];

impl App {
    /// Carries out a command. An unknown one stays in the input line, with a message.
    pub(crate) fn command(&mut self, command: &str) -> Vec<Effect> {
        let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let rest = rest.trim();
        if !COMMANDS.contains(&name) {
            self.hint(Phrase::UnknownCommand(name), true);
            return Vec::new();
        }
        self.chat.input.take();
        match name {
            "help" => self.dialog = Some(Dialog::Help { scroll: 0 }),
            "search" => return self.open_search(rest),
            "accounts" => self.open_accounts(),
            "register" => self.open_registration(),
            "export" => return vec![Effect::Export((!rest.is_empty()).then(|| rest.to_owned()))],
            _ => return self.quit(),
        }
        Vec::new()
    }

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
            // The last page stays full; its start depends on the width.
            let rows = layout::help_rows(self.lang, areas::dialog(self.width, self.height).width.saturating_sub(4));
            *scroll = (*scroll).min(u16::try_from(rows.len()).unwrap_or(u16::MAX).saturating_sub(page));
        }
        Vec::new()
    }
}
