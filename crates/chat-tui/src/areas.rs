//! Divides the screen into rectangles, for drawing and for scrolling by pages. On screens below 20 columns and 6 rows the
//! less important parts are left out first.

use ratatui::layout::Rect;

/// The parts of the chat screen, from top to bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChatAreas {
    pub(crate) title: Option<Rect>,
    pub(crate) messages: Rect,
    pub(crate) hint: Option<Rect>,
    /// The area for the full text of connection problems.
    pub(crate) trouble: Option<Rect>,
    pub(crate) status: Option<Rect>,
    pub(crate) input: Rect,
}

/// The text before the input line.
pub(crate) const PROMPT: &str = "> ";

/// Returns the width of the text in the input line.
pub(crate) fn input_width(width: u16) -> u16 {
    width.saturating_sub(2).max(1)
}

/// Divides a chat screen on which the typed text takes `input_rows`.
pub(crate) fn chat(width: u16, height: u16, input_rows: u16, hint: bool, trouble: bool) -> ChatAreas {
    let mut left = height;
    let mut take = |rows: u16, wanted: bool, keep: u16| -> u16 {
        let rows = if wanted { rows.min(left.saturating_sub(keep)) } else { 0 };
        left -= rows;
        rows
    };
    let input = take(input_rows.clamp(1, (height / 3).max(1)), true, 0);
    let status = take(1, true, 1);
    let hint = take(1, hint, 2);
    let trouble = take(1, trouble && height >= 12, 4);
    let title = take(1, height >= 14, 4);
    let messages = left;
    let mut y = 0;
    let mut row = |rows: u16| {
        let area = Rect::new(0, y, width, rows);
        y += rows;
        area
    };
    let some = |area: Rect| (area.height > 0).then_some(area);
    ChatAreas {
        title: some(row(title)),
        messages: row(messages),
        hint: some(row(hint)),
        trouble: some(row(trouble)),
        status: some(row(status)),
        input: row(input),
    }
}

/// Returns the area of a dialog: most of a small screen, the middle of a large one.
pub(crate) fn dialog(width: u16, height: u16) -> Rect {
    let wide = if width > 100 { 90 } else { width };
    let high = if height > 40 { 36 } else { height };
    Rect::new((width - wide) / 2, (height - high) / 2, wide, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_every_row_once() {
        for height in 0..60 {
            for (input, hint, trouble) in [(1, false, false), (50, true, true), (3, true, false)] {
                let parts = chat(20, height, input, hint, trouble);
                let rows =
                    [parts.title, Some(parts.messages), parts.hint, parts.trouble, parts.status, Some(parts.input)];
                let mut y = 0;
                for area in rows.into_iter().flatten() {
                    assert_eq!(area.y, y);
                    y += area.height;
                }
                assert_eq!(y, height);
            }
        }
    }

    #[test]
    fn smallest_screen_shows_messages() {
        let parts = chat(20, 6, 9, true, true);
        assert_eq!((parts.messages.height, parts.input.height), (2, 2));
    }
}
