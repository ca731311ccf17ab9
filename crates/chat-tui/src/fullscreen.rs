//! The loop of the full screen: takes events, starts effects, and draws at most once per frame.

use std::io;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc::Receiver;
use tokio::time::sleep_until;

use crate::app::App;
use crate::drawing::Glyphs;
use crate::effect::Effect;
use crate::environment::Environment;
use crate::event::AppEvent;
use crate::external_editor::ExternalEditor;
use crate::key_decoder::Report;
use crate::keymap::{self, Action};
use crate::keys::{KeyBatch, KeyReader};
use crate::services::Services;
use crate::signals::{EndSignal, Signal, SignalStream, stop};
use crate::terminal::{self, TerminalGuard};

/// The shortest time between two drawings under load.
const FRAME: Duration = Duration::from_millis(16);

/// A change by a key is drawn sooner, but not more often than this, so that a held key or a paste that arrives as keys
/// stays cheap.
const KEY_FRAME: Duration = Duration::from_millis(2);

/// How long events are processed before keys are checked again.
const SLICE: Duration = Duration::from_millis(4);

/// How long the end of the program waits for answers of the terminal.
const ANSWER_TIME: Duration = Duration::from_millis(300);

/// A terminal that has not answered after this time does not answer.
const LATEST_ANSWER: Duration = Duration::from_secs(2);

/// The shortest time between two notifications.
const RING: Duration = Duration::from_secs(2);

/// The full screen and its dependencies.
pub(crate) struct Fullscreen {
    pub(crate) app: App,
    pub(crate) screen: TerminalGuard,
    pub(crate) services: Services,
    pub(crate) news: Receiver<AppEvent>,
    pub(crate) environment: Environment,
    /// For the test of how a panic leaves the terminal.
    pub(crate) panic_after_start: bool,
}

impl Fullscreen {
    /// Runs until the user or a signal ends it. Restores the terminal in any case, and returns the services, still
    /// running.
    pub(crate) async fn run(mut self, end: &EndSignal) -> (App, Services, io::Result<()>) {
        let ended = self.turn(end).await;
        if let Some(text) = self.app.changed_draft() {
            self.services.start(Effect::SaveDraft(text));
        }
        drop(self.screen);
        (self.app, self.services, ended)
    }

