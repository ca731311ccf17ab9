//! A complete screen before it becomes escape sequences.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// The characters that a terminal draws in one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Glyphs {
    Unicode,
    /// The signs have no glyph, or take two cells.
    Ascii,
}

/// The cells of a screen, the addresses in it, and the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Drawing {
    pub(crate) buffer: Buffer,
    pub(crate) links: Vec<ScreenLink>,
    /// Column and row; `None` hides the cursor.
    pub(crate) cursor: Option<(u16, u16)>,
}

/// A range of one row that is an address, or part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScreenLink {
    pub(crate) row: u16,
    pub(crate) columns: Range<u16>,
    /// Printable ASCII only, see [`crate::address`].
    pub(crate) address: String,
}

impl Drawing {
    /// Creates an empty screen.
    pub(crate) fn new(width: u16, height: u16) -> Self {
        Self { buffer: Buffer::empty(Rect::new(0, 0, width, height)), links: Vec::new(), cursor: None }
    }

    /// Makes it empty again.
    pub(crate) fn clear(&mut self) {
        self.buffer.reset();
        self.links.clear();
        self.cursor = None;
    }

    /// Replaces signs and lines by characters that every terminal draws in one cell.
    pub(crate) fn use_ascii(&mut self) {
        for cell in &mut self.buffer.content {
            if let Some(plain) = ascii(cell.symbol()) {
                cell.set_symbol(plain);
            }
        }
    }
}

fn ascii(symbol: &str) -> Option<&'static str> {
    Some(match symbol {
        "│" => "|",
        "╎" => ":",
        "»" | "▸" => ">",
        "…" => "~",
        "→" => "=",
        "✓" => "+",
        "✗" => "x",
        "●" | "•" => "*",
        "◐" => "o",
        "·" => ".",
        "─" | "╌" | "–" | "—" => "-",
        "┌" | "┐" | "└" | "┘" => "+",
        "↑" => "^",
        "↓" => "v",
        "←" => "<",
        _ => return None,
    })
}
