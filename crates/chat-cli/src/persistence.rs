//! What `chat listen` keeps between runs: nothing, a cursor, or a history with its cursor. All operations on the files
//! run outside of the runtime's thread, in the order of the calls.

use std::path::Path;

use chat_client::{
    Cursor, CursorError, EventBatch, FileWarning, Gap, HistoryError, Message, Position, Recorder, Resume,
};
use chat_frontend::unblock;

use crate::error::CliError;
use crate::output;

/// How the position is stored between runs.
pub(crate) enum Persistence {
    Nothing,
    Cursor(Offloaded<Cursor>),
    History { recorder: Offloaded<Recorder>, troubled: bool },
}

/// A value whose methods block.
pub(crate) struct Offloaded<T>(Option<Box<T>>);

impl<T: Send + 'static> Offloaded<T> {
    fn new(value: T) -> Self {
        Self(Some(Box::new(value)))
    }

    /// Runs `work` on a thread for blocking work. The value is there during this time, so the future must not be
    /// dropped: call it in the arm of a `select!`, not in a branch.
    async fn run<R: Send + 'static>(&mut self, work: impl FnOnce(&mut T) -> R + Send + 'static) -> Option<R> {
        let mut value = self.0.take()?;
        let (value, result) = unblock(move || {
            let result = work(&mut value);
            (value, result)
        })
        .await;
        self.0 = Some(value);
        Some(result)
    }
}

impl Persistence {
    /// Opens the files. Blocks.
    pub(crate) fn open(history: Option<&Path>, cursor: Option<&Path>) -> Result<Self, CliError> {
        match (history, cursor) {
            (Some(path), _) => {
                let mut recorder = Recorder::open(path)?;
                report(&recorder.take_warnings());
                Ok(Self::History { recorder: Offloaded::new(recorder), troubled: false })
            }
            (None, Some(path)) => {
                let cursor = Cursor::open(path)?;
                report(cursor.warnings());
                Ok(Self::Cursor(Offloaded::new(cursor)))
            }
            (None, None) => Ok(Self::Nothing),
        }
    }

    /// Returns where the listener resumes.
    pub(crate) fn resume(&self, otherwise: Resume) -> Resume {
        match self {
            Self::Cursor(Offloaded(Some(cursor))) => cursor.resume(otherwise),
            Self::History { recorder: Offloaded(Some(recorder)), .. } => recorder.resume(otherwise),
            _ => otherwise,
        }
    }

    /// Records a batch in the history before it is printed. Returns `false` if it was not accepted, because too much
    /// already waits for the disk.
    pub(crate) async fn before_print(&mut self, messages: &[Message]) -> Result<bool, CliError> {
        if !self.is_history() {
            return Ok(true);
        }
        let messages = messages.to_vec();
        self.record(move |recorder| recorder.record(&messages)).await
    }

    /// Records blocks, as [`before_print`](Self::before_print) does for messages, and returns how many were accepted.
    pub(crate) async fn blocks_before_print(&mut self, blocks: &[EventBatch]) -> Result<usize, CliError> {
        if !self.is_history() || blocks.is_empty() {
            return Ok(blocks.len());
        }
        let count = blocks.len();
        let blocks = blocks.to_vec();
        let accepted = self.record_counted(move |recorder| record_blocks(recorder, &blocks)).await?;
        Ok(accepted.unwrap_or(count))
    }

    /// Stores the position after a block is printed.
    pub(crate) async fn block_after_print(&mut self, block: &EventBatch) -> Result<(), CliError> {
        match block {
            EventBatch::Numbered(lines) => self.save(&lines.last()).await,
            _ => Ok(()),
        }
    }

    /// Stores the position after a batch is printed.
    pub(crate) async fn after_print(&mut self, messages: &[Message]) -> Result<(), CliError> {
        match messages.iter().rev().find_map(|message| message.position.as_ref()) {
            Some(position) => self.save(position).await,
            None => Ok(()),
        }
    }

    /// Stores the position at which the listener joined, so that messages after a run without any are not missed.
    pub(crate) async fn joined(&mut self, position: &Position) -> Result<(), CliError> {
        self.save(position).await?;
        let position = position.clone();
        self.record(move |recorder| recorder.joined(&position)).await.map(drop)
    }

