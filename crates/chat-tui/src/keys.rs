//! Reads the terminal in a separate thread, so that no work of the program delays a key.

#[cfg(unix)]
mod batch;
#[cfg(unix)]
mod pause;

use std::time::Instant;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::event::AppEvent;
use crate::key_decoder::Report;

/// The inputs of one read.
#[derive(Debug)]
pub(crate) struct KeyBatch {
    /// The time of the read. A dialog that was drawn later is not answered by these keys.
    pub(crate) read_at: Instant,
    pub(crate) events: Vec<AppEvent>,
    /// Answers of the terminal.
    pub(crate) reports: Vec<Report>,
}

/// The keys of the terminal.
pub(crate) struct KeyReader {
    batches: UnboundedReceiver<KeyBatch>,
    #[cfg(unix)]
    pause: pause::PauseSwitch,
}

impl KeyReader {
    /// Starts the thread. The keys end when the terminal does.
    pub(crate) fn start() -> std::io::Result<Self> {
        // Unbounded, because only a user or a paste fills it, and none of it may be lost.
        let (sender, batches) = unbounded_channel();
        #[cfg(unix)]
        let (pause, paused) = pause::switch()?;
        std::thread::Builder::new().name("keys".into()).spawn(move || {
            read(
                #[cfg(unix)]
                &std::io::stdin(),
                &sender,
                #[cfg(unix)]
                &paused,
            );
        })?;
        Ok(Self {
            batches,
            #[cfg(unix)]
            pause,
        })
    }

    /// Waits for the keys of the next read. Cancel-safe.
    pub(crate) async fn recv(&mut self) -> Option<KeyBatch> {
        self.batches.recv().await
    }

    /// Returns the keys of the next read, if there are any.
    pub(crate) fn try_recv(&mut self) -> Option<KeyBatch> {
        self.batches.try_recv().ok()
    }

    /// Leaves the keys to another program. Returns once the thread has stopped reading.
    pub(crate) fn pause(&mut self) {
        #[cfg(unix)]
        self.pause.pause();
    }

    /// Reads keys again.
    pub(crate) fn resume(&mut self) {
        #[cfg(unix)]
        self.pause.resume();
    }
}

#[cfg(unix)]
fn read(terminal: &impl std::os::fd::AsFd, sender: &UnboundedSender<KeyBatch>, paused: &pause::PausePoint) {
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;

    use crate::key_decoder::{Input, KeyDecoder};

    /// The most bytes that count as one read if more wait: a whole paste without brackets.
    const MAX_BATCH_BYTES: usize = 1024 * 1024;

    let ready = |timeout: Option<Duration>| {
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        loop {
            let mut sources = [PollFd::new(terminal, PollFlags::IN), PollFd::new(paused.requests(), PollFlags::IN)];
            match poll(&mut sources, timeout.as_ref()) {
                Err(Errno::INTR) => {}
                Ok(_) if !sources[1].revents().is_empty() => paused.wait(),
                ready => return ready.is_ok_and(|count| count > 0),
            }
        }
    };
    let (mut decoder, mut arranger) = (KeyDecoder::default(), batch::Arranger::default());
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let mut bytes = Vec::new();
        // Waits here, so that the thread can be told to pause.
        if ready(decoder.timeout()) {
            // Everything that has arrived together is one batch.
            while bytes.is_empty() || (bytes.len() < MAX_BATCH_BYTES && ready(Some(Duration::ZERO))) {
                match rustix::io::read(terminal, &mut buffer) {
                    Ok(0) => return,
                    Ok(count) => bytes.extend_from_slice(&buffer[..count]),
                    Err(Errno::INTR) => {}
                    Err(_) => return,
                }
            }
        }
        let read_at = Instant::now();
        let inputs = if bytes.is_empty() { decoder.expire() } else { decoder.feed(&bytes) };
        let is_report = |input: &Input| if let Input::Report(report) = input { Some(*report) } else { None };
        let reports: Vec<Report> = inputs.iter().filter_map(is_report).collect();
        let events = arranger.arrange(&inputs, read_at);
        let is_empty = events.is_empty() && reports.is_empty();
        if !is_empty && sender.send(KeyBatch { read_at, events, reports }).is_err() {
            return;
        }
    }
}

#[cfg(not(unix))]
fn read(sender: &UnboundedSender<KeyBatch>) {
    use crossterm::event::{self, Event};

    while let Ok(event) = event::read() {
        let event = match event {
            Event::Key(key) => AppEvent::Key(key),
            Event::Paste(text) => AppEvent::Paste(text),
            Event::Resize(width, height) => AppEvent::Resize { width, height },
            Event::FocusGained => AppEvent::Focus(true),
            Event::FocusLost => AppEvent::Focus(false),
            Event::Mouse(_) => continue,
        };
        if sender.send(KeyBatch { read_at: Instant::now(), events: vec![event], reports: Vec::new() }).is_err() {
            return;
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::{PipeWriter, Write};
    use std::time::Duration;

    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::*;

    /// A terminal whose other end is the test.
    fn terminal() -> (PipeWriter, UnboundedReceiver<KeyBatch>, pause::PauseSwitch) {
        let (reader, writer) = std::io::pipe().unwrap();
        let (sender, batches) = unbounded_channel();
        let (switch, paused) = pause::switch().unwrap();
        std::thread::spawn(move || read(&reader, &sender, &paused));
        (writer, batches, switch)
    }

    async fn next(batches: &mut UnboundedReceiver<KeyBatch>) -> Vec<AppEvent> {
        let batch = tokio::time::timeout(Duration::from_secs(20), batches.recv()).await;
        batch.expect("no key").expect("the thread has ended").events
    }

    fn key(code: KeyCode, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(code, modifiers)
    }

    /// Nothing follows, so that the thread has to notice by itself that it is the key.
    #[tokio::test]
    async fn lone_escape_is_a_key_after_a_while() {
        let (mut writer, mut batches, _switch) = terminal();
        writer.write_all(b"\x1b").unwrap();
        let events = next(&mut batches).await;
        assert!(matches!(events[..], [AppEvent::Key(pressed)] if pressed == key(KeyCode::Esc, KeyModifiers::NONE)));
        writer.write_all(b"\x1bu").unwrap();
        let events = next(&mut batches).await;
        let alt = key(KeyCode::Char('u'), KeyModifiers::ALT);
        assert!(matches!(events[..], [AppEvent::Key(pressed)] if pressed == alt), "{events:?}");
    }

    #[tokio::test]
    async fn keys_end_with_the_terminal() {
        let (mut writer, mut batches, _switch) = terminal();
        writer.write_all(b"x").unwrap();
        assert_eq!(next(&mut batches).await.len(), 1);
        drop(writer);
        let end = tokio::time::timeout(Duration::from_secs(20), batches.recv()).await.expect("no end");
        assert!(end.is_none());
    }
}