    async fn turn(&mut self, end: &EndSignal) -> io::Result<()> {
        let mut keys = KeyReader::start()?;
        let mut titled = String::new();
        let mut signals = SignalStream::new(end)?;
        if self.environment.answers {
            self.screen.ask()?;
        }
        let mut answers_to_come = self.environment.answers;
        let begun = Instant::now();
        let mut drawn = Instant::now() - FRAME;
        let mut rung = Instant::now() - RING;
        let mut changed = true;
        let mut asked = None;
        let mut keyed = false;
        let mut effects = Vec::new();
        while !self.app.quitting {
            let frame = if keyed { KEY_FRAME } else { FRAME };
            let is_visible = !self.app.bare;
            if changed && is_visible && drawn.elapsed() >= frame {
                self.measure()?;
                let drawing = Instant::now();
                self.screen.draw(&self.app, self.environment.theme, self.environment.glyphs)?;
                drawn = Instant::now();
                asked = self.app.question().map(|question| match asked {
                    Some((seen, at)) if seen == question => (seen, at),
                    // Taken before the drawing: a key that answers it can be read before this thread continues.
                    _ => (question, drawing),
                });
                (changed, keyed) = (false, false);
                assert!(!self.panic_after_start, "asked to panic");
            }
            let tick = self.app.next_tick();
            // A fixed order: after a panic nothing may be drawn, and keys come before events, so that a busy room does
            // not delay them. All branches are cancel safe.
            tokio::select! {
                biased;
                () = terminal::panicked() => return Err(io::Error::other("a thread of the program panicked")),
                batch = keys.recv() => {
                    let Some(batch) = batch else { break };
                    keyed = true;
                    answers_to_come &= !self.take_reports(&batch.reports);
                    effects.extend(self.press(batch, asked));
                    while let Some(batch) = keys.try_recv() {
                        answers_to_come &= !self.take_reports(&batch.reports);
                        effects.extend(self.press(batch, asked));
                    }
                    changed = true;
                }
                signal = signals.next() => match signal {
                    Signal::End => effects.extend(self.app.update(AppEvent::Quit, Timestamp::now())),
                    Signal::Stop => self.suspend(false)?,
                    Signal::Continue => {
                        self.screen.resume()?;
                        changed = true;
                    }
                    Signal::Resized => changed = true,
                },
                () = sleep_until((drawn + frame).into()), if changed && is_visible => {}
                message = self.news.recv() => {
                    let Some(message) = message else { break };
                    effects.extend(self.app.update(message, Timestamp::now()));
                    let begun = Instant::now();
                    while begun.elapsed() < SLICE && let Ok(message) = self.news.try_recv() {
                        effects.extend(self.app.update(message, Timestamp::now()));
                    }
                    changed = true;
                }
                () = tokio::time::sleep(tick.unwrap_or(Duration::MAX)), if tick.is_some() => {
                    effects.extend(self.app.update(AppEvent::Tick, Timestamp::now()));
                    changed = true;
                }
            }
            for effect in std::mem::take(&mut effects) {
                match effect {
                    Effect::BareView(text) => self.screen.show_bare(&text)?,
                    Effect::EndBareView => {
                        self.screen.end_bare()?;
                        changed = true;
                    }
                    Effect::EditExternally(text) => {
                        let edited = self.edit(&text, &mut keys, &mut signals).await?;
                        effects.extend(self.app.update(AppEvent::Edited(edited), Timestamp::now()));
                        changed = true;
                    }
                    Effect::Mouse(taken) => self.screen.take_mouse(taken)?,
                    Effect::CopyToken(token) => {
                        let copied = self.screen.copy(token.expose())?;
                        effects.extend(self.app.update(AppEvent::Copied(copied), Timestamp::now()));
                    }
                    Effect::Copy(text) => {
                        let copied = self.screen.copy(&text)?;
                        effects.extend(self.app.update(AppEvent::Copied(copied), Timestamp::now()));
                    }
                    Effect::Notify(text) => {
                        if rung.elapsed() >= RING {
                            rung = Instant::now();
                            self.screen.notify(&text, !self.app.focused)?;
                        }
                    }
                    Effect::Redraw => {
                        self.screen.forget();
                        changed = true;
                    }
                    Effect::Suspend => {
                        self.suspend(true)?;
                        changed = true;
                    }
                    Effect::Quit => {}
                    effect => self.services.start(effect),
                }
            }
            if let Some(text) = self.app.changed_draft() {
                self.services.start(Effect::SaveDraft(text));
            }
            let title = self.app.title();
            if title != titled {
                self.screen.title(&title)?;
                titled = title;
            }
        }
        if answers_to_come && begun.elapsed() < LATEST_ANSWER {
            // An answer that comes after the end would be typed into the shell.
            let rest =
                async { while keys.recv().await.is_some_and(|batch| !batch.reports.contains(&Report::Attributes)) {} };
            let _ = tokio::time::timeout(ANSWER_TIME, rest).await;
        }
        Ok(())
    }

    /// Adapts to what the terminal has answered. Returns whether that was its last answer. Until it comes, the screen is
    /// drawn as the environment suggests, so that no start waits for a terminal that does not answer.
    fn take_reports(&mut self, reports: &[Report]) -> bool {
        for report in reports {
            match report {
                Report::Background(background) if self.environment.follows_background => {
                    self.environment.theme = Some(*background).into();
                }
                // The sign has taken two cells.
                Report::Column(column) if *column > 2 => self.environment.glyphs = Glyphs::Ascii,
                Report::Background(_) | Report::Column(_) | Report::Attributes => {}
            }
        }
        reports.contains(&Report::Attributes)
    }

    /// Handles the keys of one read. `asked` is the question on the screen with the time of its first drawing: a key
    /// that was read before was not meant for it.
    fn press(&mut self, batch: KeyBatch, asked: Option<(u64, Instant)>) -> Vec<Effect> {
        let mut effects = Vec::new();
        for event in batch.events {
            if answers_unseen(&event, batch.read_at, self.app.question(), asked) {
                continue;
            }
            effects.extend(self.app.update(event, Timestamp::now()));
        }
        effects
    }

