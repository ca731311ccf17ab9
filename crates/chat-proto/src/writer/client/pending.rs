//! The posts and pings of a client that are not answered yet.

use std::collections::VecDeque;
use std::time::Instant;

use crate::ident::PostId;

/// The request that the next confirmation without an id answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PendingConfirmation {
    /// A post, by the caller's number.
    Post(u64),
    /// A ping, by the time when it was sent.
    Ping(Instant),
}

/// All unanswered requests. Confirmations without an id arrive in the order of the posts; answers with an id arrive in
/// any order.
#[derive(Debug, Default)]
pub(super) struct PendingAnswers {
    in_order: VecDeque<PendingConfirmation>,
    by_id: VecDeque<(PostId, u64)>,
}

impl PendingAnswers {
    pub(super) fn len(&self) -> usize {
        self.in_order.len() + self.by_id.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.in_order.is_empty() && self.by_id.is_empty()
    }

    pub(super) fn push(&mut self, pending: PendingConfirmation) {
        self.in_order.push_back(pending);
    }

    pub(super) fn push_with_id(&mut self, id: PostId, key: u64) {
        self.by_id.push_back((id, key));
    }

    /// Removes the request that a confirmation without an id answers.
    pub(super) fn confirm_next(&mut self) -> Option<PendingConfirmation> {
        self.in_order.pop_front()
    }

    /// Removes the post that an answer with an id is for. Of several posts with one id it is the oldest.
    pub(super) fn answer(&mut self, id: &PostId) -> Option<u64> {
        let index = self.by_id.iter().position(|(pending, _)| pending == id)?;
        self.by_id.remove(index).map(|(_, key)| key)
    }
}
