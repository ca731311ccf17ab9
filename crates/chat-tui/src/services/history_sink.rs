//! Writes received messages to the history file. Each call may wait for the disk, so it runs only on blocking threads.

use std::collections::VecDeque;
use std::ops::Range;

use chat_client::{HistoryError, ListenerEvent, Message, Recorder, Resume};
use chat_frontend::report::chain;

use super::context::ServiceContext;
use super::{files, translate};
use crate::event::{AppEvent, Incoming, NoticeText};
use crate::timeline::FileSpan;

/// How many messages are kept in memory while another program has locked the history.
const MAX_UNWRITTEN: usize = 1_000;

/// How many messages are requested at the first run, if the server has them.
const FIRST_RUN_MESSAGES: u64 = 100;

/// The history file, as far as this program may write it.
pub(super) struct HistorySink {
    recorder: Option<Recorder>,
    /// The messages to write once the file is free.
    unwritten: VecDeque<Message>,
    /// Whether the user knows that the file cannot be written.
    error_reported: bool,
}

impl HistorySink {
    /// Opens the history. If another program has locked it, it is only read.
    pub(super) fn open(shared: &ServiceContext) -> Self {
        let mut sink = Self { recorder: None, unwritten: VecDeque::new(), error_reported: false };
        match Recorder::open(&shared.history_path) {
            Ok(recorder) => {
                sink.recorder = Some(recorder);
                sink.report_warnings(shared);
            }
            Err(HistoryError::Locked(error)) => {
                // The path is most of a row.
                let path = shared.history_path.display().to_string();
                let reason = chain(&error).replace(&path, &files::below_home(&shared.history_path));
                let text = NoticeText::HistoryElsewhere(reason);
                shared.send_blocking(AppEvent::Notice { text, error: false });
            }
            Err(error) => sink.report_error(shared, &error),
        }
        sink
    }

    /// Returns where the listener starts.
    pub(super) fn resume(&self) -> Resume {
        match &self.recorder {
            Some(recorder) if recorder.end() == 0 => recorder.resume(Resume::Last(FIRST_RUN_MESSAGES)),
            Some(recorder) => recorder.resume(Resume::Live),
            None => Resume::Live,
        }
    }

    /// Records events. Returns the events that can be shown now, and those to pass in again because the disk accepts no
    /// more.
    pub(super) fn take(
        &mut self,
        shared: &ServiceContext,
        events: Vec<ListenerEvent>,
    ) -> (Vec<Incoming>, Vec<ListenerEvent>) {
        let mut incoming = Vec::new();
        let mut messages = Vec::new();
        let mut events = events.into_iter();
        while let Some(event) = events.next() {
            let event = match event {
                ListenerEvent::Message(message) => {
                    messages.push(message);
                    continue;
                }
                event => event,
            };
            if let Err(rest) = self.write(shared, std::mem::take(&mut messages), &mut incoming) {
                let rest = rest.into_iter().map(ListenerEvent::Message);
                return (incoming, rest.chain([event]).chain(events).collect());
            }
            let noted = match (&event, &mut self.recorder) {
                (ListenerEvent::Gap(gap), Some(recorder)) => recorder.gap(gap),
                // Stored, so that the next run misses nothing after a run without messages.
                (ListenerEvent::Joined(position), Some(recorder)) => recorder.joined(position),
                _ => Ok(()),
            };
            if let Err(error) = noted {
                self.report_error(shared, &error);
            }
            match event {
                ListenerEvent::Gap(gap) => incoming.push(Incoming::Gap(gap)),
                ListenerEvent::Removed(removed) => incoming.push(Incoming::Removed(removed)),
                _ => {}
            }
        }
        let rest = self.write(shared, messages, &mut incoming).err().unwrap_or_default();
        self.report_warnings(shared);
        (incoming, rest.into_iter().map(ListenerEvent::Message).collect())
    }

