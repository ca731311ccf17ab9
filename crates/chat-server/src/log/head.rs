//! The end of the log, which every listener watches.

use chat_proto::Seq;

/// The end of the log at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogHead {
    /// Sequence number of the last message; 0 before the first.
    pub(crate) last: Seq,
    /// Incremented when an action concerns listeners that keep up: a message was removed, or addresses were banned.
    pub(crate) actions: u64,
    /// No further message will come: listeners write what is left and close.
    pub(crate) closing: bool,
}
