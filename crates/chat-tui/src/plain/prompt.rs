//! The input row of plain mode in a terminal: it is typed and edited here, so that it can be drawn again below a message
//! that arrives meanwhile.

use crate::app::COMMANDS;
use crate::event::AppEvent;
use crate::keymap::{self, Action};
use crate::line_editor::{Edit, LineEditor};

/// Moves to the start of the row, and erases it.
const ERASE_ROW: &str = "\r\x1b[K";

/// What was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Typed {
    Line(String),
    /// The end of the input.
    End,
}

/// The row with the text.
#[derive(Debug, Default)]
pub(super) struct Prompt {
    editor: LineEditor,
    /// The row on the terminal, and the column of the cursor.
    shown: Option<(String, u16)>,
}

impl Prompt {
    /// Handles an event of the terminal. `names` are the nicknames to complete. Returns the typed lines, and what to
    /// write for them.
    pub(super) fn handle(&mut self, event: AppEvent, names: &[String]) -> (Vec<Typed>, String) {
        let (mut typed, mut output) = (Vec::new(), String::new());
        match event {
            AppEvent::Key(key) => match keymap::action(key) {
                Some(Action::Type(letter)) => self.edit(Edit::Insert(letter.to_string())),
                Some(Action::Edit(edit)) => self.edit(edit),
                Some(Action::EndOrDelete) if self.editor.is_empty() => typed.push(Typed::End),
                Some(Action::EndOrDelete) => self.edit(Edit::Delete),
                Some(Action::Next) => self.complete(names, false),
                Some(Action::Previous) => self.complete(names, true),
                Some(Action::Submit | Action::NewLine) => typed.push(self.submit(&mut output)),
                _ => {}
            },
            // Lines that were pasted; the rest of the last one stays in the row.
            AppEvent::Paste(text) => {
                let mut lines = text.split('\n');
                let rest = lines.next_back().unwrap_or_default();
                for line in lines {
                    self.edit(Edit::Insert(line.to_owned()));
                    typed.push(self.submit(&mut output));
                }
                self.edit(Edit::Insert(rest.to_owned()));
            }
            _ => {}
        }
        (typed, output)
    }

    /// Returns what removes the row from the terminal.
    pub(super) fn erase(&mut self) -> &'static str {
        if self.shown.take().is_some_and(|(row, _)| !row.is_empty()) { ERASE_ROW } else { "" }
    }

    /// Returns what draws the row, on a terminal of `width` columns. Of a text that does not fit, the part around the
    /// cursor is shown.
    pub(super) fn draw(&mut self, width: u16) -> String {
        // The last column stays free: in it some terminals wrap and some do not.
        let (mut rows, (row, column)) = self.editor.rows(width.saturating_sub(1));
        let next = (rows.swap_remove(row), column);
        let (shown, at) = self.shown.take().unwrap_or_default();
        let end = crate::width::text_width;
        let drawn = match next.0.strip_prefix(shown.as_str()) {
            // A screen reader speaks what is written, so a letter at the end is written alone.
            Some(more) if at == end(&shown) && column == end(&next.0) => more.to_owned(),
            _ => {
                let forward = if column == 0 { String::new() } else { format!("\x1b[{column}C") };
                format!("{ERASE_ROW}{}\r{forward}", next.0)
            }
        };
        self.shown = Some(next);
        drawn
    }

    fn submit(&mut self, output: &mut String) -> Typed {
        let text = self.editor.take();
        // The line stays on the terminal, and the next one begins below it.
        if self.shown.as_ref().is_none_or(|(row, _)| *row != text) {
            let clean = chat_client::display::clean_for_terminal(&text).into_owned();
            output.push_str(&format!("{ERASE_ROW}{clean}"));
        }
        output.push_str("\r\n");
        self.shown = None;
        Typed::Line(text)
    }

    fn edit(&mut self, edit: Edit) {
        // A text that is too long is refused whole.
        self.editor.apply(edit);
    }

    fn complete(&mut self, names: &[String], backwards: bool) {
        if !self.editor.complete_command(&COMMANDS, backwards) {
            self.editor.complete(names.iter().map(String::as_str), backwards);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_decoder::{Input, KeyDecoder};

    /// Types into a terminal of 20 columns. Returns the lines, and the rows of the terminal.
    fn type_in(prompt: &mut Prompt, screen: &mut vt100::Parser, keys: &str) -> Vec<Typed> {
        let mut typed = Vec::new();
        for input in KeyDecoder::default().feed(keys.as_bytes()) {
            let event = match input {
                Input::Key(key) => AppEvent::Key(key),
                Input::Paste(text) => AppEvent::Paste(text),
                Input::Focus(focus) => AppEvent::Focus(focus),
                Input::Report(_) | Input::Wheel { .. } => continue,
            };
            let (lines, output) = prompt.handle(event, &["Jolly Ann".to_owned()]);
            typed.extend(lines);
            screen.process(output.as_bytes());
            screen.process(prompt.draw(20).as_bytes());
        }
        typed
    }

    #[test]
    fn a_message_keeps_the_typed_row_whole() {
        let (mut prompt, mut screen) = (Prompt::default(), vt100::Parser::new(4, 20, 0));
        type_in(&mut prompt, &mut screen, "half a");
        screen.process(prompt.erase().as_bytes());
        screen.process(b"Jolly Ann: hi\r\n");
        screen.process(prompt.draw(20).as_bytes());
        assert_eq!(screen.screen().contents(), "Jolly Ann: hi\nhalf a");
        assert_eq!(screen.screen().cursor_position(), (1, 6));
        let lines = type_in(&mut prompt, &mut screen, "\x1b[D\x1b[Dn \r");
        assert_eq!(lines, [Typed::Line("halfn  a".into())]);
        assert_eq!(screen.screen().contents(), "Jolly Ann: hi\nhalfn  a");
    }

    #[test]
    fn a_letter_at_the_end_is_written_alone() {
        let mut prompt = Prompt::default();
        let key = |c| {
            AppEvent::Key(crossterm::event::KeyEvent::new(
                crossterm::event::KeyCode::Char(c),
                crossterm::event::KeyModifiers::NONE,
            ))
        };
        prompt.handle(key('a'), &[]);
        assert_eq!(prompt.draw(80), "a");
        prompt.handle(key('я'), &[]);
        assert_eq!(prompt.draw(80), "я");
    }

    #[test]
    fn long_text_shows_the_part_at_the_cursor() {
        let (mut prompt, mut screen) = (Prompt::default(), vt100::Parser::new(3, 20, 0));
        type_in(&mut prompt, &mut screen, "abcdefghijklmnopqrstuvwxyz");
        assert_eq!(screen.screen().contents(), "tuvwxyz");
        assert_eq!(type_in(&mut prompt, &mut screen, "\r").len(), 1);
        assert_eq!(screen.screen().contents().replace('\n', ""), "abcdefghijklmnopqrstuvwxyz");
    }

    #[test]
    fn pasted_lines_are_lines() {
        let (mut prompt, mut screen) = (Prompt::default(), vt100::Parser::new(3, 20, 0));
        let lines = type_in(&mut prompt, &mut screen, "\x1b[200~one\ntwo\nthr\x1b[201~");
        assert_eq!(lines, [Typed::Line("one".into()), Typed::Line("two".into())]);
        assert_eq!(screen.screen().contents(), "one\ntwo\nthr");
        assert_eq!(type_in(&mut prompt, &mut screen, "\x04"), []);
        assert_eq!(type_in(&mut prompt, &mut screen, "\x15\x04"), [Typed::End]);
    }
}
