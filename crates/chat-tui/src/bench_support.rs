//! What `cargo bench` draws: a reader who turns the pages of a long history. It is no part of the program, and measures
//! nothing itself.

use chat_client::{Account, Nickname, Token};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use ratatui::buffer::Cell;

use crate::app::{App, Start};
use crate::drawing::Drawing;
use crate::event::{AppEvent, KnownAccount};
use crate::lang::Lang;
use crate::painter::Painter;
use crate::theme::Theme;
use crate::timeline::{FileSpan, HistoryPage, PageLine, PageRequest};
use crate::view;

/// As much of the history as the program has in its hands when it has just started.
const PAGE: u64 = 400;

/// A chat on a screen in memory, the last page of its history read.
#[derive(Debug)]
pub struct Pages {
    app: App,
    painter: Painter<Vec<u8>>,
    drawing: Drawing,
    up: bool,
}

impl Pages {
    /// A history of so many lines on a screen of this size.
    ///
    /// # Errors
    /// None that can be met: the names in it are right and the screen is memory.
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
        let mut pages =
            Self { app, painter: Painter::new(Vec::new(), true), drawing: Drawing::new(width, height), up: false };
        // Away from the end, where nothing is left out.
        pages.turn();
        Ok(pages)
    }

    /// Goes a page up or down, in turn, so that every frame differs from the one before.
    pub fn turn(&mut self) {
        self.up = !self.up;
        let key = KeyEvent::new(if self.up { KeyCode::PageUp } else { KeyCode::PageDown }, KeyModifiers::NONE);
        self.app.update(AppEvent::Key(key), Timestamp::UNIX_EPOCH);
    }

    /// Draws the frame.
    ///
    /// # Errors
    /// None: the screen is memory.
    pub fn draw(&mut self) -> anyhow::Result<()> {
        self.drawing = view::draw(&self.app, Theme { colours: true }, self.app.width, self.app.height);
        self.painter.out().clear();
        self.painter.paint(self.drawing.clone())?;
        Ok(())
    }

    /// The rows of the screen as they are now.
    #[must_use]
    pub fn screen(&self) -> String {
        let row = |cells: &[Cell]| cells.iter().map(Cell::symbol).collect::<String>();
        let rows = self.drawing.buffer.content().chunks(usize::from(self.app.width.max(1))).map(row);
        rows.collect::<Vec<_>>().join("\n")
    }
}

/// The end of a history in which each line has ten bytes.
fn last_page(of: u64) -> HistoryPage {
    let range = of.saturating_sub(PAGE)..of;
    let lines = range.clone().map(|number| PageLine {
        at: Some(DateTime::constant(2023, 1, 13, 12, 0, 0, 0)),
        sender: Some("Jolly Ann".into()),
        text: format!("line {number}"),
        mark: FileSpan { start: number * 10, end: number * 10 + 10 },
    });
    HistoryPage { lines: lines.collect(), at_start: range.start == 0, at_end: true, end: of * 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frames_that_are_measured_are_full_and_differ() {
        let mut pages = Pages::open(200, 50, 1_000_000).unwrap();
        pages.draw().unwrap();
        let up = pages.screen();
        assert!(up.matches("Jolly Ann: line 999").count() > 40, "{up}");
        pages.turn();
        pages.draw().unwrap();
        assert_ne!(pages.screen(), up);
    }
}
