//! The frame of the screens around the chat: a header, the keys at the lower edge, and the area between them.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use crate::app::App;
use crate::theme::Role;
use crate::width::text_width;

/// The area between header and keys.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageFrame {
    pub(super) inner: Rect,
    /// There is space for explanations and blank rows.
    pub(super) roomy: bool,
}

/// Returns how wide the area is that a large screen has between header and keys.
pub(super) fn inner_width(area: Rect) -> u16 {
    area.width.saturating_sub(6).min(74)
}

/// Draws the frame. On a screen that is small or has fewer than `needed` rows, `heading` is its first row, in the first
/// of its forms that fits; else `title` stands in the header.
pub(super) fn draw(
    app: &App,
    (title, heading): (&str, &str),
    keys: &str,
    (area, needed): (Rect, u16),
    canvas: &mut Canvas<'_>,
) -> PageFrame {
    let roomy = area.height >= 12 && area.width >= 40 && area.height - 4 >= needed;
    let bottom = Rect { y: area.bottom().saturating_sub(1), height: 1, ..area };
    canvas.fill(bottom, Role::Status);
    let lowest = match &app.hint {
        Some(hint) => {
            let role = if hint.error { Role::Trouble } else { Role::Status };
            canvas.upwards(bottom, area.height / 2, &hint.marked(), role)
        }
        None => {
            canvas.form(area.x + 1, bottom.y, area.width.saturating_sub(2), keys, Role::Status);
            bottom.y
        }
    };
    // What a long hint covers is not drawn over it.
    let area = Rect { height: lowest + 1 - area.y, ..area };
    if !roomy {
        canvas.form(area.x, area.y, area.width, heading, Role::Title);
        let inner = Rect { y: area.y + 1, height: area.height.saturating_sub(2), ..area };
        return PageFrame { inner, roomy };
    }
    canvas.fill(Rect { height: 1, ..area }, Role::Status);
    let right = area.right().saturating_sub(1 + text_width(title));
    canvas.text(area.x, area.y, right.saturating_sub(1), &format!(" minechat · {}", app.place), Role::Status);
    canvas.text(right, area.y, area.right() - right, title, Role::StatusAside);
    let inner = Rect { x: area.x + 3, y: area.y + 2, width: inner_width(area), height: area.height.saturating_sub(4) };
    PageFrame { inner, roomy }
}
