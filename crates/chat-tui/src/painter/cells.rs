//! Writes cells with their looks: the bytes of ratatui's backend, without formatting each cell.

use std::io::{self, Write};

use crossterm::cursor::MoveTo;
use crossterm::queue;
use crossterm::style::{
    Attribute, Color, Colors, SetAttribute, SetBackgroundColor, SetColors, SetForegroundColor, SetUnderlineColor,
};
use ratatui::buffer::Cell;
use ratatui::prelude::IntoCrossterm;
use ratatui::style::Modifier;

/// Writes cells, each with its column and row, and ends with the default look. The cursor is moved only where a cell does
/// not follow the one before.
pub(super) fn write<'a>(out: &mut impl Write, cells: impl Iterator<Item = (u16, u16, &'a Cell)>) -> io::Result<()> {
    let mut look = &Cell::EMPTY;
    let mut expected = None;
    for (x, y, cell) in cells {
        if expected != Some((x, y)) {
            queue!(out, MoveTo(x, y))?;
        }
        expected = Some((x + 1, y));
        if cell.modifier != look.modifier {
            write_attributes(out, look.modifier, cell.modifier)?;
        }
        if (cell.fg, cell.bg) != (look.fg, look.bg) {
            queue!(out, SetColors(Colors::new(cell.fg.into_crossterm(), cell.bg.into_crossterm())))?;
        }
        look = cell;
        out.write_all(cell.symbol().as_bytes())?;
    }
    queue!(
        out,
        SetForegroundColor(Color::Reset),
        SetBackgroundColor(Color::Reset),
        SetUnderlineColor(Color::Reset),
        SetAttribute(Attribute::Reset)
    )
}

/// Changes the attributes that the palettes use.
fn write_attributes(out: &mut impl Write, from: Modifier, to: Modifier) -> io::Result<()> {
    let (gone, new) = (from - to, to - from);
    // One sequence ends both bold and dim, so that the other one has to be set again.
    let plain = gone.intersects(Modifier::BOLD | Modifier::DIM);
    for (is_due, attribute) in [
        (gone.contains(Modifier::REVERSED), Attribute::NoReverse),
        (plain, Attribute::NormalIntensity),
        (plain && to.contains(Modifier::DIM), Attribute::Dim),
        (plain && to.contains(Modifier::BOLD), Attribute::Bold),
        (gone.contains(Modifier::UNDERLINED), Attribute::NoUnderline),
        (new.contains(Modifier::REVERSED), Attribute::Reverse),
        (!plain && new.contains(Modifier::BOLD), Attribute::Bold),
        (new.contains(Modifier::UNDERLINED), Attribute::Underlined),
        (!plain && new.contains(Modifier::DIM), Attribute::Dim),
    ] {
        if is_due {
            queue!(out, SetAttribute(attribute))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::backend::{Backend, CrosstermBackend};
    use ratatui::style::{Color, Style};

    use super::*;

    fn any_cell() -> impl Strategy<Value = Cell> {
        let symbol = proptest::sample::select(vec![" ", "a", "я", "漢", "e\u{301}"]);
        let colour = || proptest::sample::select(vec![Color::Reset, Color::Indexed(16), Color::Indexed(221)]);
        let looks = vec![Modifier::BOLD, Modifier::DIM, Modifier::UNDERLINED, Modifier::REVERSED];
        let modifiers = proptest::sample::subsequence(looks, 0..=4).prop_map(|looks| looks.into_iter().collect());
        (symbol, colour(), colour(), modifiers).prop_map(|(symbol, fg, bg, modifiers): (_, _, _, Modifier)| {
            let mut cell = Cell::EMPTY;
            cell.set_symbol(symbol).set_style(Style::new().fg(fg).bg(bg).add_modifier(modifiers));
            cell
        })
    }

    proptest! {
        #[test]
        fn bytes_are_those_of_the_backend(cells in proptest::collection::vec((any_cell(), 0u16..2), 0..12)) {
            let mut x = 0;
            let places = cells.iter().map(|(cell, skipped)| {
                x += 1 + skipped;
                (x, 3, cell)
            });
            let places: Vec<_> = places.collect();
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            write(&mut ours, places.iter().copied()).unwrap();
            CrosstermBackend::new(&mut theirs).draw(places.iter().copied()).unwrap();
            prop_assert_eq!(String::from_utf8(ours).unwrap(), String::from_utf8(theirs).unwrap());
        }
    }
}
