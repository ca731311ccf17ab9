//! Draws the registration screen: one field and one button, then the new account.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::page::{self, PageFrame};
use crate::app::{App, Focus, RegistrationStep};
use crate::areas;
use crate::event::Registered;
use crate::lang::Phrase;
use crate::theme::Role;
use crate::timeline::clean_name;
use crate::width::text_width;

/// Draws the screen. Returns the position of the cursor.
pub(super) fn draw(app: &App, area: Rect, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let title = app.text(Phrase::RegistrationTitle);
    match &app.registration.step {
        RegistrationStep::Done(registered) => {
            let nickname = clean_name(registered.known.account.nickname.as_str());
            let heading = app.text(Phrase::YouAre(&nickname));
            let needed = done_rows(app, registered, page::inner_width(area), canvas);
            let keys = app.text(Phrase::RegisteredKeys);
            // On the smallest screens the name alone.
            let forms = format!("{heading}\n{nickname}");
            let page = page::draw(app, (&title, &forms), &keys, (area, needed), canvas);
            done(app, registered, &heading, page, canvas);
            None
        }
        _ => {
            let heading = app.text(Phrase::ChooseNickname);
            let keys = app.text(Phrase::RegistrationKeys { back: app.has_way_back() });
            let needed = form_rows(app, page::inner_width(area), canvas);
            let page = page::draw(app, (&title, &heading), &keys, (area, needed), canvas);
            form(app, &heading, page, canvas)
        }
    }
}

/// Returns how many rows the whole form takes on a large screen.
fn form_rows(app: &App, width: u16, canvas: &Canvas<'_>) -> u16 {
    let state = match &app.registration.step {
        RegistrationStep::Refused(why) => canvas.rows_of(&refusal(why), width),
        _ => 1,
    };
    // The heading, a blank row, the field; then a blank row before the button.
    3 + state + canvas.rows_of(&app.text(Phrase::NicknameRules), width) + 2
}

fn refusal(why: &str) -> String {
    format!("! {}", chat_client::display::clean_for_terminal(why))
}

fn form(app: &App, heading: &str, page: PageFrame, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let PageFrame { inner: area, roomy } = page;
    let mut y = area.y;
    if roomy {
        canvas.text(area.x, y, area.width, heading, Role::Title);
        y += 2;
    }
    let cursor = field(app, Rect { y, height: 1, ..area }, canvas);
    y += 1;
    match &app.registration.step {
        RegistrationStep::Refused(why) => {
            let below = canvas.paragraph(area, y, &refusal(why), Role::Error);
            if !roomy {
                // Enter in the field registers too.
                return cursor;
            }
            y = below;
        }
        RegistrationStep::Asked => {
            canvas.text(area.x, y, area.width, &app.text(Phrase::Registering), Role::Notice);
            y += 1;
        }
        _ if roomy => y += 1,
        _ => {}
    }
    let rules = app.text(Phrase::NicknameRules);
    if roomy {
        y = canvas.paragraph(area, y, &rules, Role::Dim) + 1;
    }
    button(app, Phrase::Register, Focus::Register, Rect { y, height: 1, ..area }, canvas);
    y += 1;
    if roomy {
        notes(app, area, y + 1, canvas);
    } else if app.registration.notes.iter().any(|(_, error)| *error) {
        notes(app, area, y, canvas);
    } else {
        let y = canvas.paragraph(area, y, &app.text(Phrase::ShortNicknameRules), Role::Dim);
        notes(app, area, y, canvas);
    }
    cursor
}

fn field(app: &App, area: Rect, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let registration = &app.registration;
    let x = canvas.text(area.x, area.y, area.width, areas::PROMPT, Role::Key);
    let room = area.right().saturating_sub(x).clamp(1, 40);
    canvas.fill(Rect { x, width: room.min(area.right().saturating_sub(x)), ..area }, Role::Field);
    let (rows, (row, column)) = registration.field.rows(room);
    if let Some(text) = rows.get(row) {
        canvas.text(x, area.y, room, text, Role::Field);
    }
    (registration.focus == Focus::Nickname).then_some((x + column, area.y))
}

