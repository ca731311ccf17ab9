//! The input of plain mode: lines of standard input, or in a terminal the row that is typed.

use std::io::{self, IsTerminal, Write};

use tokio::sync::mpsc::Receiver;

use super::prompt::{Prompt, Typed};
use super::stdin::{InputLine, read_lines};
use super::typing_mode::TypingMode;
use crate::keys::KeyReader;

/// Where the lines come from.
pub(super) enum PlainInput {
    /// Standard input, or a terminal that edits the line itself.
    Lines(Receiver<InputLine>),
    Typed(Box<TypedInput>),
}

/// A row that is typed in a terminal.
pub(super) struct TypedInput {
    prompt: Prompt,
    keys: KeyReader,
    mode: TypingMode,
}

/// One input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PlainInputEvent {
    Line(InputLine),
    End,
}

impl PlainInput {
    /// Opens the input. The row needs a terminal on both sides that can erase it.
    pub(super) fn open() -> io::Result<Self> {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        if is_dumb || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Ok(Self::Lines(read_lines()?));
        }
        match TypingMode::enter() {
            Ok(mode) => {
                let prompt = Prompt::default();
                Ok(Self::Typed(Box::new(TypedInput { prompt, keys: KeyReader::start()?, mode })))
            }
            // A terminal that cannot be set edits the line itself.
            Err(_) => Ok(Self::Lines(read_lines()?)),
        }
    }

    /// Waits for the next input. `names` are the nicknames to complete. Cancel-safe.
    pub(super) async fn next(&mut self, names: impl FnOnce() -> Vec<String>) -> Vec<PlainInputEvent> {
        match self {
            Self::Lines(lines) => {
                vec![lines.recv().await.map_or(PlainInputEvent::End, PlainInputEvent::Line)]
            }
            Self::Typed(typed) => {
                // What was received is handled without another wait.
                let Some(batch) = typed.keys.recv().await else { return vec![PlainInputEvent::End] };
                let names = names();
                let mut events = Vec::new();
                for event in batch.events {
                    let (lines, output) = typed.prompt.handle(event, &names);
                    // A terminal that is gone ends the input soon.
                    let _ = io::stdout().lock().write_all(output.as_bytes());
                    events.extend(lines.into_iter().map(|line| match line {
                        Typed::Line(text) => PlainInputEvent::Line(InputLine::Text(text)),
                        Typed::End => PlainInputEvent::End,
                    }));
                }
                events
            }
        }
    }

    /// Takes the terminal again after the program was stopped.
    pub(super) fn resume(&mut self) {
        if let Self::Typed(typed) = self {
            // The shell wrote into the row.
            typed.prompt.erase();
            let _ = typed.mode.resume();
        }
    }

    /// Removes the row, before something else is written.
    pub(super) fn erase(&mut self) -> &'static str {
        if let Self::Typed(typed) = self { typed.prompt.erase() } else { "" }
    }

    /// Draws the row.
    pub(super) fn draw(&mut self) -> io::Result<()> {
        let Self::Typed(typed) = self else { return Ok(()) };
        let width = crossterm::terminal::size().map_or(80, |(width, _)| if width == 0 { 80 } else { width });
        let mut out = io::stdout().lock();
        out.write_all(typed.prompt.draw(width).as_bytes())?;
        out.flush()
    }
}
