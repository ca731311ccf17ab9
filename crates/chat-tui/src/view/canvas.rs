//! Turns rows of roles into cells, within an area.

use ratatui::buffer::{Buffer, Cell, CellWidth};
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::drawing::{Drawing, ScreenLink};
use crate::layout::Ink;
use crate::theme::{Role, Theme};
use crate::width::{first_that_fits, fit, graphemes, only_char, stands_alone, text_width};
use crate::wrap::{Row, wrap};

/// A drawing with its theme.
pub(super) struct Canvas<'a> {
    buffer: &'a mut Buffer,
    links: &'a mut Vec<ScreenLink>,
    theme: Theme,
}

impl<'a> Canvas<'a> {
    pub(super) fn new(drawing: &'a mut Drawing, theme: Theme) -> Self {
        Self { buffer: &mut drawing.buffer, links: &mut drawing.links, theme }
    }

    /// Draws a text on one row, cut to `width` cells. Returns the column after it.
    pub(super) fn text(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) -> u16 {
        let area = self.buffer.area;
        if y >= area.bottom() || x >= area.right() {
            return x;
        }
        let width = width.min(area.right() - x);
        let text = fit(text, width);
        self.put(x, y, width, &text, self.theme.style(role))
    }

    /// Writes a text into the cells of a row, at most `width` of them; what takes no cell is left out. Returns the column
    /// after it.
    fn put(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        let end = x.saturating_add(width).min(self.buffer.area.right());
        let row = self.buffer.index_of(self.buffer.area.x, y);
        let mut x = x;
        for grapheme in graphemes(text) {
            let cells = match only_char(grapheme) {
                Some(c) if stands_alone(c) => 1,
                _ if grapheme.contains(char::is_control) => 0,
                _ => grapheme.cell_width(),
            };
            if cells == 0 {
                continue;
            }
            if cells > end.saturating_sub(x) {
                break;
            }
            let at = row + usize::from(x);
            self.buffer.content[at].set_symbol(grapheme).set_style(style);
            // The cells that a wide character covers.
            self.buffer.content[at + 1..at + usize::from(cells)].iter_mut().for_each(Cell::reset);
            x += cells;
        }
        x
    }

    /// Draws a wrapped row.
    pub(super) fn row<'i, R: Copy + Into<Ink<'i>>>(&mut self, x: u16, y: u16, width: u16, row: &Row<R>) {
        let area = self.buffer.area;
        if y >= area.bottom() || x >= area.right() {
            return;
        }
        let right = x.saturating_add(width).min(area.right());
        let mut x = x;
        for piece in row {
            let ink = piece.role.into();
            let mut style = self.theme.style(ink.role);
            let mut text = piece.text.as_str();
            if let Some(address) = ink.link {
                // The indent of a row is not part of the address.
                let blank = text.len() - text.trim_start_matches(' ').len();
                x = x.saturating_add(u16::try_from(blank).unwrap_or(u16::MAX)).min(right);
                text = &text[blank..];
                style = style.add_modifier(Modifier::UNDERLINED);
                let end = x.saturating_add(text_width(text)).min(right);
                self.links.push(ScreenLink { row: y, columns: x..end, address: address.to_owned() });
            }
            x = self.put(x, y, right.saturating_sub(x), text, style);
        }
    }

    /// Draws the longest form of a text that fits on one row; each line is one form, the longest first. Returns the
    /// column after it.
    pub(super) fn form(&mut self, x: u16, y: u16, width: u16, forms: &str, role: Role) -> u16 {
        self.text(x, y, width, first_that_fits(forms, width), role)
    }

    /// Returns the row below the screen.
    pub(super) fn bottom(&self) -> u16 {
        self.buffer.area.bottom()
    }

    /// Returns how many rows a paragraph takes.
    pub(super) fn rows_of(&self, text: &str, width: u16) -> u16 {
        u16::try_from(wrap(&[(Role::Text, text)], width, 0).len()).unwrap_or(u16::MAX)
    }

