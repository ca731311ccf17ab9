//! What a frame costs. It asserts no time; it says what it took:
//! `cargo test --release -p chat-tui --bin chat-tui frame_cost -- --ignored --nocapture`

use std::time::Instant;

use crossterm::event::KeyCode;
use ratatui::{Terminal, backend::TestBackend};

use crate::{
    app::stage::{chatting, page},
    lang::Lang,
    message::Message,
    theme::Theme,
    timeline::Wanted,
};

#[test]
#[ignore = "a measurement"]
fn frame_cost() {
    const FRAMES: u32 = 2_000;
    for lines in [1_000u64, 1_000_000] {
        let mut app = chatting(Lang::En, 200, 50);
        app.chat.timeline.read_again();
        app.take_all([Message::Tick, Message::Page(Wanted::Tail, page(lines - 400..lines, lines))]);
        app.press(KeyCode::PageUp);
        let mut terminal = Terminal::new(TestBackend::new(200, 50)).unwrap();
        let mut spent = Vec::new();
        for turn in 0..FRAMES {
            app.press(if turn % 2 == 0 { KeyCode::PageUp } else { KeyCode::PageDown });
            let begun = Instant::now();
            terminal.draw(|frame| crate::view::draw(&app, Theme { colours: true }, frame)).unwrap();
            spent.push(begun.elapsed());
        }
        spent.sort();
        let median = spent[spent.len() / 2];
        println!("200x50, {lines} lines of history: {median:?} a frame, median of {FRAMES}");
    }
}
