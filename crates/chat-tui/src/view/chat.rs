//! Draws the chat screen: the conversation from its lower edge upwards, and the input line.

use jiff::civil::DateTime;
use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::status;
use crate::app::{App, Dialog};
use crate::areas;
use crate::lang::Phrase;
use crate::layout::{self, ConversationLayout, time_of};
use crate::theme::Role;

/// Draws the screen. Returns the position of the cursor.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let parts = app.chat_areas();
    let uppermost = conversation(app, parts.messages, canvas);
    if let Some(header) = parts.header {
        status::header(app, uppermost, header, canvas);
    }
    if let Some(line) = parts.status {
        status::line(app, line, canvas);
    }
    // A drawer has the place of the input line.
    if matches!(app.dialog, Some(Dialog::Search(_) | Dialog::Paste(_))) {
        None
    } else {
        input(app, parts.input, canvas)
    }
}

/// Draws how to begin, where the first message will be.
fn empty_room(app: &App, area: Rect, canvas: &mut Canvas<'_>) {
    let elsewhere = app.command_elsewhere();
    let command = app.shared_at.as_deref().or(elsewhere.as_deref());
    let lines = [app.text(Phrase::EmptyRoom), app.text(Phrase::HowToBegin), app.text(Phrase::HowToJoin(command))];
    // On a small screen the first ones, whole.
    let fitting = (1..=lines.len()).rev().map(|count| layout::aside(area.width, &lines[..count].join("\n")));
    let rows = fitting.filter(|rows| rows.len() <= usize::from(area.height)).max_by_key(Vec::len).unwrap_or_default();
    let y = area.bottom() - u16::try_from(rows.len()).unwrap_or(0);
    for (y, row) in (y..).zip(&rows) {
        canvas.row(area.x, y, area.width, row);
    }
}

/// Draws the conversation. Returns the time of its uppermost row.
fn conversation(app: &App, area: Rect, canvas: &mut Canvas<'_>) -> Option<DateTime> {
    let timeline = &app.chat.timeline;
    if timeline.is_empty() {
        empty_room(app, area, canvas);
        return None;
    }
    let nickname = app.nickname();
    let sheet = ConversationLayout {
        timeline,
        lang: app.lang,
        width: area.width,
        now: app.local(app.now),
        nickname: nickname.as_deref(),
        selected: app.chat.selected.as_ref(),
    };
    let height = usize::from(area.height);
    let (bottom, hidden) = timeline.bottom(height, |_, index| sheet.height(index));
    // From the bottom up: the items, and how many rows of each are above and below the edges.
    let mut items = Vec::with_capacity(height);
    let (mut free, mut below) = (height, hidden);
    let mut index = bottom;
    while free > 0 && index >= timeline.indices().start {
        let item = sheet.lay(index, false);
        let rows = item.rows.len().saturating_sub(below);
        let above = rows.saturating_sub(free);
        free -= rows - above;
        items.push((index, item, above, below));
        below = 0;
        index -= 1;
    }
    // The uppermost name on the screen is never one that stands above it.
    if let Some((index, item, ..)) = items.iter_mut().rev().find(|(_, item, above, _)| *above <= item.head) {
        *item = sheet.lay(*index, true);
    }
    // A short conversation is next to the input line.
    let mut y = area.bottom() - u16::try_from(height - free).unwrap_or(area.height);
    for (_, item, above, below) in items.iter().rev() {
        for row in &item.rows[*above..item.rows.len() - below] {
            canvas.row(area.x, y, area.width, row);
            y += 1;
        }
    }
    items.iter().rev().find_map(|(index, ..)| timeline.item(*index).and_then(time_of))
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
    if app.is_newcomer() {
        let text = app.text(Phrase::WriteMessage);
        canvas.text(area.x + 2, area.y, area.width.saturating_sub(2), &text, Role::Dim);
    }
    let y = area.y + u16::try_from(row - first).unwrap_or(0);
    Some((area.x + 2 + column, y))
}

/// Removes invisible characters from a row of the input line. The rows already show them; this is only the last guard
/// before the cells.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
