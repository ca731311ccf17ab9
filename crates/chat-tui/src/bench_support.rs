//! Draws the frames that `cargo bench` measures: a long history, page by page.

use chat_client::{Account, Nickname, Token};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use ratatui::buffer::Cell;

use crate::app::{App, Start};
use crate::event::{AppEvent, KnownAccount};
use crate::lang::Lang;
use crate::painter::Painter;
use crate::theme::Theme;
use crate::timeline::{FileSpan, HistoryPage, PageLine, PageRequest};
use crate::view;

/// As much of the history as the program loads at its start.
const PAGE: u64 = 400;

/// A chat on a screen in memory, with the last page of its history loaded.
#[derive(Debug)]
pub struct Pages {
    app: App,
    painter: Painter<Vec<u8>>,
    up: bool,
}

impl Pages {
    /// Opens a history with this many lines on a screen of this size.
    ///
    /// # Errors
    /// None in practice: the names are valid and the screen is in memory.
    pub fn open(width: u16, height: u16, lines: u64) -> anyhow::Result<Self> {
        let account = Account {
            nickname: Nickname::new("Keen Bob")?,
            token: Token::new("9a08f44c-c541-41eb-8c47-0242ac110002")?,
        };
        let mut app = App::new(Start {
            lang: Lang::En,
            zone: TimeZone::UTC,
            now: Timestamp::UNIX_EPOCH,
            width,
            height,
            place: "127.0.0.1".into(),
            register: false,
            nickname: None,
            token: None,
        });
        app.update(AppEvent::Accounts(vec![KnownAccount { account, asked: None }]), Timestamp::UNIX_EPOCH);
        app.update(AppEvent::Page(PageRequest::Tail, last_page(lines)), Timestamp::UNIX_EPOCH);
        let mut pages = Self { app, painter: Painter::new(Vec::new(), true), up: false };
        // Away from the end, so that every frame is full.
        pages.turn();
        Ok(pages)
    }

    /// Goes a page up or down alternately, so that every frame differs from the one before.
    pub fn turn(&mut self) {
        self.up = !self.up;
        let key = KeyEvent::new(if self.up { KeyCode::PageUp } else { KeyCode::PageDown }, KeyModifiers::NONE);
        self.app.update(AppEvent::Key(key), Timestamp::UNIX_EPOCH);
    }

    /// Draws a frame as the program does: the layout, the cells, and the bytes for the terminal, which are returned.
    ///
    /// # Errors
    /// None: the screen is in memory.
    pub fn draw(&mut self) -> anyhow::Result<&[u8]> {
        self.painter.out().clear();
        let mut drawing = self.painter.blank(self.app.width, self.app.height);
        view::draw_on(&mut drawing, &self.app, Theme::Dark);
        self.painter.paint(drawing)?;
        Ok(self.painter.out())
    }

    /// Returns the rows of the screen.
    #[must_use]
    pub fn screen(&self) -> String {
        let row = |cells: &[Cell]| cells.iter().map(Cell::symbol).collect::<String>();
        let cells = self.painter.shown().map_or(&[][..], |drawing| drawing.buffer.content());
        let rows = cells.chunks(usize::from(self.app.width.max(1))).map(row);
        rows.collect::<Vec<_>>().join("\n")
    }
}

/// What the users write, again and again.
const CONVERSATION: [(&str, &str); 6] = [
    ("Jolly Ann", "ok"),
    ("Earnest Маша", "у меня была похожая история, когда в зависимостях оказались две версии одной библиотеки"),
    ("Earnest Маша", "помогло cargo update -p ring"),
    ("Peaceful Alexander", "did you see https://docs.example.org/ring ? it explains the flag, and the log says why"),
    ("Jolly Ann", "then see you at eight, platform 3 — and bring the map, mine is from before they moved the station"),
    ("Sincere Влад", "+1"),
];

/// Returns the end of a history in which each line has ten bytes.
fn last_page(of: u64) -> HistoryPage {
    let range = of.saturating_sub(PAGE)..of;
    let lines = range.clone().zip(CONVERSATION.into_iter().cycle()).map(|(number, (sender, text))| PageLine {
        at: Some(DateTime::constant(2023, 1, 13, 12, 0, 0, 0)),
        sender: Some(sender.into()),
        text: format!("line {number}: {text}"),
        mark: FileSpan { start: number * 10, end: number * 10 + 10 },
    });
    HistoryPage { lines: lines.collect(), at_start: range.start == 0, at_end: true, end: of * 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_frames_are_full_and_differ() {
        let mut pages = Pages::open(200, 50, 1_000_000).unwrap();
        pages.draw().unwrap();
        let up = pages.screen();
        assert!(up.matches("│ line 999").count() > 40, "{up}");
        pages.turn();
        pages.draw().unwrap();
        assert_ne!(pages.screen(), up);
    }
}
