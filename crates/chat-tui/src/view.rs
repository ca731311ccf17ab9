//! Draws the application.

mod accounts;
mod canvas;
mod chat;
mod dialogs;
mod help;
mod page;
mod paste;
mod registration;
mod search;
mod status;
#[cfg(test)]
mod tests;

use canvas::Canvas;

use crate::app::{App, Dialog, Screen};
use crate::drawing::Drawing;
use crate::lang::Phrase;
use crate::theme::{Role, Theme};

/// Draws everything on a screen of this size.
#[cfg(test)]
pub(crate) fn draw(app: &App, theme: Theme, width: u16, height: u16) -> Drawing {
    let mut drawing = Drawing::new(width, height);
    draw_on(&mut drawing, app, theme);
    drawing
}

/// Draws everything on an empty screen.
pub(crate) fn draw_on(drawing: &mut Drawing, app: &App, theme: Theme) {
    let area = drawing.buffer.area;
    let mut canvas = Canvas::new(drawing, theme);
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
            Dialog::Search(search) => search::draw(app, search, app.chat_areas().input, &mut canvas),
            other => {
                match other {
                    Dialog::Help { scroll } => help::draw(app, *scroll, area, &mut canvas),
                    Dialog::WrongToken { choice } => dialogs::wrong_token(app, *choice, area, &mut canvas),
                    Dialog::Leave { choice } => dialogs::leave(app, *choice, area, &mut canvas),
                    Dialog::Paste(paste) => paste::draw(app, paste, app.chat_areas().input, &mut canvas),
                    Dialog::Search(_) => {}
                }
                None
            }
        };
    }
    drawing.cursor = cursor.filter(|place| area.contains((*place).into()));
}
