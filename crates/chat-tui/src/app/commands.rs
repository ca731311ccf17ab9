//! Lines that begin with one stroke.

use super::{App, Dialog};
use crate::effect::Effect;
use crate::lang::Phrase;

/// The commands, for completion and for help.
pub(crate) const COMMANDS: [&str; 6] = ["help", "search", "accounts", "register", "export", "quit"];

impl App {
    /// Does the command; one that does not exist stays in the input line, beside what is wrong with it.
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
}
