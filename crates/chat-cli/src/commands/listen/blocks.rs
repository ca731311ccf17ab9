//! Messages that are recorded and printed as they arrived, many at a time.

use std::collections::VecDeque;

use chat_client::{EventBatch, ListenerEvent, PlainLines};
use chat_frontend::Exit;
use futures_util::FutureExt as _;

use super::ListenRun;
use super::sink::MessageSink;
use crate::error::CliError;
use crate::output::{self, Wrote};

impl ListenRun {
    /// Takes what has arrived as blocks that can be printed unchanged: those at the front, and the first batch that cannot.
    /// They are recorded together, because each change to the thread for files costs as much as a block.
    pub(super) fn blocks_that_wait(&mut self, first: EventBatch) -> (Vec<EventBatch>, Option<EventBatch>) {
        let (mut blocks, mut count) = (Vec::new(), 0);
        let mut next = Some(first);
        while let Some(batch) = next {
            let Some(lines) = self.lines_in_one_piece(&batch, count) else { return (blocks, Some(batch)) };
            count += lines.count() as u64;
            blocks.push(batch);
            // The end, if it is that, comes again.
            next = self.listener.next_event_batch().now_or_never().flatten();
        }
        (blocks, None)
    }

    /// Returns the lines of a block that can be printed unchanged: no cleaning, no other format, and all of them are
    /// wanted after as many others as `before`.
    fn lines_in_one_piece<'a>(&self, batch: &'a EventBatch, before: u64) -> Option<&'a PlainLines> {
        let lines = lines_of(batch)?;
        let unchanged = self.style.is_plain() && self.filter.takes_all() && matches!(self.sink, MessageSink::Print);
        let wanted = self.count.is_none_or(|count| before + lines.count() as u64 <= count - self.got);
        (unchanged && wanted).then_some(lines)
    }

    /// Records and prints blocks. Those that could not be recorded are added to `backlog`.
    pub(super) async fn take_blocks(
        &mut self,
        blocks: &[EventBatch],
        backlog: &mut VecDeque<ListenerEvent>,
    ) -> Result<Option<Exit>, CliError> {
        let recorded = self.persistence.blocks_before_print(blocks).await?;
        let (recorded, later) = blocks.split_at(recorded);
        for block in recorded {
            let Some(lines) = lines_of(block) else { continue };
            if output::print(lines.as_str().as_bytes())? == Wrote::PipeClosed {
                return Ok(Some(Exit::Done));
            }
            self.persistence.block_after_print(block).await?;
            if let Some(exit) = self.printed(lines.count()) {
                return Ok(Some(exit));
            }
        }
        backlog.extend(later.iter().cloned().flat_map(EventBatch::into_events));
        Ok(None)
    }
}

/// Returns the lines of a block.
fn lines_of(batch: &EventBatch) -> Option<&PlainLines> {
    match batch {
        EventBatch::Lines(lines) => Some(lines),
        EventBatch::Numbered(lines) => Some(lines.plain()),
        _ => None,
    }
}
