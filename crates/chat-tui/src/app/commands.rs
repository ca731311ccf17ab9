//! Commands: lines that begin with one slash. Scrolling the help.

use std::collections::BTreeSet;

use super::{App, Dialog, Screen};
use crate::effect::Effect;
use crate::keymap::Action;
use crate::lang::Phrase;
use crate::layout::HelpPage;
use crate::line_editor::Edit;

/// The commands, for completion.
pub(crate) const COMMANDS: [&str; 11] = [
    "/accounts",
    "/copy",
    "/export",
    "/help",
    "/mouse",
    "/quit",
    "/reconnect",
    "/register",
    "/search",
    "/share",
    "/who",
];

/// How many names `/who` lists.
const RECENT: usize = 20;

impl App {
    /// Carries out a command. An unknown one stays in the input line, with a hint.
    pub(crate) fn command(&mut self, command: &str) -> Vec<Effect> {
        let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let rest = rest.trim();
        let effects = match name.to_lowercase().as_str() {
            "help" => {
                self.dialog = Some(Dialog::Help { scroll: 0 });
                Vec::new()
            }
            "search" => self.open_search(rest),
            "accounts" => {
                self.open_accounts();
                Vec::new()
            }
            "register" => {
                self.open_registration();
                Vec::new()
            }
            "export" => vec![Effect::Export((!rest.is_empty()).then(|| rest.to_owned()))],
            "copy" => self.copy(rest),
            "mouse" => self.switch_mouse(),
            "reconnect" => vec![Effect::RetryNow],
            "share" => vec![Effect::HowToJoin],
            "who" => {
                let text = self.text(Phrase::Who(&self.recent_names(RECENT)));
                self.notice(&text, false);
                Vec::new()
            }
            "quit" | "exit" => self.ask_to_quit(),
            "nick" => {
                self.hint(Phrase::NoNicknameCommand, true);
                return Vec::new();
            }
            _ => {
                self.hint(Phrase::UnknownCommand(name), true);
                return Vec::new();
            }
        };
        self.chat.input.take();
        effects
    }

    /// Lets the program have the mouse, whose wheel then scrolls, or leaves it to the terminal, which selects text.
    pub(super) fn switch_mouse(&mut self) -> Vec<Effect> {
        self.mouse = !self.mouse;
        self.hint(Phrase::Mouse(self.mouse), false);
        vec![Effect::Mouse(self.mouse)]
    }

    /// The other users who wrote last, the latest first.
    pub(crate) fn recent_names(&self, most: usize) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let messages = self.chat.timeline.newest_first().filter_map(|entry| entry.as_message());
        let others = messages.filter(|message| !message.own).filter_map(|message| message.sender.as_deref());
        others.filter(|name| seen.insert(*name)).take(most).map(str::to_owned).collect()
    }

    /// Copies the last message, or the one with this number from the end.
    fn copy(&mut self, number: &str) -> Vec<Effect> {
        let number = if number.is_empty() { Ok(1) } else { number.parse::<usize>() };
        let messages = || self.chat.timeline.newest_first().filter_map(|entry| entry.as_message());
        let wanted = number.ok().and_then(|number| messages().nth(number.checked_sub(1)?));
        let text = wanted.map(|message| message.text.clone());
        match text {
            Some(text) => vec![Effect::Copy(text)],
            None => {
                self.hint(Phrase::NothingToCopy, true);
                Vec::new()
            }
        }
    }

    pub(super) fn act_in_help(&mut self, action: &Action) -> Vec<Effect> {
        let layout = HelpPage::new(self.lang, self.width, self.height);
        let page = layout.body();
        let Some(Dialog::Help { scroll }) = &mut self.dialog else { return Vec::new() };
        match action {
            Action::ScrollUp | Action::Edit(Edit::Up) => *scroll = scroll.saturating_sub(1),
            Action::ScrollDown | Action::Edit(Edit::Down) => *scroll = scroll.saturating_add(1),
            Action::PageUp => *scroll = scroll.saturating_sub(page),
            Action::PageDown | Action::Type(' ') => *scroll = scroll.saturating_add(page),
            // A letter is not lost: it belongs to the input line.
            Action::Type(letter) => {
                let typed = Action::Type(*letter);
                self.dialog = None;
                return if self.screen == Screen::Accounts { Vec::new() } else { self.act(typed) };
            }
            _ => self.dialog = None,
        }
        if let Some(Dialog::Help { scroll }) = &mut self.dialog {
            *scroll = (*scroll).min(layout.last());
        }
        Vec::new()
    }
}
