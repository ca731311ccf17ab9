//! The screen: draws the application as it is. It changes nothing and decides nothing.

mod accounts;
mod canvas;
mod chat;
mod dialogs;
mod registration;
mod search;
mod status;
#[cfg(test)]
mod tests;

use canvas::Canvas;
use ratatui::Frame;

use crate::app::{App, Dialog, Screen};
use crate::lang::Phrase;
use crate::theme::{Role, Theme};

/// Draws everything.
pub(crate) fn draw(app: &App, theme: Theme, frame: &mut Frame<'_>) {
    let area = frame.area();
    let mut canvas = Canvas::new(frame.buffer_mut(), theme);
    let mut cursor = match app.screen {
        Screen::Starting => {
            canvas.text(area.x, area.y, area.width, &app.text(Phrase::Starting), Role::Dim);
            None
        }
        Screen::Registration => registration::draw(app, area, &mut canvas),
        Screen::Accounts => {
            accounts::draw(app, area, &mut canvas);
            None
        }
        Screen::Chat => chat::draw(app, &mut canvas),
    };
    if let Some(dialog) = &app.dialog {
        cursor = match dialog {
            Dialog::Help { scroll } => dialogs::help(app, *scroll, area, &mut canvas),
            Dialog::WrongToken { choice } => dialogs::wrong_token(app, *choice, area, &mut canvas),
            Dialog::Paste(paste) => dialogs::paste(app, paste, area, &mut canvas),
            Dialog::Search(search) => search::draw(app, search, area, &mut canvas),
        };
    }
    if let Some(place) = cursor.filter(|place| area.contains((*place).into())) {
        frame.set_cursor_position(place);
    }
}
