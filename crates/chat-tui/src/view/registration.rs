//! Draws the registration screen.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use crate::app::{App, Focus, RegistrationStep};
use crate::areas;
use crate::event::Registered;
use crate::lang::Phrase;
use crate::theme::Role;
use crate::timeline::clean_name;
use crate::width::text_width;

/// Draws the screen. Returns the position of the cursor.
pub(super) fn draw(app: &App, area: Rect, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let title = format!("{} · {}", app.text(Phrase::RegistrationTitle), app.place);
    let inner = canvas.window(areas::dialog(area.width, area.height), &title);
    let keys = match app.registration.step {
        RegistrationStep::Done(_) => Phrase::RegisteredKeys,
        _ => Phrase::RegistrationKeys,
    };
    let roomy = inner.height >= 10;
    let bottom = inner.bottom().saturating_sub(1);
    if inner.height > 5 {
        canvas.text(inner.x, bottom, inner.width, &app.text(keys), Role::Dim);
    }
    let y = inner.y + u16::from(roomy);
    let (y, cursor) = match &app.registration.step {
        RegistrationStep::Done(registered) => (done(app, registered, inner, y, roomy, canvas), None),
        _ => form(app, inner, y, roomy, canvas),
    };
    let mut y = y + u16::from(roomy);
    if let Some(hint) = &app.hint {
        y = canvas.paragraph(Rect { height: bottom.saturating_sub(inner.y), ..inner }, y, &hint.text, Role::Notice);
    }
    let notes = Rect { height: bottom.saturating_sub(inner.y), ..inner };
    for (text, error) in &app.registration.notes {
        let text = chat_client::display::clean_for_terminal(text);
        y = canvas.paragraph(notes, y, &text, if *error { Role::Error } else { Role::Dim });
    }
    cursor
}

fn form(app: &App, area: Rect, y: u16, roomy: bool, canvas: &mut Canvas<'_>) -> (u16, Option<(u16, u16)>) {
    let registration = &app.registration;
    let label = format!("{}: ", app.text(Phrase::NicknameLabel));
    let x = canvas.text(area.x, y, area.width, &label, Role::Title);
    let room = area.right().saturating_sub(x).clamp(1, 40);
    canvas.fill(Rect::new(x, y, room.min(area.right().saturating_sub(x)), 1), Role::Field);
    let (rows, (row, column)) = registration.field.rows(room);
    if registration.field.is_empty() {
        canvas.text(x, y, room, &app.text(Phrase::NicknamePlaceholder), Role::Dim);
    } else if let Some(text) = rows.get(row) {
        canvas.text(x, y, room, text, Role::Field);
    }
    let cursor = (registration.focus == Focus::Nickname).then_some((x + column, y));
    let mut y = y + 1;
    match &registration.step {
        RegistrationStep::Refused(why) => {
            let why = format!("! {}", chat_client::display::clean_for_terminal(why));
            y = canvas.paragraph(area, y, &why, Role::Error);
        }
        RegistrationStep::Asked => {
            canvas.text(area.x, y, area.width, &app.text(Phrase::Registering), Role::Notice);
            y += 1;
        }
        _ if roomy => y = canvas.paragraph(area, y, &app.text(Phrase::NicknameRules), Role::Dim) + 1,
        _ => {}
    }
    button(app, Phrase::Register, Focus::Register, true, Rect { y, height: 1, ..area }, canvas);
    // Shown from the start, so that the user sees the next step; it works once there is an account.
    button(app, Phrase::EnterChat, Focus::EnterChat, false, Rect { y: y + 1, height: 1, ..area }, canvas);
    (y + 2, cursor)
}

fn done(app: &App, registered: &Registered, area: Rect, y: u16, roomy: bool, canvas: &mut Canvas<'_>) -> u16 {
    let account = &registered.known.account;
    let x = canvas.text(area.x, y, area.width, &format!("{}: ", app.text(Phrase::YourNickname)), Role::Title);
    canvas.text(x, y, area.right().saturating_sub(x), &clean_name(account.nickname.as_str()), Role::Good);
    let x = canvas.text(area.x, y + 1, area.width, &format!("{}: ", app.text(Phrase::YourToken)), Role::Title);
    let token = clean_name(account.token.expose());
    let token = if app.registration.revealed { token } else { "•".repeat(usize::from(text_width(&token)).min(12)) };
    canvas.text(x, y + 1, area.right().saturating_sub(x), &token, Role::Text);
    let place = |y: u16, canvas: &mut Canvas<'_>| match &registered.saved {
        Ok(path) => canvas.paragraph(area, y, &app.text(Phrase::SavedIn(path)), Role::Dim),
        Err(error) => canvas.paragraph(area, y, &app.text(Phrase::NotSaved(error)), Role::Error),
    };
    let y = if roomy {
        let mut y = place(y + 2, canvas);
        if let Some(asked) = registered.known.asked.as_deref().filter(|asked| *asked != account.nickname.as_str()) {
            let (asked, given) = (clean_name(asked), clean_name(account.nickname.as_str()));
            y = canvas.paragraph(
                area,
                y,
                &app.text(Phrase::NicknameChanged { asked: &asked, given: &given }),
                Role::Dim,
            );
        }
        y + 1
    } else {
        y + 2
    };
    button(app, Phrase::EnterChat, Focus::EnterChat, true, Rect { y, height: 1, ..area }, canvas);
    button(app, Phrase::Again, Focus::Again, true, Rect { y: y + 1, height: 1, ..area }, canvas);
    // On a small screen the choices come first.
    if roomy { y + 2 } else { place(y + 2, canvas) }
}

fn button(app: &App, label: Phrase<'_>, focus: Focus, enabled: bool, area: Rect, canvas: &mut Canvas<'_>) {
    let chosen = enabled && app.registration.focus == focus;
    let text = app.text(label);
    let (text, role) = match (enabled, chosen) {
        (false, _) => (format!("  ({text})"), Role::Dim),
        (true, true) => (format!("▸ [{text}]"), Role::Selected),
        (true, false) => (format!("  [{text}]"), Role::Text),
    };
    canvas.text(area.x, area.y, area.width, &text, role);
}
