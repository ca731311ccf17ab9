//! What the actions of operators mean for one listener: it is told which of its messages were removed, and its connection
//! ends when its address is banned.

use bytes::BytesMut;
use chat_proto::{ResumeFrom, Seq};
use tokio::io::{AsyncRead, AsyncWrite};

use super::exit::ListenerExit;
use super::task::ListenerSession;
use crate::log::{Form, Removal, encode_tombstone};

impl<IO: AsyncRead + AsyncWrite + Unpin> ListenerSession<IO> {
    /// Returns true if the address of the peer is banned.
    pub(crate) fn is_banned(&self) -> bool {
        self.context.moderation.is_address_banned(self.peer)
    }

    /// Handles the actions since the last call. Cheap if there were none.
    pub(super) fn handle_actions(&mut self) -> Result<(), ListenerExit> {
        let actions = self.context.log.actions();
        if self.actions_seen == actions {
            return Ok(());
        }
        self.actions_seen = actions;
        if self.is_banned() {
            return Err(ListenerExit::Banned);
        }
        let (removals, seen) = self.context.log.removals_after(self.removals_seen);
        self.removals_seen = seen;
        for removal in &removals {
            let seq = removal.tombstone.seq;
            if self.page.as_ref().is_some_and(|page| (page.first()..=page.last()).contains(&seq)) {
                // Read again, without the text.
                self.page = None;
            }
            // A later number comes in its place, from the journal.
            if self.cursor.form() == Form::Numbered && seq < self.cursor.next() {
                encode_tombstone(&mut self.replies, &removal.tombstone);
            }
        }
        Ok(())
    }

    /// Collects the removals that a listener with this position may have missed, to follow the answer to its request.
    pub(super) fn repeat_removals(&mut self, from: &ResumeFrom) {
        let (removals, seen) = self.context.log.removals_after(0);
        self.removals_seen = seen;
        let ResumeFrom::After(position) = from else { return };
        if self.context.stream() == Some(&position.stream) {
            self.after_answer = missed_removals(&removals, position.seq);
        }
    }
}

/// Encodes the removals of messages up to `seq` that came when the log ended there or later. With the log at `seq` the
/// listener may have been told; once more does no harm.
fn missed_removals(removals: &[Removal], seq: Seq) -> BytesMut {
    let mut out = BytesMut::new();
    for removal in removals.iter().filter(|removal| removal.head >= seq && removal.tombstone.seq <= seq) {
        encode_tombstone(&mut out, &removal.tombstone);
    }
    out
}
