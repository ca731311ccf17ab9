//! The part of the conversation that is in memory. Pages of history are requested by effects and arrive as values, and
//! heights of rows are arguments.

mod entry;
mod message_count;
mod page;
mod pending;
mod scroll;
mod tally;
#[cfg(test)]
mod tests;
mod unread;
mod window;

pub(crate) use entry::{EntryKind, FileSpan, GapLine, ShownMessage, TimelineEntry, Viewer, clean_name};
pub(crate) use message_count::MessageCount;
pub(crate) use page::{HistoryPage, PageLine, PageRequest};
pub(crate) use pending::{Held, PendingMessage, Unsent};
pub(crate) use scroll::ReadingPlace;
pub(crate) use window::{Selection, Timeline, TimelineItem};
