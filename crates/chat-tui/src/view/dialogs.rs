//! Draws the dialogs: help, a wrong token, quitting, a paste.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use crate::app::{App, PastePreview};
use crate::lang::Phrase;
use crate::theme::Role;
use crate::{areas, layout};

/// Draws the keys and commands.
pub(super) fn help(app: &App, scroll: u16, area: Rect, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let inner = canvas.window(areas::dialog(area.width, area.height), &app.text(Phrase::HelpTitle));
    let text = Rect { height: inner.height.saturating_sub(1), ..inner };
    let rows = layout::help_rows(app.lang, text.width);
    for (y, row) in (text.y..text.bottom()).zip(rows.iter().skip(usize::from(scroll))) {
        canvas.row(text.x, y, text.width, row);
    }
    canvas.text(inner.x, inner.bottom().saturating_sub(1), inner.width, &app.text(Phrase::HelpKeys), Role::Dim);
    None
}

/// Draws the dialog about an unknown token.
pub(super) fn wrong_token(app: &App, choice: usize, area: Rect, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let inner = canvas.window(middle(area, 60, 10), &app.text(Phrase::WrongTokenTitle));
    let choices = [app.text(Phrase::OtherAccount), app.text(Phrase::NewAccount), app.text(Phrase::Leave)];
    // On a small screen the choices matter more than the explanation.
    let text = Rect { height: inner.height.saturating_sub(4), ..inner };
    canvas.paragraph(text, text.y, &app.text(Phrase::WrongToken), Role::Error);
    let first = inner.bottom().saturating_sub(4).max(inner.y);
    list(&choices, choice, Rect { y: first, height: inner.bottom().saturating_sub(first), ..inner }, canvas);
    canvas.text(inner.x, inner.bottom().saturating_sub(1), inner.width, &app.text(Phrase::ChoiceKeys), Role::Dim);
    None
}

/// Returns whether to quit although others are connected to the room of this program.
pub(super) fn leave(app: &App, choice: usize, area: Rect, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let inner = canvas.window(middle(area, 60, 10), &app.text(Phrase::LeaveTitle));
    let choices = [app.text(Phrase::Stay), app.text(Phrase::Leave)];
    let text = Rect { height: inner.height.saturating_sub(3), ..inner };
    canvas.paragraph(text, text.y, &app.text(Phrase::LeaveOthers(app.guests())), Role::Text);
    let first = inner.bottom().saturating_sub(3).max(inner.y);
    list(&choices, choice, Rect { y: first, height: inner.bottom().saturating_sub(first), ..inner }, canvas);
    canvas.text(inner.x, inner.bottom().saturating_sub(1), inner.width, &app.text(Phrase::ChoiceKeys), Role::Dim);
    None
}

/// Draws the paste and the choices.
pub(super) fn paste(app: &App, paste: &PastePreview, area: Rect, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let title = app.text(Phrase::PasteTitle { lines: paste.lines, bytes: paste.bytes });
    let inner = canvas.window(areas::dialog(area.width, area.height), &title);
    let choices = [
        app.text(Phrase::PasteAsOne),
        app.text(Phrase::PasteAsMany(paste.messages)),
        app.text(Phrase::PasteEdit),
        app.text(Phrase::PasteCancel),
    ];
    let first = inner.bottom().saturating_sub(5).max(inner.y);
    list(&choices, paste.choice, Rect { y: first, height: inner.bottom().saturating_sub(first), ..inner }, canvas);
    let bottom = inner.bottom().saturating_sub(1);
    match &app.hint {
        Some(hint) => canvas.text(inner.x, bottom, inner.width, &format!("! {}", hint.text), Role::Error),
        None => canvas.text(inner.x, bottom, inner.width, &app.text(Phrase::ChoiceKeys), Role::Dim),
    };
    let room = usize::from(first.saturating_sub(inner.y));
    let shown = if paste.lines > room { room.saturating_sub(1) } else { room };
    for (y, line) in (inner.y..first).zip(paste.text.lines().take(shown)) {
        let line = chat_client::display::clean_for_terminal(line);
        canvas.text(inner.x, y, inner.width, &format!("│ {line}"), Role::Text);
    }
    if paste.lines > shown && room > 0 {
        canvas.text(inner.x, first - 1, inner.width, &app.text(Phrase::MoreLines(paste.lines - shown)), Role::Dim);
    }
    None
}

fn list(choices: &[String], chosen: usize, area: Rect, canvas: &mut Canvas<'_>) {
    for (y, (number, text)) in (area.y..area.bottom()).zip(choices.iter().enumerate()) {
        canvas.choice(area, y, &format!("{} {text}", number + 1), number == chosen);
    }
}

fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect::new((area.width - width) / 2, (area.height - height) / 2, width, height)
}