    /// Opens the text in the editor of the user, and waits for its end. News wait in their channel meanwhile.
    async fn edit(
        &mut self,
        text: &str,
        keys: &mut KeyReader,
        signals: &mut SignalStream,
    ) -> io::Result<Result<String, String>> {
        /// How often the end of the editor is looked for.
        const INTERVAL: Duration = Duration::from_millis(50);
        keys.pause();
        self.screen.leave();
        let mut editor = ExternalEditor::start(&self.services.private_dir(), text);
        let edited = loop {
            match editor.as_mut().map(ExternalEditor::poll) {
                Ok(Ok(None)) => {}
                Ok(Ok(Some(text))) => break Ok(text),
                Ok(Err(error)) => break Err(error.to_string()),
                Err(error) => break Err(error.to_string()),
            }
            // Both can be dropped: a signal stays in its stream.
            tokio::select! {
                signal = signals.next() => match signal {
                    Signal::End => {
                        for effect in self.app.update(AppEvent::Quit, Timestamp::now()) {
                            self.services.start(effect);
                        }
                        break Ok(text.to_owned());
                    }
                    // Ctrl+Z stops the editor and this program together.
                    Signal::Stop => stop::now(false)?,
                    Signal::Continue | Signal::Resized => {}
                },
                () = tokio::time::sleep(INTERVAL) => {}
            }
        };
        self.screen.resume()?;
        keys.resume();
        Ok(edited)
    }

    /// Restores the terminal and stops the process. A shell with job control takes over and resumes it.
    fn suspend(&mut self, by_key: bool) -> io::Result<()> {
        if by_key && !stop::can_be_woken() {
            // A hint has no effects.
            self.app.update(AppEvent::CannotSuspend, Timestamp::now());
            return Ok(());
        }
        self.screen.leave();
        stop::now(by_key)?;
        self.screen.resume()
    }

    /// Reads the size before each drawing, because a resize report may be late or outdated.
    fn measure(&mut self) -> io::Result<()> {
        let (width, height) = self.screen.size()?;
        if (width, height) == (self.app.width, self.app.height) {
            return Ok(());
        }
        // A resize has no effect except a request for a page of history.
        for effect in self.app.update(AppEvent::Resize { width, height }, Timestamp::now()) {
            self.services.start(effect);
        }
        Ok(())
    }
}

/// Returns whether a key would answer a question that was not on the screen when it was pressed. Keys that leave the
/// program always count.
fn answers_unseen(event: &AppEvent, read_at: Instant, question: Option<u64>, asked: Option<(u64, Instant)>) -> bool {
    let AppEvent::Key(key) = event else { return false };
    let Some(question) = question else { return false };
    if matches!(keymap::action(*key), Some(Action::Quit | Action::Interrupt | Action::Suspend)) {
        return false;
    }
    !asked.is_some_and(|(seen, at)| seen == question && read_at >= at)
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::*;

    #[test]
    fn early_key_answers_no_question() {
        let key = |code, modifiers| AppEvent::Key(KeyEvent::new(code, modifiers));
        let enter = key(KeyCode::Enter, KeyModifiers::NONE);
        let drawn = Instant::now();
        let (early, late) = (drawn - FRAME, drawn + FRAME);
        let asked = Some((7, drawn));
        assert!(!answers_unseen(&enter, early, None, asked), "nothing is asked");
        assert!(answers_unseen(&enter, late, Some(7), None), "not drawn yet");
        assert!(answers_unseen(&enter, late, Some(8), asked), "another question was drawn");
        assert!(answers_unseen(&enter, early, Some(7), asked), "pressed before");
        assert!(!answers_unseen(&enter, late, Some(7), asked));
        assert!(!answers_unseen(&key(KeyCode::Char('c'), KeyModifiers::CONTROL), early, Some(7), asked));
        assert!(!answers_unseen(&AppEvent::Paste("more".into()), early, Some(7), asked), "a paste is added");
    }
}
