//! Storing: passes drafts of all sessions to the one thread that owns the journal.

mod answers;
mod failure_log;
mod handle;
#[cfg(feature = "sqlite")]
mod node;
mod owner_slot;
mod queue;
mod slow_commit_watch;
mod thread;

#[cfg(feature = "sqlite")]
pub(crate) use self::{handle::Barrier, thread::AccountEffects};
pub(crate) use self::{
    handle::{AccountShare, Committer},
    queue::{CommitResult, PostSequence},
    thread::{CommitterParts, JournalEnd},
};
