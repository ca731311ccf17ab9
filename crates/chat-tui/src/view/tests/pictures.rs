//! Draws the screens as SVG into `docs/screens`, colours included, so that a change of a screen is a visible change of a
//! file. `UPDATE_SCREENS=1 cargo test -p chat-tui pictures` writes them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::screens::screens;
use crate::theme::{Theme, rgb};
use crate::width::text_width;

/// The size of a cell in the unit of the drawing.
const CELL: (u32, u32) = (9, 18);

/// The colours that a user has chosen for text and background.
const DARK: ([u8; 3], [u8; 3]) = ([0xd3, 0xd0, 0xd8], [0x17, 0x14, 0x21]);
const LIGHT: ([u8; 3], [u8; 3]) = ([0x24, 0x24, 0x28], [0xff, 0xff, 0xff]);

#[test]
fn pictures_are_current() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/screens");
    let wanted: BTreeMap<PathBuf, String> = pictures().map(|(name, svg)| (dir.join(name), svg)).collect();
    if std::env::var_os("UPDATE_SCREENS").is_some() {
        std::fs::create_dir_all(&dir).unwrap();
        wanted.iter().for_each(|(path, svg)| std::fs::write(path, svg).unwrap());
    }
    let is_picture = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "svg");
    let found = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).filter(is_picture);
    let found: BTreeMap<PathBuf, String> =
        found.map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect();
    let changed = wanted.keys().chain(found.keys()).filter(|path| wanted.get(*path) != found.get(*path));
    let changed: Vec<&PathBuf> = changed.collect();
    assert!(
        changed.is_empty(),
        "run UPDATE_SCREENS=1 cargo test -p chat-tui pictures, and look at what has changed: {changed:#?}"
    );
}

fn pictures() -> impl Iterator<Item = (String, String)> {
    screens().into_iter().flat_map(|screen| {
        let app = screen.app;
        screen.themes.iter().map(move |&theme| {
            let buffer = crate::view::draw(&app, theme, app.width, app.height).buffer;
            let (word, ground) = match theme {
                Theme::Light => ("light", LIGHT),
                Theme::None => ("none", DARK),
                _ => ("dark", DARK),
            };
            (format!("{}-{}x{}-{word}.svg", screen.name, app.width, app.height), svg(&buffer, ground))
        })
    })
}

fn svg(buffer: &Buffer, (text, ground): ([u8; 3], [u8; 3])) -> String {
    let area = buffer.area;
    let (width, height) = (u32::from(area.width) * CELL.0 + 12, u32::from(area.height) * CELL.1 + 12);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <style>text {{ font-family: 'DejaVu Sans Mono', Menlo, Consolas, monospace; font-size: 15px; white-space: pre }}</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"4\" fill=\"{}\"/>\n",
        hex(ground)
    );
    for y in 0..area.height {
        let mut x = 0;
        while x < area.width {
            let cell = &buffer[(x, y)];
            let (mut run, mut end) = (String::new(), x);
            while end < area.width && same_look(cell, &buffer[(end, y)]) {
                let symbol = buffer[(end, y)].symbol();
                // A wide character is a run of its own, so that the rest stays in its columns.
                let wide = text_width(symbol) > 1;
                if wide && !run.is_empty() {
                    break;
                }
                run.push_str(symbol);
                end += text_width(symbol).max(1);
                if wide {
                    break;
                }
            }
            draw_run(&mut svg, (x, y, end - x), &run, cell, (text, ground));
            x = end;
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw_run(svg: &mut String, (x, y, cells): (u16, u16, u16), run: &str, cell: &Cell, ground: ([u8; 3], [u8; 3])) {
    let colour = |colour: Color, default: [u8; 3]| match colour {
        Color::Indexed(index) => rgb(index),
        _ => default,
    };
    let (mut text, mut back) = (colour(cell.fg, ground.0), colour(cell.bg, ground.1));
    if cell.modifier.contains(Modifier::REVERSED) {
        (text, back) = (back, text);
    }
    if cell.modifier.contains(Modifier::DIM) {
        text = [0, 1, 2].map(|part| u8::midpoint(text[part], back[part]));
    }
    let (left, top) = (u32::from(x) * CELL.0 + 6, u32::from(y) * CELL.1 + 6);
    let width = u32::from(cells) * CELL.0;
    if back != ground.1 {
        let (height, fill) = (CELL.1, hex(back));
        let _ = writeln!(svg, "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\"/>");
    }
    let shown = run.trim_end();
    let underlined = cell.modifier.contains(Modifier::UNDERLINED);
    if shown.is_empty() && !underlined {
        return;
    }
    let shown = if underlined { run } else { shown };
    let length = u32::from(text_width(shown)) * CELL.0;
    let mut attributes = format!("fill=\"{}\"", hex(text));
    if cell.modifier.contains(Modifier::BOLD) {
        attributes.push_str(" font-weight=\"bold\"");
    }
    if underlined {
        attributes.push_str(" text-decoration=\"underline\"");
    }
    let escaped = shown.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let base = top + 14;
    let _ = writeln!(
        svg,
        "<text x=\"{left}\" y=\"{base}\" textLength=\"{length}\" lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\" {attributes}>{escaped}</text>"
    );
}

fn same_look(one: &Cell, other: &Cell) -> bool {
    (one.fg, one.bg, one.modifier) == (other.fg, other.bg, other.modifier)
}

fn hex([red, green, blue]: [u8; 3]) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}
