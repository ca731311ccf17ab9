//! Writes the difference between two screens as escape sequences.
//!
//! Terminals disagree about the width of many grapheme clusters (Devanagari, flags, emoji with joiners). So a row that
//! holds such a cluster, now or before, is erased and written as a whole, and the cursor is placed again behind each
//! cluster: whatever a terminal has drawn for a cluster is gone with the row.

mod cells;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::queue;
use crossterm::style::Print;
use crossterm::terminal::{Clear, ClearType};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;

use crate::drawing::{Drawing, ScreenLink};
use crate::width::{only_char, stands_alone, text_width};

/// Writes screens to a terminal and remembers the last one.
#[derive(Debug)]
pub(crate) struct Painter<W: Write> {
    out: W,
    shown: Option<Drawing>,
    /// The screen before the last one, whose memory the next one takes.
    spare: Option<Drawing>,
    /// Whether addresses become links (OSC 8).
    links: bool,
}

impl<W: Write> Painter<W> {
    pub(crate) fn new(out: W, links: bool) -> Self {
        Self { out, shown: None, spare: None, links }
    }

    /// Returns the output.
    pub(crate) fn out(&mut self) -> &mut W {
        &mut self.out
    }

    /// Returns the last screen.
    pub(crate) fn shown(&self) -> Option<&Drawing> {
        self.shown.as_ref()
    }

    /// Discards the last screen, so that the next one is written in full.
    pub(crate) fn forget(&mut self) {
        self.shown = None;
    }

    /// Returns an empty screen to draw on.
    pub(crate) fn blank(&mut self, width: u16, height: u16) -> Drawing {
        let size = Rect::new(0, 0, width, height);
        match self.spare.take().filter(|spare| spare.buffer.area == size) {
            Some(mut spare) => {
                spare.clear();
                spare
            }
            None => Drawing::new(width, height),
        }
    }

    /// Writes the differences from the last screen.
    pub(crate) fn paint(&mut self, next: Drawing) -> io::Result<()> {
        queue!(self.out, Hide)?;
        let area = next.buffer.area;
        let shown = self.shown.take().filter(|shown| shown.buffer.area == area);
        let shown = match shown {
            Some(shown) => shown,
            None => {
                queue!(self.out, Clear(ClearType::All))?;
                Drawing::new(area.width, area.height)
            }
        };
        for y in 0..area.height {
            self.paint_row(&shown, &next, y)?;
        }
        if let Some((x, y)) = next.cursor {
            queue!(self.out, MoveTo(x, y), Show)?;
        }
        (self.shown, self.spare) = (Some(next), Some(shown));
        Ok(())
    }

    fn paint_row(&mut self, shown: &Drawing, next: &Drawing, y: u16) -> io::Result<()> {
        let (old, new) = (row(&shown.buffer, y), row(&next.buffer, y));
        let linked: Vec<&ScreenLink> = next.links.iter().filter(|link| link.row == y).collect();
        let was_linked = shown.links.iter().any(|link| link.row == y);
        let is_linked = was_linked || !linked.is_empty();
        // One pass: a large screen has ten thousand cells, and most frames change few of them.
        let (mut changed, mut certain) = (Vec::new(), true);
        for (x, (old, new)) in (0..).zip(old.iter().zip(new)) {
            if old == new {
                certain &= is_certain(new);
            } else {
                certain &= is_certain(new) && is_certain(old);
                changed.push((x, y, new));
            }
        }
        if changed.is_empty() && (!is_linked || links(shown, y).eq(links(next, y))) {
            return Ok(());
        }
        if certain && !(self.links && is_linked) {
            return cells::write(&mut self.out, changed.into_iter());
        }
        queue!(self.out, MoveTo(0, y), Clear(ClearType::UntilNewLine))?;
        let linked = if self.links { linked.as_slice() } else { &[] };
        let address_at =
            |x: u16| linked.iter().find(|link| link.columns.contains(&x)).map(|link| link.address.as_str());
        let mut x = 0u16;
        while let Some(cell) = new.get(usize::from(x)) {
            if *cell == Cell::EMPTY {
                x += 1;
                continue;
            }
            let address = address_at(x);
            // One run: cells that every terminal draws alike, up to and including one cluster, all of one address.
            let mut run = Vec::new();
            while let Some(cell) = new.get(usize::from(x)) {
                if *cell == Cell::EMPTY || address_at(x) != address {
                    break;
                }
                run.push((x, y, cell));
                x += text_width(cell.symbol()).max(1);
                if !is_certain(cell) {
                    break;
                }
            }
            if let Some(address) = address {
                queue!(self.out, Print(open_link(address)))?;
            }
            // One call per run, because each begins with the cursor position.
            cells::write(&mut self.out, run.into_iter())?;
            if address.is_some() {
                queue!(self.out, Print(CLOSE_LINK))?;
            }
        }
        Ok(())
    }
}

/// Returns the cells of a row.
fn row(buffer: &Buffer, y: u16) -> &[Cell] {
    let width = usize::from(buffer.area.width);
    let start = usize::from(y) * width;
    &buffer.content()[start..start + width]
}

/// Returns the addresses of a row.
fn links(drawing: &Drawing, y: u16) -> impl Iterator<Item = (&std::ops::Range<u16>, &str)> {
    drawing.links.iter().filter(move |link| link.row == y).map(|link| (&link.columns, link.address.as_str()))
}

/// Returns whether every terminal gives this cell exactly one column.
fn is_certain(cell: &Cell) -> bool {
    only_char(cell.symbol()).is_some_and(stands_alone)
}

/// Ends a link.
const CLOSE_LINK: &str = "\x1b]8;;\x1b\\";

/// Begins a link. The same address has the same id on every row, so that a terminal highlights it completely.
fn open_link(address: &str) -> String {
    format!("\x1b]8;id={:x};{address}\x1b\\", crate::theme::fnv(address))
}
