//! The chat screen: typing, sending, scrolling, and deciding about undelivered messages.

use chat_client::{DeliveryState, PostId, Text, TextError};

use super::commands::COMMANDS;
use super::{App, Dialog, Screen};
use crate::areas;
use crate::effect::Effect;
use crate::keymap::Action;
use crate::lang::Phrase;
use crate::layout::ConversationLayout;
use crate::line_editor::Edit;
use crate::timeline::{PendingMessage, Timeline};

/// How many messages may wait, as many as the writer accepts. Beyond that a typed message stays in the input line.
const MAX_WAITING: usize = 1024;

impl App {
    /// Returns the parts of the chat screen at its current size.
    pub(crate) fn chat_areas(&self) -> areas::ChatAreas {
        match &self.dialog {
            // A drawer covers no message: the conversation is above it.
            Some(Dialog::Search(search)) => areas::with_drawer(self.width, self.height, search.rows(self.height)),
            Some(Dialog::Paste(paste)) => areas::with_drawer(self.width, self.height, self.paste_rows(paste)),
            _ => {
                let rows = self.chat.input.rows(areas::input_width(self.width)).0.len();
                areas::chat(self.width, self.height, u16::try_from(rows).unwrap_or(u16::MAX))
            }
        }
    }

    pub(super) fn act_in_chat(&mut self, action: Action) -> Vec<Effect> {
        if let Some(selection) = self.chat.selected.clone() {
            return self.act_on_selection(&selection, action);
        }
        self.hint = None;
        if std::mem::take(&mut self.prefix) && action == Action::Edit(Edit::End) {
            return vec![Effect::EditExternally(self.chat.input.text().to_owned())];
        }
        match action {
            Action::Type(letter) => self.edit(Edit::Insert(letter.to_string())),
            Action::NewLine => self.edit(Edit::Insert("\n".to_owned())),
            Action::Edit(edit) => self.edit(edit),
            Action::EndOrDelete if !self.chat.input.is_empty() => self.edit(Edit::Delete),
            Action::Interrupt if !self.chat.input.is_empty() => {
                self.chat.input.clear();
                self.chat.editing = None;
            }
            Action::Interrupt | Action::EndOrDelete => return self.ask_to_quit(),
            Action::Submit => return self.submit(),
            Action::Next => return self.complete(false),
            Action::Previous => return self.complete(true),
            Action::ScrollUp => self.scroll(-1),
            Action::ScrollDown => self.scroll(1),
            Action::PageUp => self.scroll(-self.page()),
            Action::PageDown => self.scroll(self.page()),
            Action::Top => self.scroll_to_top(),
            Action::Bottom | Action::Cancel => self.chat.timeline.go_to_end(),
            Action::ScrollBy(rows) => self.scroll(isize::from(rows)),
            Action::SearchOrForward if !self.chat.input.is_empty() => self.edit(Edit::Right),
            Action::Search | Action::SearchOrForward => return self.open_search(""),
            Action::Unread => self.go_to_unread(),
            Action::PreviousMention => self.go_to_mention(true),
            Action::NextMention => self.go_to_mention(false),
            Action::BareView => return self.open_bare_view(),
            Action::Prefix => self.prefix = true,
            Action::RetryNow => return vec![Effect::RetryNow],
            Action::Mouse => return self.switch_mouse(),
            Action::Select => self.select_message(),
            _ => {}
        }
        Vec::new()
    }

    /// Sends `text` as one message, and ends a countdown. On an error, shows it and returns the text.
    pub(crate) fn send(&mut self, text: String) -> Result<Vec<Effect>, String> {
        let queued = self.queue(text)?;
        Ok(std::iter::once(queued).chain(self.end_countdown()).collect())
    }

    /// Returns the effect that connects at once, if a connection waits for its next attempt.
    pub(super) fn end_countdown(&self) -> Option<Effect> {
        self.links.counts_down().then_some(Effect::RetryNow)
    }

    /// Does what [`App::send`] does, without ending a countdown.
    pub(super) fn queue(&mut self, text: String) -> Result<Effect, String> {
        match Text::new(&text) {
            Ok(text) => {
                let id = self.chat.ids.next();
                let own = PendingMessage::new(id.clone(), text.clone(), self.local(self.now));
                self.chat.timeline.outgoing.add(own);
                self.chat.timeline.go_to_end();
                Ok(Effect::Send { id, text })
            }
            Err(error) => {
                if error != TextError::Blank {
                    self.hint(Phrase::TextError(&error), true);
                }
                Err(text)
            }
        }
    }

    fn submit(&mut self) -> Vec<Effect> {
        let typed = self.chat.input.text().to_owned();
        if typed.trim().is_empty() {
            return Vec::new();
        }
        if let Some(command) = typed.strip_prefix('/') {
            match command.strip_prefix('/') {
                // `//` is an escape: one slash is removed, the rest is text.
                Some(_) => return self.send_typed(command.to_owned()),
                None => return self.command(command),
            }
        }
        self.send_typed(typed)
    }

    fn send_typed(&mut self, text: String) -> Vec<Effect> {
        let waiting = self.chat.timeline.outgoing.waiting();
        if waiting >= MAX_WAITING {
            self.hint(Phrase::Waiting(waiting), true);
            return Vec::new();
        }
        match self.send(text) {
            Ok(mut effects) => {
                self.chat.input.take();
                // Only now has the old message a replacement.
                if let Some(old) = self.chat.editing.take() {
                    effects.extend(self.discard(&old));
                }
                effects
            }
            Err(_) => Vec::new(),
        }
    }