    /// Wraps a text into `area`, starting at row `y`; what does not fit is cut. Returns the row after it.
    pub(super) fn paragraph(&mut self, area: Rect, y: u16, text: &str, role: Role) -> u16 {
        let rows = wrap(&[(role, text)], area.width, 0);
        let room = usize::from(area.bottom().saturating_sub(y));
        let mut y = y;
        for (number, row) in rows.iter().enumerate().take(room) {
            self.row(area.x, y, area.width, row);
            if number + 1 == room && rows.len() > room {
                let used = row.iter().map(|piece| text_width(&piece.text)).sum::<u16>();
                self.text(area.x + used.min(area.width.saturating_sub(1)), y, 1, "…", role);
            }
            y += 1;
        }
        y
    }

    /// Draws a text in a row, and above it where it is longer, in at most `most` rows. Returns its first row.
    pub(super) fn upwards(&mut self, row: Rect, most: u16, text: &str, role: Role) -> u16 {
        let width = row.width.saturating_sub(2);
        let rows = self.rows_of(text, width).clamp(1, most.clamp(1, row.y + 1));
        let area = Rect { y: row.y + 1 - rows, height: rows, ..row };
        self.clear(area);
        self.fill(area, role);
        self.paragraph(Rect { x: area.x + 1, width, ..area }, area.y, text, role);
        area.y
    }

    /// Fills an area with the style of a role.
    pub(super) fn fill(&mut self, area: Rect, role: Role) {
        self.buffer.set_style(area, self.theme.style(role));
    }

    /// Clears an area.
    pub(super) fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        // Links below it must not be clickable.
        self.links.retain(|link| link.row < area.top() || link.row >= area.bottom());
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                self.buffer[(x, y)].reset();
            }
        }
    }

    /// Draws the line between the conversation and a drawer, with a text in it.
    pub(super) fn drawer_head(&mut self, area: Rect, text: &str, role: Role) {
        let (indent, end) = if area.width < 30 { ("", "") } else { ("── ", " ") };
        let room = area.width.saturating_sub(2 * text_width(indent));
        let x = self.text(area.x, area.y, area.width, indent, Role::Rule);
        let x = self.text(x, area.y, room, &format!("{}{end}", first_that_fits(text, room)), role);
        let rest = area.right().saturating_sub(x);
        // Each cell is drawn once: a second style would be added to the first.
        let blank = if indent.is_empty() { " " } else { "" };
        let line = format!("{blank}{}", "─".repeat(usize::from(rest)));
        self.text(x, area.y, rest, &line.chars().take(usize::from(rest)).collect::<String>(), Role::Rule);
    }

    /// Clears an area, draws a frame with a title if there is space for one, and returns the inner area.
    pub(super) fn window(&mut self, area: Rect, title: &str) -> Rect {
        let area = area.intersection(self.buffer.area);
        self.clear(area);
        if area.height < 8 || area.width < 24 {
            self.text(area.x, area.y, area.width, title, Role::Title);
            return Rect { y: area.y + area.height.min(1), height: area.height.saturating_sub(1), ..area };
        }
        let inner = usize::from(area.width - 2);
        let style = self.theme.style(Role::Dim);
        self.buffer.set_string(area.x, area.y, format!("┌{}┐", "─".repeat(inner)), style);
        for y in area.top() + 1..area.bottom() - 1 {
            self.buffer.set_string(area.x, y, "│", style);
            self.buffer.set_string(area.right() - 1, y, "│", style);
        }
        self.buffer.set_string(area.x, area.bottom() - 1, format!("└{}┘", "─".repeat(inner)), style);
        self.text(area.x + 2, area.y, area.width - 4, &format!(" {title} "), Role::Title);
        Rect { x: area.x + 2, y: area.y + 1, width: area.width - 4, height: area.height - 2 }
    }

    /// Draws a line of a list or a choice, marked if it is selected: the longest form that fits.
    pub(super) fn choice(&mut self, area: Rect, y: u16, text: &str, chosen: bool) {
        if y >= area.bottom() {
            return;
        }
        let role = if chosen { Role::Selected } else { Role::Text };
        let mark = if chosen { "▸ " } else { "  " };
        let width = area.width.saturating_sub(2);
        let text = fit(first_that_fits(text, width), width).into_owned();
        let end = self.text(area.x, y, area.width, &format!("{mark}{text}"), role);
        debug_assert!(end <= area.x + 2 + text_width(&text));
    }
}
