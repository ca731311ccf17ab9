//! Keeps a writer's posts in their order when one of them was put off: those that were written behind it, before
//! its answer was read, are put off too. It ends when one of them comes again, for then the answers were read.

use std::time::Duration;

use chat_proto::{DeclineCode, PostId};

/// What was put off, and why.
#[derive(Debug)]
pub(super) struct Hold {
    code: DeclineCode,
    retry_after: Option<Duration>,
    ids: Vec<PostId>,
    limit: usize,
}

impl Hold {
    /// Begins with a post that was put off. Of those that follow, at most `limit` are known again.
    pub(super) fn new(id: PostId, code: DeclineCode, retry_after: Option<Duration>, limit: usize) -> Self {
        Self { code, retry_after, ids: vec![id], limit }
    }

    /// Whether this post was put off before.
    pub(super) fn knows(&self, id: &PostId) -> bool {
        self.ids.contains(id)
    }

    /// One more; returns what to answer.
    pub(super) fn put_off(&mut self, id: &PostId) -> (DeclineCode, Option<Duration>) {
        if self.ids.len() < self.limit {
            self.ids.push(id.clone());
        }
        (self.code.clone(), self.retry_after)
    }
}