    fn edit(&mut self, edit: Edit) {
        let turns = matches!(edit, Edit::Up | Edit::Down);
        let before = if turns { self.chat.input.text().to_owned() } else { String::new() };
        self.apply(edit);
        if self.chat.input.is_empty() || (turns && self.chat.input.text() != before) {
            // The input line now contains another text.
            self.chat.editing = None;
        }
    }

    fn apply(&mut self, edit: Edit) {
        if !self.chat.input.apply(edit) {
            self.hint(Phrase::InputFull, true);
        }
    }

    /// Completes a command, a file name after `/export`, or a nickname. Several candidates are shown.
    fn complete(&mut self, backwards: bool) -> Vec<Effect> {
        const NAMES: usize = 200;
        let names = self.recent_names(NAMES);
        let input = &mut self.chat.input;
        if input.candidates().is_none()
            && let Some(path) = input.text().strip_prefix("/export ")
        {
            return vec![Effect::ListPaths(path.to_owned())];
        }
        if input.complete_command(&COMMANDS, backwards) || input.complete(names.iter().map(String::as_str), backwards) {
            self.show_candidates();
        } else {
            self.hint(Phrase::NothingToComplete, false);
        }
        Vec::new()
    }

    /// Takes the paths that begin as typed.
    pub(super) fn take_paths(&mut self, typed: &str, paths: Vec<String>) {
        if self.chat.input.complete_path(typed, paths) {
            self.show_candidates();
        } else {
            self.hint(Phrase::NothingToComplete, false);
        }
    }

    fn show_candidates(&mut self) {
        let shown = self.chat.input.candidates().map(|(all, chosen)| self.text(Phrase::Candidates { all, chosen }));
        if let Some(shown) = shown {
            self.hint(Phrase::AsIs(&shown), false);
        }
    }

    fn page(&self) -> isize {
        isize::try_from(self.chat_areas().messages.height.saturating_sub(1).max(1)).unwrap_or(1)
    }

    fn scroll(&mut self, rows: isize) {
        self.with_heights(|timeline, page, height| timeline.scroll(rows, page, height));
    }

    /// Scrolls the frontmost view without changing the typed text.
    pub(super) fn turn_wheel(&mut self, rows: i16) {
        let action = if rows < 0 { Action::ScrollUp } else { Action::ScrollDown };
        match &self.dialog {
            None if self.screen == Screen::Chat => self.scroll(isize::from(rows)),
            Some(Dialog::Help { .. }) => (0..rows.unsigned_abs()).for_each(|_| drop(self.act_in_help(&action))),
            Some(Dialog::Search(_)) => (0..rows.unsigned_abs()).for_each(|_| drop(self.act_in_search(action.clone()))),
            _ => {}
        }
    }

    /// Goes to the first unread message, and the next time back to where the reader was.
    fn go_to_unread(&mut self) {
        if let Some(place) = self.came_from.take() {
            return self.chat.timeline.go_back(place);
        }
        let before = self.chat.timeline.place();
        let mut found = false;
        self.with_heights(|timeline, page, height| found = timeline.go_to_unread(page, height));
        // The line that says how to come back may have taken a row.
        self.with_heights(|timeline, page, height| found &= timeline.go_to_unread(page, height));
        if found {
            self.came_from = Some(before);
        } else {
            self.hint(Phrase::NothingUnread, false);
        }
    }

    fn go_to_mention(&mut self, backwards: bool) {
        let mut found = false;
        self.with_heights(|timeline, page, height| found = timeline.go_to_mention(backwards, page, height));
        if !found {
            self.hint(Phrase::NoMention { backwards }, false);
        }
    }

    /// Shows what the last run has not read, if it does not fit a screen.
    pub(super) fn open_at_unread(&mut self) {
        self.with_heights(|timeline, page, height| timeline.open_at_unread(page, height));
        if !self.chat.timeline.follows() {
            // The line that says how to come back may have taken a row.
            self.with_heights(|timeline, page, height| {
                timeline.go_to_unread(page, height);
            });
        }
    }

    /// A page has arrived: goes to the unread message that it was requested for.
    pub(super) fn align_unread(&mut self) {
        if self.chat.timeline.aligns_unread() {
            self.with_heights(|timeline, page, height| {
                timeline.go_to_unread(page, height);
            });
        }
    }

    fn scroll_to_top(&mut self) {
        self.with_heights(|timeline, page, height| timeline.go_to_top(page, height));
    }

    pub(super) fn with_heights(&mut self, act: impl FnOnce(&mut Timeline, usize, &dyn Fn(&Timeline, i64) -> usize)) {
        let messages = self.chat_areas().messages;
        let (lang, now, nickname) = (self.lang, self.local(self.now), self.nickname());
        let (nickname, selected) = (nickname.as_deref(), self.chat.selected.clone());
        let height = |timeline: &Timeline, index: i64| {
            let selected = selected.as_ref();
            ConversationLayout { timeline, lang, width: messages.width, now, nickname, selected }.height(index)
        };
        act(&mut self.chat.timeline, usize::from(messages.height), &height);
    }

    /// Sends a message once more.
    pub(crate) fn resend(&mut self, id: &PostId) -> Vec<Effect> {
        let Some(own) = self.chat.timeline.outgoing.remove(id) else { return Vec::new() };
        let (text, may_be_delivered) = (own.text.clone(), own.state.may_be_delivered());
        let own =
            PendingMessage { state: DeliveryState::Queued, held: None, refused_until: None, earlier: false, ..own };
        self.chat.timeline.outgoing.add(own);
        vec![Effect::Resend { id: id.clone(), text, may_be_delivered, fresh: self.chat.ids.next() }]
    }

    pub(crate) fn discard(&mut self, id: &PostId) -> Vec<Effect> {
        self.chat.timeline.outgoing.remove(id);
        vec![Effect::Discard { id: id.clone() }]
    }
}
