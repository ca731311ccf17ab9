//! Storing: passes drafts of all sessions to the one thread that owns the journal.

mod failure_log;
mod handle;
mod queue;
mod thread;

pub(crate) use self::{
    handle::{AccountShare, Committer},
    queue::{CommitResult, PostSequence},
    thread::{CommitterParts, JournalEnd},
};
