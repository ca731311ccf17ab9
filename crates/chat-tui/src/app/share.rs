//! How others join the room: a command, and the link of a page with its QR code.

use chat_frontend::qr;

use super::App;
use crate::effect::Effect;
use crate::event::JoinWays;
use crate::lang::Phrase;

/// Rows below the code: the one that says how to return, and the one of the cursor.
const ROWS_BELOW: u16 = 2;

impl App {
    /// Returns the command that joins a room on another computer.
    pub(crate) fn command_elsewhere(&self) -> Option<String> {
        let local = self.local_room || matches!(self.place.as_str(), "127.0.0.1" | "localhost" | "::1");
        (!local).then(|| format!("chat-tui -lh {}", self.place))
    }

    /// Returns how others join, and the link of the page.
    pub(crate) fn join_lines(&self, ways: &JoinWays) -> (Vec<String>, Option<String>) {
        let elsewhere = self.command_elsewhere();
        // The programs of this computer say nothing about another room.
        let here = elsewhere.is_none().then_some(ways);
        let command = here.and_then(|ways| ways.command.as_deref()).or(elsewhere.as_deref());
        let link = here.and_then(|ways| ways.link.clone());
        let mut lines = Vec::new();
        if command.is_some() || link.is_none() {
            lines.push(self.text(Phrase::HowToJoin(command)));
        }
        match &link {
            Some(link) => lines.push(self.text(Phrase::PageLink(link))),
            None if elsewhere.is_none() && command.is_some() => lines.push(self.text(Phrase::NoPage)),
            None => {}
        }
        (lines, link)
    }

    /// Leaves the screen for the link: the code has its own colours, and the terminal can select the text.
    pub(super) fn take_join_ways(&mut self, ways: &JoinWays) -> Vec<Effect> {
        let (lines, link) = self.join_lines(ways);
        let mut text = lines.join("\n") + "\n";
        if let Some(link) = link {
            match qr::coloured(&link, self.width, self.height.saturating_sub(ROWS_BELOW)) {
                Some(code) => text.push_str(&code),
                None => text.push_str(&(self.text(Phrase::NoPlaceForCode) + "\n")),
            }
        }
        text.push_str(&format!("-- {}\n", self.text(Phrase::BareViewKeys)));
        self.bare = true;
        vec![Effect::BareView(text)]
    }
}
