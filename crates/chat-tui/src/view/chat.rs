//! Draws the chat screen: the conversation from its lower edge upwards, and the input line.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::status;
use crate::app::App;
use crate::areas;
use crate::lang::Phrase;
use crate::layout::ConversationLayout;
use crate::theme::Role;

/// Draws the screen. Returns the position of the cursor.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let parts = app.chat_areas();
    if let Some(title) = parts.title {
        let who = app.nickname().map_or(app.place.clone(), |nickname| format!("{nickname} · {}", app.place));
        canvas.text(title.x, title.y, title.width, &app.text(Phrase::WindowTitle(&who)), Role::Title);
    }
    conversation(app, parts.messages, canvas);
    if let Some(hint) = parts.hint {
        draw_hint(app, hint, canvas);
    }
    if let Some(trouble) = parts.trouble {
        status::trouble(app, trouble, canvas);
    }
    if let Some(line) = parts.status {
        status::line(app, line, canvas);
    }
    input(app, parts.input, canvas)
}

fn conversation(app: &App, area: Rect, canvas: &mut Canvas<'_>) {
    let timeline = &app.chat.timeline;
    if timeline.is_empty() {
        let y = canvas.paragraph(area, area.y, &app.text(Phrase::EmptyRoom), Role::Dim);
        let local = app.local_room || matches!(app.place.as_str(), "127.0.0.1" | "localhost" | "::1");
        let elsewhere = (!local).then(|| format!("chat-tui -lh {}", app.place));
        let command = app.shared_at.as_deref().or(elsewhere.as_deref());
        canvas.paragraph(area, y, &app.text(Phrase::HowToJoin(command)), Role::Dim);
        return;
    }
    let today = app.local(app.now).date();
    let nickname = app.nickname();
    let sheet = ConversationLayout {
        timeline,
        lang: app.lang,
        width: area.width,
        today,
        nickname: nickname.as_deref(),
        selected: app.chat.selected.as_ref(),
    };
    let (bottom, hidden) = timeline.bottom(usize::from(area.height), |_, index| sheet.height(index));
    let mut shown = Vec::with_capacity(usize::from(area.height));
    let mut index = bottom;
    let mut skip = hidden;
    while shown.len() < usize::from(area.height) && index >= timeline.indices().start {
        let rows = sheet.rows(index);
        shown.extend(rows.into_iter().rev().skip(skip));
        skip = 0;
        index -= 1;
    }
    shown.truncate(usize::from(area.height));
    for (y, row) in (area.y..).zip(shown.iter().rev()) {
        canvas.row(area.x, y, area.width, row);
    }
}

fn draw_hint(app: &App, area: Rect, canvas: &mut Canvas<'_>) {
    if let Some(hint) = &app.hint {
        let (mark, role) = if hint.error { ("! ", Role::Error) } else { ("", Role::Notice) };
        canvas.text(area.x, area.y, area.width, &format!("{mark}{}", hint.text), role);
    } else if app.chat.selected.is_some() {
        canvas.text(area.x, area.y, area.width, &app.text(Phrase::OwnKeys), Role::Key);
    } else {
        let back = app.text(Phrase::ScrolledBack);
        let (text, role) = match app.chat.timeline.below() {
            0 => (format!("↑ {back}"), Role::Dim),
            below => (format!("↓ {} · {back}", app.text(Phrase::NewBelow(below))), Role::Warning),
        };
        canvas.text(area.x, area.y, area.width, &text, role);
    }
}

fn input(app: &App, area: Rect, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let (rows, (row, column)) = app.chat.input.rows(areas::input_width(area.width));
    // The row of the cursor is always visible.
    let height = usize::from(area.height.max(1));
    let first = row.saturating_sub(height - 1);
    for (y, (number, text)) in (area.y..area.bottom()).zip(rows.iter().enumerate().skip(first)) {
        let prompt = if number == 0 { areas::PROMPT } else { "  " };
        let x = canvas.text(area.x, y, area.width, prompt, Role::Key);
        canvas.row(
            x,
            y,
            area.width.saturating_sub(2),
            &vec![crate::wrap::Piece { text: clean(text), role: Role::Text }],
        );
    }
    let y = area.y + u16::try_from(row - first).unwrap_or(0);
    Some((area.x + 2 + column, y))
}

/// Removes invisible characters from a row of the input line. The rows already show them; this is only the last guard
/// before the cells.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
