//! Takes the terminal, draws on it, and restores it, also after a panic.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU8, Ordering};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use crossterm::style::{Print, ResetColor};
use crossterm::terminal::{
    self, BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
};
use crossterm::{cursor, event, execute, queue};
use tokio::sync::Notify;

use crate::app::App;
use crate::drawing::Glyphs;
use crate::environment::{Environment, Multiplexer, load_tmux_buffer};
use crate::event::CopyResult;
use crate::painter::Painter;
use crate::theme::Theme;
use crate::view;

/// Whose the terminal is: [`GIVEN_BACK`], [`TAKEN`] or [`RESTORING`]. Global, because a panic in any thread has to give
/// it back.
static OWNER: AtomicU8 = AtomicU8::new(GIVEN_BACK);

const GIVEN_BACK: u8 = 0;
const TAKEN: u8 = 1;
/// A thread restores it, and may be stuck in that.
const RESTORING: u8 = 2;

/// Notified when a thread has panicked: the screen must no longer be drawn.
static PANICKED: Notify = Notify::const_new();

/// Makes the terminal save its window title.
const SAVE_TITLE: &str = "\x1b[22;0t";
const RESTORE_TITLE: &str = "\x1b[23;0t";

/// The background (OSC 11); a sign of ambiguous width in the second row and where the cursor is then; the attributes of
/// the terminal.
const QUESTIONS: &str = "\x1b]11;?\x1b\\\x1b[2;1H│\x1b[6n\r \x1b[c";

/// Saves whether the wheel sends arrows, and disables that: an arrow would replace the typed text.
const ALTERNATE_SCROLL_OFF: &str = "\x1b[?1007s\x1b[?1007l";

/// Begins a row below everything, as programs with curses do: GNU screen and older Linux consoles have only one screen,
/// and the shell would write on after the typed text.
const BELOW_THE_SCREEN: &str = "\x1b[999;1H\r\n";

/// Buttons and the wheel are reported (mode 1000), as decimal numbers (1006).
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

/// Returns the sequence that restores this. Alacritty cannot save it, and has it enabled by default.
fn restore_alternate_scroll() -> &'static str {
    let is_alacritty = std::env::var("TERM").is_ok_and(|term| term.starts_with("alacritty"));
    if is_alacritty { "\x1b[?1007h" } else { "\x1b[?1007r" }
}

/// A taken terminal, restored when dropped.
pub(crate) struct TerminalGuard {
    painter: Painter<Vec<u8>>,
    multiplexer: Multiplexer,
    /// The program has the mouse.
    mouse: bool,
}

