//! Divides the screen into rectangles, for drawing and for scrolling by pages. On screens below 20 columns and 6 rows the
//! less important parts are left out first.

use ratatui::layout::Rect;

/// The parts of the chat screen, from top to bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChatAreas {
    pub(crate) header: Option<Rect>,
    pub(crate) messages: Rect,
    pub(crate) status: Option<Rect>,
    pub(crate) input: Rect,
}

/// The height from which a screen has a header.
const HEADER_FROM: u16 = 14;

/// The text before the input line.
pub(crate) const PROMPT: &str = "> ";

/// Returns the width of the text in the input line.
pub(crate) fn input_width(width: u16) -> u16 {
    width.saturating_sub(2).max(1)
}

/// Divides a chat screen on which the typed text takes `input_rows`. Nothing else changes the size of the conversation, so
/// that it does not move while it is read.
pub(crate) fn chat(width: u16, height: u16, input_rows: u16) -> ChatAreas {
    let mut left = height;
    let mut take = |rows: u16, wanted: bool, keep: u16| -> u16 {
        let rows = if wanted { rows.min(left.saturating_sub(keep)) } else { 0 };
        left -= rows;
        rows
    };
    let input = take(input_rows.clamp(1, (height / 3).max(1)), true, 0);
    let status = take(1, true, 1);
    let header = take(1, height >= HEADER_FROM, 4);
    let messages = left;
    let mut y = 0;
    let mut row = |rows: u16| {
        let area = Rect::new(0, y, width, rows);
        y += rows;
        area
    };
    let some = |area: Rect| (area.height > 0).then_some(area);
    ChatAreas { header: some(row(header)), messages: row(messages), status: some(row(status)), input: row(input) }
}

/// Divides a chat screen with a drawer of up to `wanted` rows in the place of the status line and the input line.
pub(crate) fn with_drawer(width: u16, height: u16, wanted: u16) -> ChatAreas {
    let header = u16::from(height >= HEADER_FROM);
    let drawer = wanted.clamp(1, height.saturating_sub(header).max(1)).min(height);
    let messages = height.saturating_sub(header + drawer);
    ChatAreas {
        header: (header > 0).then_some(Rect::new(0, 0, width, header)),
        messages: Rect::new(0, header, width, messages),
        status: None,
        input: Rect::new(0, header + messages, width, drawer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_every_row_once() {
        for height in 0..60 {
            for input in [1, 3, 50] {
                let parts = chat(20, height, input);
                let rows = [parts.header, Some(parts.messages), parts.status, Some(parts.input)];
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
        let parts = chat(20, 6, 9);
        assert_eq!((parts.messages.height, parts.input.height), (3, 2));
    }
}