/// Draws notices about the room and the files, errors first.
fn notes(app: &App, area: Rect, y: u16, canvas: &mut Canvas<'_>) {
    let mut y = y;
    for wanted in [true, false] {
        for (text, _) in app.registration.notes.iter().filter(|(_, error)| *error == wanted) {
            let text = chat_client::display::clean_for_terminal(text);
            y = canvas.paragraph(area, y, &text, if wanted { Role::Error } else { Role::Dim });
        }
    }
}

/// Returns how many rows the new account and the choices take on a large screen.
fn done_rows(app: &App, registered: &Registered, width: u16, canvas: &Canvas<'_>) -> u16 {
    let rows = explanations(app, registered).into_iter().map(|(text, _)| canvas.rows_of(&text, width));
    // The heading and a blank row; then the token between blank rows, and two buttons.
    2 + rows.sum::<u16>() + 5
}

/// Returns what has become of the name, and where the account is.
fn explanations(app: &App, registered: &Registered) -> Vec<(String, Role)> {
    let Registered { known, saved } = registered;
    let asked = known.asked.as_deref().filter(|asked| *asked != known.account.nickname.as_str());
    let changed = asked.map(|asked| (app.text(Phrase::NicknameChanged(&clean_name(asked))), Role::Dim));
    let place = match saved {
        Ok(path) => (app.text(Phrase::AccountIn(path)), Role::Dim),
        Err(error) => (app.text(Phrase::NotSaved(error)), Role::Error),
    };
    changed.into_iter().chain([place]).collect()
}

fn done(app: &App, registered: &Registered, heading: &str, page: PageFrame, canvas: &mut Canvas<'_>) {
    let PageFrame { inner: area, roomy } = page;
    let account = &registered.known.account;
    let mut y = area.y;
    if roomy {
        canvas.text(area.x, y, area.width, heading, Role::Title);
        y += 2;
        for (text, role) in explanations(app, registered) {
            y = canvas.paragraph(area, y, &text, role);
        }
        let token = clean_name(account.token.expose());
        let hidden = "•".repeat(usize::from(text_width(&token)).min(12));
        let x = canvas.text(area.x, y + 1, area.width, &format!("{}: ", app.text(Phrase::YourToken)), Role::Dim);
        let shown = if app.registration.revealed { &token } else { &hidden };
        canvas.text(x, y + 1, area.right().saturating_sub(x), shown, Role::Text);
        y += 3;
    }
    button(app, Phrase::EnterChat, Focus::EnterChat, Rect { y, height: 1, ..area }, canvas);
    button(app, Phrase::Again, Focus::Again, Rect { y: y + 1, height: 1, ..area }, canvas);
    y += 2;
    if roomy {
        notes(app, area, y + 1, canvas);
        return;
    }
    // On a small screen the choices come first.
    match &registered.saved {
        Err(error) => canvas.paragraph(area, y, &app.text(Phrase::NotSaved(error)), Role::Error),
        Ok(_) if app.registration.revealed => {
            canvas.paragraph(area, y, &clean_name(account.token.expose()), Role::Text)
        }
        Ok(_) => canvas.paragraph(area, y, &app.text(Phrase::TokenKeys), Role::Dim),
    };
}

fn button(app: &App, label: Phrase<'_>, focus: Focus, area: Rect, canvas: &mut Canvas<'_>) {
    if area.y >= canvas.bottom() {
        return;
    }
    let focused = app.registration.focus == focus;
    // The only button is what Enter activates, also from the field.
    let marked = focused || focus == Focus::Register;
    let role = if focused { Role::Selected } else { Role::Text };
    let x = canvas.text(area.x, area.y, area.width, if marked { "▸ " } else { "  " }, Role::Key);
    canvas.form(x, area.y, area.right().saturating_sub(x), &app.text(label), role);
}
