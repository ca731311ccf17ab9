//! Dispatches events and actions to the part of the application that handles them.

use chat_frontend::local_room::RoomNotice;
use jiff::Timestamp;

use super::{App, Dialog, Screen};
use crate::effect::Effect;
use crate::event::{AppEvent, CopyResult, NoticeText};
use crate::keymap::{self, Action};
use crate::lang::Phrase;

impl App {
    /// Takes one message.
    pub(crate) fn update(&mut self, message: AppEvent, now: Timestamp) -> Vec<Effect> {
        self.now = now;
        self.expire_hint();
        let mut effects = self.take(message);
        self.show_kept_paste();
        if self.screen == Screen::Chat {
            effects.extend(self.chat.timeline.wanted().map(Effect::ReadPage));
        }
        effects
    }

    fn take(&mut self, message: AppEvent) -> Vec<Effect> {
        if matches!(message, AppEvent::Key(_) | AppEvent::Paste(_) | AppEvent::Wheel(_)) {
            self.opening = false;
            if std::mem::take(&mut self.bare) {
                self.last_key = self.now;
                self.note_presence();
                return vec![Effect::EndBareView];
            }
        }
        match message {
            AppEvent::Key(key) => {
                let Some(action) = keymap::action(key) else { return Vec::new() };
                self.last_key = self.now;
                self.note_presence();
                self.act(action)
            }
            AppEvent::Action(action) => self.act(action),
            AppEvent::Wheel(rows) => {
                self.turn_wheel(rows);
                Vec::new()
            }
            AppEvent::Paste(text) => {
                self.last_key = self.now;
                self.paste(&text)
            }
            AppEvent::Resize { width, height } => {
                (self.width, self.height) = (width, height);
                Vec::new()
            }
            AppEvent::Focus(focused) => {
                self.focused = focused;
                self.note_presence();
                self.remember_reading()
            }
            AppEvent::Tick => self.search_if_due(),
            AppEvent::Accounts(accounts) => self.take_accounts(accounts),
            AppEvent::Registered(result) => {
                let registered = result.clone().ok();
                if let Some(registered) = &registered {
                    self.accounts.add(registered.known.clone());
                }
                self.registration.take(result, self.lang);
                match registered {
                    Some(registered) if std::mem::take(&mut self.enters_when_registered) => self.enter_new(registered),
                    _ => Vec::new(),
                }
            }
            AppEvent::FoundAccount(known) => {
                self.enters_when_registered = false;
                self.accounts.add(known.clone());
                self.enter(known)
            }
            AppEvent::Entered(account) => self.entered(account),
            AppEvent::ReadTo(place) => {
                self.chat.timeline.set_read_to(place);
                self.remembered = place;
                Vec::new()
            }
            AppEvent::HistoryTakenOver(end) => {
                self.chat.timeline.note_end_of_file(end);
                Vec::new()
            }
            AppEvent::Link(side, state) => self.take_link(side, state),
            AppEvent::RoundTrip(time) => {
                self.links.round_trip = Some(time);
                Vec::new()
            }
            AppEvent::Incoming(heard) => self.take_incoming(heard),
            AppEvent::Own { id, state } => {
                self.take_own(&id, state);
                Vec::new()
            }
            AppEvent::NotSent { id, why } => {
                self.chat.timeline.outgoing.hold(&id, why);
                Vec::new()
            }
            AppEvent::Replaced { old, new } => {
                self.chat.timeline.outgoing.replace_id(&old, new);
                Vec::new()
            }
            AppEvent::Restored(restored) => {
                self.take_restored(restored);
                Vec::new()
            }
            AppEvent::Page(wanted, page) => {
                self.take_page(wanted, page);
                Vec::new()
            }
            AppEvent::Found { search, hits } => {
                self.take_found(search, hits);
                Vec::new()
            }
            AppEvent::Searched { search, percent } => {
                if let Some(Dialog::Search(open)) = &mut self.dialog {
                    open.progress(search, percent);
                }
                Vec::new()
            }
            AppEvent::SearchFailed { search, reason } => {
                if let Some(Dialog::Search(open)) = &mut self.dialog {
                    open.fail(search, reason);
                }
                Vec::new()
            }
            AppEvent::Paths { typed, paths } => {
                self.take_paths(&typed, paths);
                Vec::new()
            }
            AppEvent::Edited(result) => {
                match result {
                    Ok(text) => self.chat.input.replace(text.strip_suffix('\n').unwrap_or(&text)),
                    Err(error) => self.hint(Phrase::NotEdited(&error), true),
                }
                Vec::new()
            }
            AppEvent::Draft(text) => {
                if self.chat.input.is_empty() && !text.is_empty() {
                    self.chat.input.replace(&text);
                }
                Vec::new()
            }
            AppEvent::Guests(guests) => {
                self.guests = guests;
                Vec::new()
            }
            AppEvent::JoinWays(ways) => self.take_join_ways(&ways),
            AppEvent::Exported(result) => {
                let (text, error) = match &result {
                    Ok(path) => (self.text(Phrase::Exported(path)), false),
                    Err(error) => (self.text(Phrase::NotExported(error)), true),
                };
                self.notice(&text, error);
                Vec::new()
            }
            AppEvent::CannotSuspend => {
                self.hint(Phrase::CannotSuspend, true);
                Vec::new()
            }
            AppEvent::Copied(result) => {
                self.hint(Phrase::Copied(result), result == CopyResult::Blocked);
                Vec::new()
            }
            AppEvent::Notice { text, error } => self.take_news(&text, error),
            AppEvent::Quit => self.quit(),
        }
    }

    pub(super) fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Quit => return self.ask_to_quit(),
            Action::Redraw => return vec![Effect::Redraw],
            Action::Suspend => return vec![Effect::Suspend],
            _ => {}
        }
        match &self.dialog {
            Some(Dialog::Help { .. }) => self.act_in_help(&action),
            Some(Dialog::WrongToken { .. }) => self.act_on_wrong_token(action),
            Some(Dialog::Leave { .. }) => self.act_on_leave(&action),
            Some(Dialog::Paste(_)) => {
                let effects = self.act_on_paste(action);
                self.ask_what_waits();
                effects
            }
            Some(Dialog::Search(_)) => self.act_in_search(action),
            None => match self.screen {
                Screen::Starting => match action {
                    Action::Interrupt | Action::EndOrDelete => self.quit(),
                    _ => Vec::new(),
                },
                _ if action == Action::Help => {
                    self.accounts.removing = false;
                    self.dialog = Some(Dialog::Help { scroll: 0 });
                    Vec::new()
                }
                Screen::Registration => self.act_in_registration(action),
                Screen::Accounts => self.act_in_accounts(action),
                Screen::Chat => self.act_in_chat(action),
            },
        }
    }

    fn take_news(&mut self, news: &NoticeText, error: bool) -> Vec<Effect> {
        match news {
            NoticeText::LocalRoom(RoomNotice::Started(_) | RoomNotice::Joined) => self.local_room = true,
            NoticeText::LocalRoom(RoomNotice::Shared(address)) => self.shared_at = Some(address.command()),
            _ => {}
        }
        let text = self.text(Phrase::News(news));
        if self.screen == Screen::Chat {
            self.notice(&text, error);
        } else {
            self.registration.notes.push((text, error));
        }
        Vec::new()
    }
}
