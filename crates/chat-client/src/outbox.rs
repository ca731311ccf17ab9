//! What was typed and is not confirmed: the queue of a running writer, and the file that keeps it over restarts.

mod entry;
mod file;
mod pace;
mod queue;
mod record;

pub use entry::{EntryState, OutboxEntry, STALE_AFTER};
pub use file::{Outbox, OutboxError};
pub(crate) use queue::{Post, PostOutcome, Queue};
