//! The mode of a terminal in which keys arrive one by one and are not echoed, and the keys for signals still work.

use std::io;
#[cfg(unix)]
use std::sync::{Mutex, PoisonError};

#[cfg(unix)]
use rustix::termios::{InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

/// The modes from before. Global, because the thread that ends a stuck program restores them.
#[cfg(unix)]
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// The mode, until the value is dropped.
pub(super) struct TypingMode(());

#[cfg(unix)]
impl TypingMode {
    pub(super) fn enter() -> io::Result<Self> {
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(tcgetattr(io::stdin())?);
        let mode = Self(());
        mode.resume()?;
        Ok(mode)
    }

    /// Sets the mode again, after another program had the terminal.
    pub(super) fn resume(&self) -> io::Result<()> {
        let Some(mut typing) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).clone() else {
            return Ok(());
        };
        typing.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::IEXTEN);
        // Enter and Ctrl+J are different keys.
        typing.input_modes.remove(InputModes::ICRNL);
        // One byte is enough for a read; on some systems the number stands in the place of another setting.
        typing.special_codes[SpecialCodeIndex::VMIN] = 1;
        typing.special_codes[SpecialCodeIndex::VTIME] = 0;
        Ok(tcsetattr(io::stdin(), OptionalActions::Now, &typing)?)
    }
}

#[cfg(unix)]
impl Drop for TypingMode {
    fn drop(&mut self) {
        restore();
    }
}

/// Restores the modes, once.
#[cfg(unix)]
pub(crate) fn restore() {
    if let Some(before) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // The terminal may be gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &before);
    }
}

#[cfg(not(unix))]
impl TypingMode {
    pub(super) fn enter() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn resume(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(not(unix))]
pub(crate) fn restore() {}
