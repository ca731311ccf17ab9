//! Pastes: a short line goes into the input line, anything longer is shown before it is sent.

use chat_client::Text;

use super::{App, Dialog, PastePreview, Screen};
use crate::effect::Effect;
use crate::keymap::Action;
use crate::lang::Phrase;
use crate::layout::choice_rows;
use crate::line_editor::Edit;

/// A single line of up to this many characters is inserted without a question, because the input line shows it whole.
const SHORT: usize = 400;

/// The most messages of one paste; more would only be refused by a rate limit.
pub(crate) const MAX_MESSAGES: usize = 200;

impl App {
    pub(super) fn paste(&mut self, text: &str) -> Vec<Effect> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        if let Some(Dialog::Search(search)) = &mut self.dialog {
            search.input.apply(Edit::Insert(text.lines().next().unwrap_or("").to_owned()));
            return self.start_search();
        }
        if let Some(Dialog::Paste(paste)) = &mut self.dialog {
            paste.append(&text);
            self.hint = None;
            return Vec::new();
        }
        if matches!(self.dialog, Some(Dialog::Help { .. })) {
            self.dialog = None;
        }
        match (&self.dialog, self.screen) {
            (None, Screen::Registration) => self.registration.paste(&text),
            (None, Screen::Chat) => {
                self.chat.selected = None;
                let line = text.strip_suffix('\n').unwrap_or(&text);
                if line.contains('\n') || line.chars().count() > SHORT {
                    self.ask(Dialog::Paste(PastePreview::new(text)));
                } else if !self.chat.input.apply(Edit::Insert(line.to_owned())) {
                    self.hint(Phrase::InputFull, true);
                }
            }
            // It cannot be shown now, so it is shown later.
            _ => self.kept_paste.push_str(&text),
        }
        Vec::new()
    }

    /// Shows a paste that could not be shown before.
    pub(super) fn show_kept_paste(&mut self) {
        if self.screen == Screen::Chat && self.dialog.is_none() && !self.kept_paste.is_empty() {
            let text = std::mem::take(&mut self.kept_paste);
            self.paste(&text);
        }
    }

    pub(super) fn act_on_paste(&mut self, action: Action) -> Vec<Effect> {
        const CHOICES: usize = 4;
        let Some(Dialog::Paste(paste)) = &mut self.dialog else { return Vec::new() };
        match action {
            Action::Edit(Edit::Up | Edit::Left) | Action::Previous => paste.choice = paste.choice.saturating_sub(1),
            Action::Edit(Edit::Down | Edit::Right) | Action::Next => paste.choice = (paste.choice + 1).min(CHOICES - 1),
            Action::Type(digit @ '1'..='4') => {
                let digit = usize::try_from(digit.to_digit(10).unwrap_or(1)).unwrap_or(1);
                return self.decide_on_paste(digit - 1);
            }
            Action::Submit => {
                let choice = paste.choice;
                return self.decide_on_paste(choice);
            }
            Action::Cancel | Action::Interrupt => self.dialog = None,
            _ => {}
        }
        Vec::new()
    }

    /// Returns the choices, with their numbers.
    pub(crate) fn paste_choices(&self, messages: usize) -> Vec<String> {
        let texts = [Phrase::PasteAsOne, Phrase::PasteAsMany(messages), Phrase::PasteEdit, Phrase::PasteCancel];
        texts.iter().zip(1..).map(|(text, number)| format!("{number} {}", self.text(*text))).collect()
    }

    /// Returns how many rows the question takes: its title, lines on up to half of the screen, the choices, the keys.
    pub(super) fn paste_rows(&self, paste: &PastePreview) -> u16 {
        let choices = choice_rows(&self.paste_choices(paste.messages), self.width).len();
        let lines = u16::try_from(paste.lines).unwrap_or(u16::MAX).min((self.height / 2).max(1));
        lines.saturating_add(2 + u16::try_from(choices).unwrap_or(0))
    }

    /// Carries out the choice: one message, one message per line, into the input line, or nothing.
    fn decide_on_paste(&mut self, choice: usize) -> Vec<Effect> {
        let Some(Dialog::Paste(paste)) = self.dialog.take() else { return Vec::new() };
        match choice {
            0 => match self.send(paste.text.clone()) {
                Ok(effects) => return effects,
                // Too long: the choice stays open and shows the reason.
                Err(_) => self.dialog = Some(Dialog::Paste(paste)),
            },
            1 if paste.messages > MAX_MESSAGES => {
                self.hint(Phrase::TooManyMessages(paste.messages), true);
                self.dialog = Some(Dialog::Paste(paste));
            }
            1 => {
                let lines = || paste.text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
                // All lines or none, because a line missing in the middle would hardly be noticed.
                if let Some((number, error)) =
                    lines().find_map(|(number, line)| Text::new(line).err().map(|error| (number + 1, error)))
                {
                    self.hint(Phrase::LineDoesNotFit { number, error: &error }, true);
                    self.dialog = Some(Dialog::Paste(paste));
                    return Vec::new();
                }
                let lines = lines().map(|(_, line)| line);
                let mut effects: Vec<_> = lines.filter_map(|line| self.queue(line.to_owned()).ok()).collect();
                effects.extend(self.end_countdown());
                return effects;
            }
            2 if !self.chat.input.apply(Edit::Insert(paste.text)) => self.hint(Phrase::InputFull, true),
            _ => {}
        }
        Vec::new()
    }
}
