//! Draws the search and its results, newest first.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use crate::app::{App, Search};
use crate::areas;
use crate::event::SearchHit;
use crate::lang::Phrase;
use crate::theme::Role;
use crate::timeline::clean_name;

/// Draws the search. Returns the position of the cursor.
pub(super) fn draw(app: &App, search: &Search, area: Rect, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let inner = canvas.window(areas::dialog(area.width, area.height), &app.text(Phrase::SearchTitle));
    let x = canvas.text(inner.x, inner.y, inner.width, &format!("{}: ", app.text(Phrase::SearchPrompt)), Role::Title);
    let room = inner.right().saturating_sub(x).max(2);
    let (rows, (row, column)) = search.input.rows(room);
    if let Some(text) = rows.get(row) {
        canvas.text(x, inner.y, room, text, Role::Text);
    }
    if let Some(reason) = &search.failed {
        let text = format!("! {}", clean_name(&app.text(Phrase::BadExpression(reason))));
        canvas.text(inner.x, inner.y + 1, inner.width, &text, Role::Error);
    } else if let Some(percent) = search.percent {
        let state = app.text(Phrase::SearchState { hits: search.hits.len(), percent });
        canvas.text(inner.x, inner.y + 1, inner.width, &state, Role::Dim);
    }
    let list = Rect { y: inner.y + 2, height: inner.height.saturating_sub(3), ..inner };
    let page = usize::from(list.height.max(1));
    let first = search.chosen.saturating_sub(page - 1);
    for (y, (number, hit)) in (list.y..list.bottom()).zip(search.hits.iter().enumerate().skip(first)) {
        canvas.choice(list, y, &line(hit), number == search.chosen);
    }
    canvas.text(inner.x, inner.bottom().saturating_sub(1), inner.width, &app.text(Phrase::SearchKeys), Role::Dim);
    Some((x + column, inner.y))
}

fn line(hit: &SearchHit) -> String {
    let when = hit.at.map_or(String::new(), |at| at.strftime("%d.%m.%y %H:%M ").to_string());
    let who = hit.sender.as_deref().map_or(String::new(), |sender| format!("{sender}: "));
    chat_client::display::clean_for_terminal(&format!("{when}{who}{}", hit.text)).into_owned()
}
