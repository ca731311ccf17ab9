//! Draws the search: a drawer at the lower edge, the newest hit next to the input.

use ratatui::layout::Rect;
use unicode_segmentation::UnicodeSegmentation;

use super::canvas::Canvas;
use crate::app::{App, SEARCH_ROWS, Search};
use crate::event::SearchHit;
use crate::lang::Phrase;
use crate::layout::Ink;
use crate::theme::Role;
use crate::timeline::clean_name;
use crate::width::text_width;
use crate::wrap::Piece;

/// Draws the drawer. Returns the position of the cursor.
pub(super) fn draw(app: &App, search: &Search, drawer: Rect, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    canvas.clear(drawer);
    let (text, role) = head(app, search);
    canvas.drawer_head(drawer, &text, role);
    let list = drawer.height.saturating_sub(SEARCH_ROWS);
    let first = search.chosen.saturating_sub(usize::from(list.saturating_sub(1)));
    for (number, hit) in search.hits.iter().enumerate().skip(first).take(usize::from(list)) {
        let up = u16::try_from(number - first).unwrap_or(0);
        let y = drawer.bottom().saturating_sub(SEARCH_ROWS + up);
        canvas.row(drawer.x, y, drawer.width, &line(app, hit, number == search.chosen, drawer.width));
    }
    let keys = drawer.bottom().saturating_sub(2);
    canvas.form(drawer.x + 1, keys, drawer.width.saturating_sub(1), &app.text(Phrase::SearchKeys), Role::Dim);
    let y = drawer.bottom().saturating_sub(1);
    let x = canvas.text(drawer.x, y, drawer.width, &format!("{}: ", app.text(Phrase::SearchPrompt)), Role::Key);
    let room = drawer.right().saturating_sub(x).max(2);
    let (rows, (row, column)) = search.input.rows(room);
    if let Some(text) = rows.get(row) {
        canvas.text(x, y, room, text, Role::Text);
    }
    Some((x + column, y))
}

/// Returns the count, or what is wrong with the expression.
fn head(app: &App, search: &Search) -> (String, Role) {
    match (&search.failed, search.percent) {
        (Some(reason), _) => (format!("! {}", clean_name(&app.text(Phrase::BadExpression(reason)))), Role::Error),
        (None, Some(percent)) => (app.text(Phrase::SearchState { hits: search.hits.len(), percent }), Role::Title),
        (None, None) => (app.text(Phrase::SearchTitle), Role::Title),
    }
}

/// Returns a hit as one row, with what matches marked. The text is cut so that the first match is in it.
fn line(app: &App, hit: &SearchHit, chosen: bool, width: u16) -> Vec<Piece<Ink<'static>>> {
    let today = app.local(app.now).date();
    let when = match hit.at {
        Some(at) if at.date() == today => at.strftime("%H:%M ").to_string(),
        Some(at) => format!("{} {}", app.text(Phrase::HitDate(at.date())), at.strftime("%H:%M ")),
        None => String::new(),
    };
    let who = hit.sender.as_deref().map_or(String::new(), |sender| format!("{}: ", clean_name(sender)));
    let head = if width < 40 { String::new() } else { format!("{when}{who}") };
    let mark = if chosen { "▸ " } else { "  " };
    let plain = if chosen { Role::Key } else { Role::Text };
    let mut row = vec![Piece::new(mark.to_owned(), Role::Key), Piece::new(head.clone(), Role::Dim)];
    let room = usize::from(width.saturating_sub(text_width(mark) + text_width(&head)));
    // A line break has one byte, as the blank in its place.
    let text = hit.text.replace('\n', " ");
    let from = cut(&text, hit.ranges.first().map_or(0, |range| range.start), room);
    if from > 0 {
        row.push(Piece::new("…".to_owned(), Role::Dim));
    }
    let mut at = from;
    for range in hit.ranges.iter().filter(|range| range.start >= from && text.get((*range).clone()).is_some()) {
        row.push(Piece::new(text[at..range.start].to_owned(), plain));
        row.push(Piece::new(text[range.clone()].to_owned(), Role::Selected));
        at = range.end;
    }
    row.push(Piece::new(text[at..].to_owned(), plain));
    row
}

/// Returns where to begin a text so that the byte `wanted` is within `room` cells.
fn cut(text: &str, wanted: usize, room: usize) -> usize {
    let cells = |part: &str| usize::from(text_width(part));
    if cells(&text[..wanted]) + 12 <= room || cells(text) <= room {
        return 0;
    }
    // A third of the row shows what is before the match.
    let before = room / 3;
    let mut from = wanted;
    for (at, _) in text[..wanted].grapheme_indices(true).rev() {
        if cells(&text[at..wanted]) > before {
            break;
        }
        from = at;
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_keeps_the_match_in_view() {
        let text = "a long line whose match comes very late, here: ring, and then more";
        let at = text.find("ring").unwrap();
        assert_eq!(cut(text, at, 80), 0);
        let from = cut(text, at, 30);
        assert!(from < at && text_width(&text[from..at]) <= 10, "{}", &text[from..]);
        assert_eq!(cut("ring", 0, 3), 0);
    }
}
