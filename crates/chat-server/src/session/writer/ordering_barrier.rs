//! Preserves the order of a writer's posts if one of them is put off: posts that were sent after it, before its answer
//! was read, are put off too. When one of them is sent again, the answers have been read, and the barrier ends.

use std::time::Duration;

use chat_proto::{DeclineCode, PostId};

/// The posts that were put off, and why.
#[derive(Debug)]
pub(super) struct OrderingBarrier {
    code: DeclineCode,
    retry_after: Option<Duration>,
    ids: Vec<PostId>,
    limit: usize,
}

impl OrderingBarrier {
    /// Creates a barrier for a post that is put off. At most `limit` ids are remembered.
    pub(super) fn new(id: PostId, code: DeclineCode, retry_after: Option<Duration>, limit: usize) -> Self {
        Self { code, retry_after, ids: vec![id], limit }
    }

    /// Returns true if this post was put off before.
    pub(super) fn contains(&self, id: &PostId) -> bool {
        self.ids.contains(id)
    }

    /// Puts off one more post. Returns the answer.
    pub(super) fn put_off(&mut self, id: &PostId) -> (DeclineCode, Option<Duration>) {
        if self.ids.len() < self.limit {
            self.ids.push(id.clone());
        }
        (self.code.clone(), self.retry_after)
    }
}