    /// Records a gap.
    pub(crate) async fn gap(&mut self, gap: &Gap) -> Result<(), CliError> {
        let gap = gap.clone();
        self.record(move |recorder| recorder.gap(&gap)).await.map(drop)
    }

    /// Begins a history file again that was moved away.
    pub(crate) async fn reopen(&mut self) -> Result<(), CliError> {
        self.record(Recorder::reopen).await.map(drop)
    }

    /// Returns whether bytes wait for the disk.
    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self, Self::History { recorder: Offloaded(Some(recorder)), .. } if recorder.waiting() > 0)
    }

    /// Writes what waits for the disk.
    pub(crate) async fn retry(&mut self) -> Result<(), CliError> {
        let was_troubled = matches!(self, Self::History { troubled: true, .. });
        self.record(Recorder::retry).await?;
        if was_troubled && !matches!(self, Self::History { troubled: true, .. }) {
            output::report("the history can be written again");
        }
        Ok(())
    }

    /// Returns whether there is a history.
    pub(crate) fn is_history(&self) -> bool {
        matches!(self, Self::History { .. })
    }

    /// Returns whether there is a cursor without a history.
    pub(crate) fn is_cursor(&self) -> bool {
        matches!(self, Self::Cursor(_))
    }

    pub(crate) async fn close(self) -> Result<(), CliError> {
        match self {
            Self::History { recorder: Offloaded(Some(recorder)), .. } => {
                let closed: Result<(), HistoryError> = unblock(move || recorder.close()).await;
                Ok(closed?)
            }
            _ => Ok(()),
        }
    }

    async fn save(&mut self, position: &Position) -> Result<(), CliError> {
        let Self::Cursor(cursor) = self else { return Ok(()) };
        let position = position.clone();
        let saved: Option<Result<(), CursorError>> = cursor.run(move |cursor| cursor.save(&position)).await;
        Ok(saved.unwrap_or(Ok(()))?)
    }

    /// Works on the history, if there is one. Returns `false` if nothing more was accepted.
    async fn record(
        &mut self,
        work: impl FnOnce(&mut Recorder) -> Result<(), HistoryError> + Send + 'static,
    ) -> Result<bool, CliError> {
        let accepted = self.record_counted(|recorder| {
            let result = work(recorder);
            (usize::from(!matches!(result, Err(HistoryError::Backlog { .. }))), result)
        });
        Ok(accepted.await? != Some(0))
    }

    /// Works on the history, if there is one, and returns how much of the work was accepted. A full disk is reported once:
    /// the messages wait in memory, and writing is retried.
    async fn record_counted(
        &mut self,
        work: impl FnOnce(&mut Recorder) -> (usize, Result<(), HistoryError>) + Send + 'static,
    ) -> Result<Option<usize>, CliError> {
        let Self::History { recorder, troubled } = self else { return Ok(None) };
        let done = recorder.run(|recorder| (work(recorder), recorder.take_warnings())).await;
        let Some(((accepted, result), warnings)) = done else { return Ok(None) };
        report(&warnings);
        match result {
            Ok(()) => *troubled = false,
            Err(error @ (HistoryError::Waiting { .. } | HistoryError::Backlog { .. })) => {
                if !std::mem::replace(troubled, true) {
                    output::report(chat_frontend::report::chain(&error));
                }
            }
            Err(other) => return Err(other.into()),
        }
        Ok(Some(accepted))
    }
}

/// Records blocks up to one that is not accepted. Returns the number of those before it, and the last result.
fn record_blocks(recorder: &mut Recorder, blocks: &[EventBatch]) -> (usize, Result<(), HistoryError>) {
    let mut last = Ok(());
    for (accepted, block) in blocks.iter().enumerate() {
        let result = match block {
            EventBatch::Lines(lines) => recorder.record_lines(lines),
            EventBatch::Numbered(lines) => recorder.record_numbered(lines),
            other => recorder.record_events(&other.clone().into_events()),
        };
        match result {
            Ok(()) | Err(HistoryError::Waiting { .. }) => last = result,
            Err(_) => return (accepted, result),
        }
    }
    (blocks.len(), last)
}

fn report(warnings: &[FileWarning]) {
    for warning in warnings {
        output::report(format_args!("warning: {warning}"));
    }
}
