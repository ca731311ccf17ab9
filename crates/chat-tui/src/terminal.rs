//! Takes the terminal, draws to it, and restores it in any case. The only module that writes escape sequences.

use std::io::{self, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::style::{Print, ResetColor};
use crossterm::terminal::{
    self, BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
};
use crossterm::{cursor, event, execute, queue};
use tokio::sync::Notify;

use crate::app::App;
use crate::painter::Painter;
use crate::theme::Theme;
use crate::view;

/// Whether the terminal is taken. Global, because a panic in any thread has to restore it.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Notified when a thread has panicked: the screen must no longer be drawn.
static PANICKED: Notify = Notify::const_new();

/// Makes the terminal save its window title.
const SAVE_TITLE: &str = "\x1b[22;0t";
const RESTORE_TITLE: &str = "\x1b[23;0t";

/// Saves whether the wheel sends arrows, and disables that: an arrow would replace the typed text.
const ALTERNATE_SCROLL_OFF: &str = "\x1b[?1007s\x1b[?1007l";

/// Returns the sequence that restores this. Alacritty cannot save it, and has it enabled by default.
fn restore_alternate_scroll() -> &'static str {
    let is_alacritty = std::env::var("TERM").is_ok_and(|term| term.starts_with("alacritty"));
    if is_alacritty { "\x1b[?1007h" } else { "\x1b[?1007r" }
}

/// A taken terminal, restored when dropped.
pub(crate) struct TerminalGuard {
    painter: Painter<Stdout>,
}

impl TerminalGuard {
    /// Takes the terminal, and installs a panic hook that restores it before the message is printed.
    pub(crate) fn take(links: bool) -> io::Result<Self> {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            PANICKED.notify_one();
            previous(panic);
        }));
        // No guard exists yet that would restore it when dropped.
        enter().inspect_err(|_| give_back())?;
        Ok(Self { painter: Painter::new(io::stdout(), links) })
    }

    pub(crate) fn size(&self) -> io::Result<(u16, u16)> {
        terminal::size()
    }

    /// Draws the application, in one synchronized update if the terminal supports it.
    pub(crate) fn draw(&mut self, app: &App, theme: Theme) -> io::Result<()> {
        let drawing = view::draw(app, theme, app.width, app.height);
        queue!(self.painter.out(), BeginSynchronizedUpdate)?;
        self.painter.paint(drawing)?;
        execute!(self.painter.out(), EndSynchronizedUpdate)
    }

    /// Discards the last screen, so that the next drawing is complete.
    pub(crate) fn forget(&mut self) {
        self.painter.forget();
    }

    /// Restores the terminal temporarily.
    pub(crate) fn leave(&mut self) {
        give_back();
    }

    /// Takes the terminal again.
    pub(crate) fn resume(&mut self) -> io::Result<()> {
        enter()?;
        self.forget();
        Ok(())
    }

    /// Sets the window title. The text must be clean.
    pub(crate) fn title(&mut self, text: &str) -> io::Result<()> {
        execute!(io::stdout(), terminal::SetTitle(one_line(text)))
    }

    /// Rings the bell, and with `shown` sends a desktop notification through the terminal (OSC 9). The text must be
    /// clean.
    pub(crate) fn notify(&mut self, text: &str, shown: bool) -> io::Result<()> {
        let mut out = io::stdout();
        if shown {
            write!(out, "{}", notification(text))?;
        }
        out.write_all(b"\x07")?;
        out.flush()
    }

    /// Copies a text to the terminal's clipboard (OSC 52), which works over ssh too.
    pub(crate) fn copy(&mut self, text: &str) -> io::Result<()> {
        let mut out = io::stdout();
        write!(out, "\x1b]52;c;{}\x07", base64(text.as_bytes()))?;
        out.flush()
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        give_back();
    }
}

/// Waits until a panic has taken the screen away.
pub(crate) async fn panicked() {
    PANICKED.notified().await;
}

/// Takes the terminal. One stop can be reported twice: if the terminal is already taken, its title is not saved again,
/// but the modes that a shell may have changed are set again.
fn enter() -> io::Result<()> {
    if TAKEN.load(Ordering::Acquire) {
        // The library skips modes that it believes to be set.
        terminal::disable_raw_mode()?;
    }
    terminal::enable_raw_mode()?;
    if !TAKEN.swap(true, Ordering::AcqRel) {
        execute!(io::stdout(), Print(SAVE_TITLE), Print(ALTERNATE_SCROLL_OFF))?;
    }
    execute!(
        io::stdout(),
        EnterAlternateScreen,
        terminal::DisableLineWrap,
        event::EnableBracketedPaste,
        event::EnableFocusChange
    )
}

/// Restores the terminal, once. Errors are ignored, because the terminal may be gone.
fn give_back() {
    if TAKEN.swap(false, Ordering::AcqRel) {
        let _ = execute!(
            io::stdout(),
            EndSynchronizedUpdate,
            event::DisableFocusChange,
            event::DisableBracketedPaste,
            terminal::EnableLineWrap,
            ResetColor,
            LeaveAlternateScreen,
            cursor::Show,
            Print(restore_alternate_scroll()),
            Print(RESTORE_TITLE)
        );
        let _ = terminal::disable_raw_mode();
    }
}

/// Returns the text of a notification. Some terminals interpret a leading digit or keyword as a command, so a fixed
/// word comes first.
fn notification(text: &str) -> String {
    format!("\x1b]9;chat: {}\x07", one_line(text))
}

/// Removes control characters, so that none can end an escape sequence early.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 200;
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, at| bits << 8 | u32::from(chunk.get(at).copied().unwrap_or(0)));
        for digit in 0..4 {
            let six = usize::try_from(bits >> (18 - 6 * digit) & 63).unwrap_or(0);
            text.push(if digit <= chunk.len() { char::from(DIGITS[six]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_matches_the_standard() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn nickname_is_not_a_command() {
        assert_eq!(notification("4;1;50: hi\x07"), "\x1b]9;chat: 4;1;50: hi\x07");
    }

    #[test]
    fn no_text_ends_a_sequence_early() {
        assert_eq!(one_line("a\x1b\\b\x07c\u{9c}d"), "a\\bcd");
    }
}