    /// Records messages. `Err` returns those that the disk does not accept.
    fn write(
        &mut self,
        shared: &ServiceContext,
        mut messages: Vec<Message>,
        incoming: &mut Vec<Incoming>,
    ) -> Result<(), Vec<Message>> {
        if messages.is_empty() {
            return Ok(());
        }
        let Some(recorder) = &mut self.recorder else {
            incoming.extend(messages.iter().map(|message| translate::message(message, None)));
            self.unwritten.extend(messages);
            let over = self.unwritten.len().saturating_sub(MAX_UNWRITTEN);
            self.unwritten.drain(..over);
            return Ok(());
        };
        // Messages already in the file are shown with its page.
        let written = recorder.position().cloned();
        messages.retain(|message| match (&message.position, &written) {
            (Some(new), Some(old)) => new.stream != old.stream || new.seq > old.seq,
            _ => true,
        });
        // Before the lines too, to see a file that was truncated and has grown again.
        let _ = shared.history_log().follow();
        let marks: Vec<Option<FileSpan>> = match recorder.record_spans(&messages) {
            Ok(spans) => {
                // They are the last of the file that is at the path now, whichever one it was before.
                let end = shared.history_log().follow().ok();
                let written = spans.iter().flatten().next_back().map_or(0, |last| last.end);
                let place = |offset| Some(end?.saturating_sub(written.saturating_sub(offset)));
                let mark = |span: Range<u64>| Some(FileSpan { start: place(span.start)?, end: place(span.end)? });
                spans.into_iter().map(|span| span.and_then(mark)).collect()
            }
            Err(error @ HistoryError::Backlog { .. }) => {
                // Accept nothing more until there is space: the server keeps the messages.
                self.report_error(shared, &error);
                return Err(messages);
            }
            Err(error) => {
                // They are in memory and are written later.
                self.report_error(shared, &error);
                Vec::new()
            }
        };
        let marks = marks.into_iter().chain(std::iter::repeat(None));
        incoming.extend(messages.iter().zip(marks).map(|(message, mark)| translate::message(message, mark)));
        Ok(())
    }

    /// Writes what could not be written before, and takes over the history after another program has released it.
    pub(super) fn retry(&mut self, shared: &ServiceContext) {
        match &mut self.recorder {
            Some(recorder) if recorder.waiting() > 0 => {
                if recorder.retry().is_ok() && self.error_reported {
                    self.error_reported = false;
                    shared.send_blocking(AppEvent::Notice { text: NoticeText::FileWorksAgain, error: false });
                }
            }
            Some(_) => {}
            None => {
                let Ok(mut recorder) = Recorder::open(&shared.history_path) else { return };
                // Only numbered messages: the file shows which of them it already contains.
                let numbered: Vec<Message> = self.unwritten.drain(..).filter(|said| said.position.is_some()).collect();
                if let Err(error) = recorder.record(&numbered) {
                    self.report_error(shared, &error);
                }
                self.recorder = Some(recorder);
                let end = shared.history_log().follow();
                if let Ok(end) = end {
                    shared.send_blocking(AppEvent::HistoryTakenOver(end));
                }
            }
        }
        self.report_warnings(shared);
    }

    /// Writes the waiting messages and the cursor.
    pub(super) fn close(self) {
        if let Some(Err(error)) = self.recorder.map(Recorder::close) {
            tracing::warn!(error = chain(&error), "could not close the history");
        }
    }

    /// Reports what was found wrong with the file since the last call, and that it was begun again.
    fn report_warnings(&mut self, shared: &ServiceContext) {
        for warning in self.recorder.as_mut().map(Recorder::take_warnings).unwrap_or_default() {
            let text = NoticeText::File(warning.to_string());
            shared.send_blocking(AppEvent::Notice { text, error: false });
        }
    }

    fn report_error(&mut self, shared: &ServiceContext, error: &HistoryError) {
        if !self.error_reported {
            self.error_reported = true;
            shared.send_blocking(AppEvent::Notice { text: NoticeText::File(chain(error)), error: true });
        }
    }
}
