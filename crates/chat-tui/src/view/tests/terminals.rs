//! Screens as terminals show them: with and without colours, as escape sequences, with signs of ASCII, with links.

use crossterm::event::KeyCode;
use ratatui::style::{Color, Modifier};

use super::evening::Evening;
use super::screens;
use crate::app::App;
use crate::app::tests::screen;
use crate::app::tests::support::{chatting, said};
use crate::lang::Lang;
use crate::theme::Theme;

#[test]
fn colours_say_nothing_alone() {
    let app = super::evening(Lang::En, 80, 24);
    let draw = |theme| crate::view::draw(&app, theme, app.width, app.height).buffer;
    let (colour, mono) = (draw(Theme::Dark), draw(Theme::None));
    for (with, without) in colour.content().iter().zip(mono.content()) {
        assert_eq!(with.symbol(), without.symbol());
        assert_eq!((without.fg, without.bg), (Color::Reset, Color::Reset));
    }
    assert!(colour.content().iter().any(|cell| cell.fg != Color::Reset), "the coloured screen has colours");
    let text = screen(&app);
    for word in
        ["✓ good", "→ see", "✗ or the day after failed:", "? good night unconfirmed", " new since", "gap ╎ 37 s"]
    {
        assert!(text.contains(word), "{word}\n{text}");
    }
}

/// Wherever colours differ, so does the drawing without them, row by row.
#[test]
fn nothing_is_said_by_colour_alone() {
    let drawn = |app: &App, theme| crate::view::draw(app, theme, app.width, app.height).buffer;
    let all: Vec<_> = screens::screens().into_iter().map(|screen| (screen.name, screen.app)).collect();
    for (one, first) in &all {
        let (colour, plain) = (drawn(first, Theme::Dark), drawn(first, Theme::None));
        for (other, second) in all.iter().filter(|(_, app)| (app.width, app.height) == (first.width, first.height)) {
            let (colour_too, plain_too) = (drawn(second, Theme::Dark), drawn(second, Theme::None));
            let width = usize::from(first.width);
            for y in 0..usize::from(first.height) {
                let row = |buffer: &ratatui::buffer::Buffer| buffer.content()[y * width..(y + 1) * width].to_vec();
                let differ = row(&colour) != row(&colour_too);
                assert_eq!(differ, row(&plain) != row(&plain_too), "row {y} of {one} and {other}");
            }
        }
    }
}

/// What the painter writes is what a terminal shows, on each screen and in each theme.
#[test]
fn a_parser_reads_every_screen() {
    for screen in screens::screens() {
        for theme in [Theme::Dark, Theme::Light, Theme::Neutral, Theme::None] {
            let app = &screen.app;
            let drawing = crate::view::draw(app, theme, app.width, app.height);
            let mut painter = crate::painter::Painter::new(Vec::new(), false);
            painter.paint(drawing.clone()).unwrap();
            let mut parser = vt100::Parser::new(app.height, app.width, 0);
            parser.process(painter.out());
            let at = |x, y| parser.screen().cell(y, x).unwrap().clone();
            let colour = |colour| match colour {
                Color::Indexed(index) => vt100::Color::Idx(index),
                _ => vt100::Color::Default,
            };
            for y in 0..app.height {
                for x in 0..app.width {
                    let (wanted, cell) = (&drawing.buffer[(x, y)], at(x, y));
                    if cell.is_wide_continuation() {
                        continue;
                    }
                    let place = format!("{x},{y} of {} at {}x{} {theme:?}", screen.name, app.width, app.height);
                    let shown = if cell.contents().is_empty() { " " } else { cell.contents() };
                    assert_eq!(shown, wanted.symbol(), "{place}");
                    assert_eq!((cell.fgcolor(), cell.bgcolor()), (colour(wanted.fg), colour(wanted.bg)), "{place}");
                    let has = |modifier| wanted.modifier.contains(modifier);
                    let (bold, reversed) = (has(Modifier::BOLD), has(Modifier::REVERSED));
                    assert_eq!((cell.bold(), cell.inverse()), (bold, reversed), "{place}");
                }
            }
        }
    }
}

#[test]
fn signs_have_an_ascii_form() {
    let app = Evening::begin(Lang::En, 80, 24).return_to_news().lose_the_connection().app;
    let mut drawing = crate::view::draw(&app, Theme::None, app.width, app.height);
    drawing.use_ascii();
    let signs = |symbol: &str| symbol.chars().all(|c| c.is_ascii() || c.is_alphabetic() || c == '🍵');
    assert!(drawing.buffer.content().iter().all(|cell| signs(cell.symbol())), "{:?}", drawing.buffer);
}

#[test]
fn long_address_is_one_link_on_all_rows() {
    let mut app = chatting(Lang::En, 80, 24);
    let address = format!("https://a.example/{}", "0123456789".repeat(14));
    app.take_all([said("Jolly Ann", &format!("see {address} there"), 1)]);
    let linked = |app: &App| {
        let drawing = crate::view::draw(app, Theme::Dark, 80, 24);
        let cells = |link: &crate::drawing::ScreenLink| {
            assert_eq!(link.address, address);
            link.columns.clone().map(|x| drawing.buffer[(x, link.row)].symbol()).collect::<String>()
        };
        drawing.links.iter().map(cells).collect::<Vec<_>>()
    };
    let rows = linked(&app);
    assert!(rows.len() > 1 && rows.concat() == address, "{rows:?}");
    app.press(KeyCode::F(1));
    assert!(linked(&app).iter().all(|text| address.contains(text.as_str())), "a window covers its links");
}
