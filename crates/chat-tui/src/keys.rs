//! Keys, pastes and sizes, read from the terminal by a thread of their own, so that nothing which
//! the program does keeps a key from being read.

use crossterm::event::{self, Event};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::event::AppEvent;

/// Starts the thread. The channel ends when the terminal does.
pub(crate) fn start() -> std::io::Result<UnboundedReceiver<AppEvent>> {
    // Unbounded: a person, or a paste, is what fills it, and none of it may be lost.
    let (sender, receiver) = unbounded_channel();
    std::thread::Builder::new().name("keys".into()).spawn(move || {
        while let Ok(event) = event::read() {
            if let Some(message) = message(event)
                && sender.send(message).is_err()
            {
                break;
            }
        }
    })?;
    Ok(receiver)
}

fn message(event: Event) -> Option<AppEvent> {
    match event {
        Event::Key(key) => Some(AppEvent::Key(key)),
        Event::Paste(text) => Some(AppEvent::Paste(text)),
        Event::Resize(width, height) => Some(AppEvent::Resize { width, height }),
        Event::FocusGained => Some(AppEvent::Focus(true)),
        Event::FocusLost => Some(AppEvent::Focus(false)),
        Event::Mouse(_) => None,
    }
}
