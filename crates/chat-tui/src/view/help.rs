//! Draws the keys and commands: one page on an ordinary screen, and one that scrolls on a small one.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use crate::app::App;
use crate::lang::Phrase;
use crate::layout::HelpPage;
use crate::theme::Role;
use crate::width::text_width;

/// Draws the help over the whole screen.
pub(super) fn draw(app: &App, scroll: u16, area: Rect, canvas: &mut Canvas<'_>) {
    canvas.clear(area);
    let page = HelpPage::new(app.lang, area.width, area.height);
    let head = Rect { height: 1, ..area };
    canvas.fill(head, Role::Status);
    let title = format!(" {}", app.text(Phrase::HelpTitle));
    let x = canvas.text(head.x, head.y, head.width, &title, Role::Status);
    let keys = app.text(Phrase::HelpKeys { scrolls: page.scrolls() });
    let corner = match page.scrolls() {
        true => format!("{}/{}", page.number(scroll), page.count()),
        false => keys.lines().next().unwrap_or_default().to_owned(),
    };
    let at = head.right().saturating_sub(1 + text_width(&corner)).max(x);
    canvas.text(at, head.y, head.right().saturating_sub(at), &corner, Role::StatusAside);
    let body = page.body();
    for (y, row) in (area.y + 1..).zip(page.rows().iter().skip(usize::from(scroll)).take(usize::from(body))) {
        canvas.row(area.x + page.margin(), y, area.width.saturating_sub(page.margin()), row);
    }
    if page.scrolls() && area.height > 2 {
        canvas.form(area.x + 1, area.bottom() - 1, area.width.saturating_sub(1), &keys, Role::Dim);
    }
}
