//! Paints screens one after the other, and reads them back by small terminal models that disagree about the width of
//! clusters.

use proptest::prelude::*;
use ratatui::style::{Modifier, Style};
use unicode_segmentation::UnicodeSegmentation;

use super::*;
use crate::drawing::ScreenLink;

const WIDTH: u16 = 24;
const HEIGHT: u16 = 4;

/// How a terminal draws a grapheme cluster.
#[derive(Debug, Clone, Copy)]
enum Model {
    /// One cell, whatever is in it.
    OneCell,
    /// A cell for each code point.
    EachCodePoint,
    /// The widths that this program assumes.
    Agrees,
}

/// A terminal model with what the painter uses: positions, erasing, and text without wrapping.
struct Terminal {
    model: Model,
    cells: Vec<Vec<String>>,
    x: usize,
    y: usize,
    links: Vec<String>,
}

impl Terminal {
    fn new(model: Model) -> Self {
        let blank = vec![" ".to_owned(); usize::from(WIDTH)];
        Self { model, cells: vec![blank; usize::from(HEIGHT)], x: 0, y: 0, links: Vec::new() }
    }

    fn read(&mut self, bytes: &[u8]) {
        let mut rest = std::str::from_utf8(bytes).unwrap();
        while !rest.is_empty() {
            if let Some(link) = rest.strip_prefix("\x1b]8;") {
                let end = link.find("\x1b\\").unwrap();
                self.links.push(link[..end].to_owned());
                rest = &link[end + 2..];
            } else if let Some(sequence) = rest.strip_prefix("\x1b[") {
                let end = sequence.find(|c: char| c.is_ascii_alphabetic()).unwrap();
                self.control(&sequence[..end], sequence.as_bytes()[end]);
                rest = &sequence[end + 1..];
            } else {
                let end = rest.find('\x1b').unwrap_or(rest.len());
                for cluster in rest[..end].graphemes(true) {
                    self.print(cluster);
                }
                rest = &rest[end..];
            }
        }
    }

    fn control(&mut self, parameters: &str, last: u8) {
        let number = |at: usize| parameters.split(';').nth(at).and_then(|n| n.parse::<usize>().ok());
        match last {
            b'H' => (self.y, self.x) = (number(0).unwrap_or(1) - 1, number(1).unwrap_or(1) - 1),
            b'K' => self.cells[self.y][self.x..].fill(" ".to_owned()),
            b'J' => self.cells.iter_mut().for_each(|row| row.fill(" ".to_owned())),
            b'm' | b'h' | b'l' => {}
            other => panic!("unexpected sequence: {parameters}{}", char::from(other)),
        }
    }

    fn print(&mut self, cluster: &str) {
        let parts: Vec<String> = match self.model {
            Model::OneCell => vec![cluster.to_owned()],
            Model::EachCodePoint => cluster.chars().map(String::from).collect(),
            Model::Agrees => {
                let mut parts = vec![cluster.to_owned()];
                parts.resize(usize::from(text_width(cluster).max(1)), String::new());
                parts
            }
        };
        for part in parts {
            // Without wrapping, the rest of a long row stays in the last column.
            let x = self.x.min(usize::from(WIDTH) - 1);
            self.cells[self.y][x] = part;
            self.x += 1;
        }
    }

    fn rows(&self) -> Vec<String> {
        self.cells.iter().map(|row| row.concat().trim_end().to_owned()).collect()
    }
}

fn screen(rows: &[&str]) -> Drawing {
    let mut drawing = Drawing::new(WIDTH, HEIGHT);
    for (y, row) in (0..HEIGHT).zip(rows) {
        drawing.buffer.set_stringn(0, y, row, usize::from(WIDTH), Style::new());
    }
    drawing
}

/// Returns what such a terminal shows after these screens.
fn shown(model: Model, screens: impl IntoIterator<Item = Drawing>) -> Vec<String> {
    let mut painter = Painter::new(Vec::new(), true);
    let mut terminal = Terminal::new(model);
    for drawing in screens {
        painter.paint(drawing).unwrap();
        terminal.read(painter.out());
        painter.out().clear();
    }
    terminal.rows()
}

#[test]
fn cluster_leaves_nothing_behind() {
    for model in [Model::OneCell, Model::EachCodePoint, Model::Agrees] {
        let gone = shown(model, [screen(&["Ann: नमस्ते"]), screen(&["Ann: 2"])]);
        assert_eq!(gone, ["Ann: 2", "", "", ""], "{model:?}");
        let flag = shown(model, [screen(&["> 🇳🇴"]), screen(&["> "])]);
        assert_eq!(flag, [">", "", "", ""], "{model:?}");
    }
}

#[test]
fn text_after_a_cluster_is_in_its_column() {
    let rows = shown(Model::OneCell, [screen(&["👨‍👩‍👧 ab"])]);
    assert_eq!(rows[0], "👨‍👩‍👧  ab");
}

#[test]
fn unchanged_row_writes_nothing() {
    let mut painter = Painter::new(Vec::new(), true);
    painter.paint(screen(&["नमस्ते", "a"])).unwrap();
    painter.out().clear();
    painter.paint(screen(&["नमस्ते", "b"])).unwrap();
    let text = String::from_utf8(painter.out().clone()).unwrap();
    assert!(!text.contains('न') && text.contains('b'), "{text:?}");
}

#[test]
fn address_has_one_id_on_all_rows() {
    let mut drawing = screen(&["see https://a.ex", "ample/b"]);
    for (row, columns) in [(0, 4..16), (1, 0..7)] {
        drawing.links.push(ScreenLink { row, columns, address: "https://a.example/b".into() });
    }
    let mut painter = Painter::new(Vec::new(), true);
    painter.paint(drawing.clone()).unwrap();
    let mut terminal = Terminal::new(Model::Agrees);
    terminal.read(painter.out());
    assert_eq!(terminal.rows()[..2], ["see https://a.ex", "ample/b"]);
    let [first, close, second, again] = &terminal.links[..] else { panic!("{:?}", terminal.links) };
    assert!(first.starts_with("id=") && first.ends_with(";https://a.example/b"), "{first}");
    assert_eq!((first, close.as_str(), again.as_str()), (second, ";", ";"));
    // A terminal without support for links gets the text alone.
    let mut painter = Painter::new(Vec::new(), false);
    painter.paint(drawing).unwrap();
    assert!(!String::from_utf8_lossy(painter.out()).contains("\x1b]8"));
}

fn any_row() -> impl Strategy<Value = String> {
    let pieces =
        vec!["a", "Боб", " ", "नमस्ते", "क्षत्रिय", "🇳🇴", "🇷", "👨‍👩‍👧", "漢", "e\u{301}", "가", "ำ", "👍🏽", "✓", "│", "0️⃣"];
    proptest::collection::vec(proptest::sample::select(pieces), 0..9).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// A screen looks the same whatever was shown before.
    #[test]
    fn earlier_screens_do_not_show(screens in proptest::collection::vec(proptest::collection::vec(any_row(), 4), 2..5), bold in any::<bool>()) {
        let draw = |rows: &Vec<String>| {
            let mut drawing = screen(&rows.iter().map(String::as_str).collect::<Vec<_>>());
            if bold {
                drawing.buffer.set_style(drawing.buffer.area, Style::new().add_modifier(Modifier::BOLD));
            }
            drawing
        };
        for model in [Model::OneCell, Model::EachCodePoint, Model::Agrees] {
            let after = shown(model, screens.iter().map(draw));
            let fresh = shown(model, screens.last().map(draw));
            prop_assert_eq!(after, fresh, "{:?}", model);
        }
    }
}