impl TerminalGuard {
    /// Takes the terminal. A panic restores it before its message is printed.
    pub(crate) fn take(environment: Environment) -> io::Result<Self> {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            PANICKED.notify_one();
            previous(panic);
        }));
        // No guard exists yet that would restore it when dropped.
        enter().inspect_err(|_| give_back())?;
        let painter = Painter::new(Vec::new(), environment.links);
        Ok(Self { painter, multiplexer: environment.multiplexer, mouse: false })
    }

    pub(crate) fn size(&self) -> io::Result<(u16, u16)> {
        // Some terminals do not know their size.
        terminal::size().map(|size| if size.0 == 0 || size.1 == 0 { (80, 24) } else { size })
    }

    /// Draws the application, in one synchronized update if the terminal supports it.
    pub(crate) fn draw(&mut self, app: &App, theme: Theme, glyphs: Glyphs) -> io::Result<()> {
        let mut drawing = self.painter.blank(app.width, app.height);
        view::draw_on(&mut drawing, app, theme);
        if glyphs == Glyphs::Ascii {
            drawing.use_ascii();
        }
        self.painter.out().clear();
        queue!(self.painter.out(), BeginSynchronizedUpdate)?;
        self.painter.paint(drawing)?;
        queue!(self.painter.out(), EndSynchronizedUpdate)?;
        // One write, as far as the terminal takes it.
        let mut out = io::stdout().lock();
        out.write_all(self.painter.out())?;
        out.flush()
    }

    /// Asks for the background, for the width of a sign, and last for something that every terminal answers. The answers
    /// come with the keys.
    pub(crate) fn ask(&mut self) -> io::Result<()> {
        let mut out = io::stdout();
        out.write_all(QUESTIONS.as_bytes())?;
        out.flush()
    }

    /// Discards the last screen, so that the next drawing is complete.
    pub(crate) fn forget(&mut self) {
        self.painter.forget();
    }

    /// Leaves the screen for plain lines; the keys still come one by one.
    pub(crate) fn show_bare(&mut self, text: &str) -> io::Result<()> {
        // In raw mode a line feed does not return to the first column.
        let text = text.replace('\n', "\r\n");
        // Here the terminal selects.
        let mouse = if self.mouse { MOUSE_OFF } else { "" };
        let text = format!("{mouse}{text}");
        execute!(
            io::stdout(),
            ResetColor,
            Print(BELOW_THE_SCREEN),
            LeaveAlternateScreen,
            terminal::EnableLineWrap,
            cursor::Show,
            Print(text)
        )
    }

    /// Makes the terminal report buttons and the wheel, or not.
    pub(crate) fn take_mouse(&mut self, taken: bool) -> io::Result<()> {
        self.mouse = taken;
        execute!(io::stdout(), Print(if taken { MOUSE_ON } else { MOUSE_OFF }))
    }

    /// Returns to the screen.
    pub(crate) fn end_bare(&mut self) -> io::Result<()> {
        execute!(io::stdout(), EnterAlternateScreen, terminal::DisableLineWrap)?;
        self.take_mouse(self.mouse)?;
        self.forget();
        Ok(())
    }

    /// Restores the terminal temporarily.
    pub(crate) fn leave(&mut self) {
        give_back();
    }

    /// Takes the terminal again.
    pub(crate) fn resume(&mut self) -> io::Result<()> {
        enter()?;
        self.take_mouse(self.mouse)?;
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
        if shown && let Some(notification) = self.multiplexer.wrap(&notification(text)) {
            out.write_all(notification.as_bytes())?;
        }
        out.write_all(b"\x07")?;
        out.flush()
    }

    /// Gives a text to the terminal's clipboard (OSC 52), which works over ssh too.
    pub(crate) fn copy(&mut self, text: &str) -> io::Result<CopyResult> {
        let sequence = format!("\x1b]52;c;{}\x07", BASE64_STANDARD.encode(text));
        let sequence = match self.multiplexer {
            Multiplexer::Tmux { clipboard: true, .. } => Some(sequence),
            other => other.wrap(&sequence),
        };
        let Some(sequence) = sequence else {
            return Ok(if load_tmux_buffer(text) { CopyResult::TmuxBuffer } else { CopyResult::Blocked });
        };
        let mut out = io::stdout();
        out.write_all(sequence.as_bytes())?;
        out.flush()?;
        Ok(CopyResult::Done)
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
    // The library skips modes that it believes to be set.
    if OWNER.load(Ordering::Acquire) == TAKEN && set_raw_again().is_err() {
        terminal::disable_raw_mode()?;
    }
    terminal::enable_raw_mode()?;
    if OWNER.swap(TAKEN, Ordering::AcqRel) != TAKEN {
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

/// Sets the modes for keys without setting any others in between: what is typed meanwhile would change its meaning, Enter
/// above all.
#[cfg(unix)]
fn set_raw_again() -> io::Result<()> {
    let mut modes = rustix::termios::tcgetattr(io::stdin())?;
    modes.make_raw();
    Ok(rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, &modes)?)
}

#[cfg(not(unix))]
fn set_raw_again() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Restores the terminal, once. Errors are ignored, because the terminal may be gone.
fn give_back() {
    if OWNER.compare_exchange(TAKEN, RESTORING, Ordering::AcqRel, Ordering::Acquire).is_ok() {
        let mut out = io::stdout();
        let _ = write_restoring(&mut out).and_then(|()| out.flush());
        let _ = terminal::disable_raw_mode();
        OWNER.store(GIVEN_BACK, Ordering::Release);
    }
}

/// Restores the terminal while another thread may be stuck in a write to it, as in that of [`give_back`]: without the
/// lock of standard output, and without waiting for a terminal that takes nothing.
pub(crate) fn give_back_at_once() {
    if OWNER.swap(GIVEN_BACK, Ordering::AcqRel) == GIVEN_BACK {
        return;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        let flags = (rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY).bits().cast_signed();
        // Opened separately: the flags of standard output are shared with the shell.
        if let Ok(mut terminal) = std::fs::OpenOptions::new().write(true).custom_flags(flags).open("/dev/tty") {
            let mut bytes = Vec::new();
            let _ = write_restoring(&mut bytes).and_then(|()| terminal.write_all(&bytes));
        }
    }
    let _ = terminal::disable_raw_mode();
}

fn write_restoring(out: &mut impl Write) -> io::Result<()> {
    queue!(
        out,
        EndSynchronizedUpdate,
        Print(MOUSE_OFF),
        event::DisableFocusChange,
        event::DisableBracketedPaste,
        terminal::EnableLineWrap,
        ResetColor,
        Print(BELOW_THE_SCREEN),
        LeaveAlternateScreen,
        cursor::Show,
        Print(restore_alternate_scroll()),
        Print(RESTORE_TITLE)
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nickname_is_no_command() {
        assert_eq!(notification("4;1;50: hi\x07"), "\x1b]9;chat: 4;1;50: hi\x07");
    }

    #[test]
    fn no_text_ends_a_sequence_early() {
        assert_eq!(one_line("a\x1b\\b\x07c\u{9c}d"), "a\\bcd");
    }
}
