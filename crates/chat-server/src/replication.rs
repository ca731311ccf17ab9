//! One room on several nodes: how each of them gets the same messages with the same numbers.
//!
//! ```text
//! drafts ─> Node A ─ batch ─┐                   ┌─> Node A: apply, one transaction ─> answers
//!                           ├─> a log of batches┤
//! drafts ─> Node B ─ batch ─┘                   └─> Node B: apply, one transaction ─> answers
//! ```
//!
//! A node packs drafts into a [`ProposedBatch`] and appends it to a [`BatchLog`]. Every node reads the log and applies
//! each batch to its own store, a [`Projection`]. Sequence numbers, accounts and times are decided while a batch is
//! applied, by the batch and the store alone, so all stores are equal. The log only has to keep one order, and never to
//! take back what was read: lost, delayed and repeated appends are found by the [`rules`].
//!
//! [`Node`] has no socket, clock or thread. The program that drives it passes on what it proposes and what it reads.
//!
//! [`Server::start_node`](crate::Server::start_node) drives it over a [`SharedBatchLog`]. A server alone needs none of this:
//! its [`SqliteJournal`](crate::SqliteJournal) orders and stores in one call.

mod batch;
mod batch_log;
mod chain;
mod codec;
mod memory_log;
mod node;
mod projection;
mod proposer;
pub mod rules;

pub use self::batch::{BatchEntry, Looks, PlacedBatch, ProposedBatch, RoomNumber};
pub use self::batch_log::{BatchLog, LogState, SharedBatchLog};
pub use self::chain::{ChainHash, ChainLink, Generation};
pub use self::codec::{BatchError, MAX_BATCH_BYTES};
pub use self::memory_log::MemoryLog;
pub use self::node::{Node, NodeAnswer, NodeProgress};
pub use self::projection::{AppliedBatch, AppliedRun, EntryOutcome, Projection, StoppedAt};
pub use self::proposer::{MAX_IN_FLIGHT, RESEND_AFTER};
