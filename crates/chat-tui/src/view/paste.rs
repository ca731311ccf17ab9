//! Draws the question about a paste: a drawer at the lower edge, no taller than needed.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use crate::app::{App, PastePreview};
use crate::lang::Phrase;
use crate::layout::choice_rows;
use crate::theme::Role;
use crate::width::{fit, text_width};

/// Draws the paste and the choices.
pub(super) fn draw(app: &App, paste: &PastePreview, area: Rect, canvas: &mut Canvas<'_>) {
    canvas.clear(area);
    canvas.drawer_head(area, &app.text(Phrase::PasteTitle { lines: paste.lines, bytes: paste.bytes }), Role::Title);
    let choices = app.paste_choices(paste.messages);
    let rows = choice_rows(&choices, area.width);
    let bottom = area.bottom().saturating_sub(1);
    let bottom = match &app.hint {
        Some(hint) => {
            let most = area.height.saturating_sub(1 + u16::try_from(rows.len()).unwrap_or(0));
            canvas.upwards(Rect { y: bottom, height: 1, ..area }, most, &hint.marked(), Role::Error)
        }
        None => {
            let width = area.width.saturating_sub(1);
            canvas.form(area.x + 1, bottom, width, &app.text(Phrase::PasteKeys), Role::Dim);
            bottom
        }
    };
    let first = bottom.saturating_sub(u16::try_from(rows.len()).unwrap_or(0)).max(area.y + 1);
    for (y, row) in (first..bottom).zip(rows) {
        let mut x = area.x;
        for number in row {
            let chosen = number == paste.choice;
            x = canvas.text(x, y, area.right().saturating_sub(x), if chosen { "▸ " } else { "  " }, Role::Key);
            let role = if chosen { Role::Selected } else { Role::Text };
            x = canvas.text(x, y, area.right().saturating_sub(x), &choices[number], role);
        }
    }
    preview(app, paste, Rect { y: area.y + 1, height: first.saturating_sub(area.y + 1), ..area }, canvas);
}

/// Draws the first lines, and how many more there are.
fn preview(app: &App, paste: &PastePreview, area: Rect, canvas: &mut Canvas<'_>) {
    let room = usize::from(area.height);
    // A single row shows the first line: the title has the count.
    let shown = if paste.lines > room && room > 1 { room - 1 } else { room };
    let digits = shown.min(paste.lines).to_string().len();
    for (y, (number, line)) in (area.y..area.bottom()).zip(paste.text.lines().enumerate().take(shown)) {
        let x = canvas.text(area.x, y, area.width, &format!(" {:>digits$}│ ", number + 1), Role::Rule);
        let line = chat_client::display::clean_for_terminal(line);
        canvas.text(x, y, area.right().saturating_sub(x), &fit(&line, area.right().saturating_sub(x)), Role::Text);
    }
    if paste.lines > shown && room > 1 {
        let more = app.text(Phrase::MoreLines(paste.lines - shown));
        let indent = u16::try_from(digits).unwrap_or(0) + 3;
        let indent = if text_width(&more) + indent > area.width { 1 } else { indent };
        canvas.text(area.x + indent, area.bottom() - 1, area.width.saturating_sub(indent), &more, Role::Dim);
    }
}
