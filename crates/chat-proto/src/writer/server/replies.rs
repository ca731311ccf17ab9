//! The outstanding confirmations without an id. They do not name the request, so posts and pings are answered in the
//! order of arrival.

use std::collections::VecDeque;

/// Answers that are sent together: a number of posts, and the pings that came after them.
#[derive(Debug)]
struct PendingReply {
    posts: usize,
    pings: usize,
}

/// How many groups of pings between posts are kept apart. Beyond that a ping waits for a later post, which makes its
/// answer late but never early: a confirmation still covers everything before it.
const MAX_GROUPS: usize = 64;

/// All outstanding confirmations.
#[derive(Debug, Default)]
pub(super) struct PendingReplies {
    groups: VecDeque<PendingReply>,
    posts: usize,
    pings: usize,
}

impl PendingReplies {
    /// Returns the number of posts that are not confirmed.
    pub(super) fn posts(&self) -> usize {
        self.posts
    }

    /// Returns the number of pings that wait behind posts.
    pub(super) fn pings(&self) -> usize {
        self.pings
    }

    /// Adds a post.
    pub(super) fn push_post(&mut self) {
        self.posts += 1;
        let full = self.groups.len() >= MAX_GROUPS;
        match self.groups.back_mut() {
            Some(group) if group.pings == 0 || full => group.posts += 1,
            _ => self.groups.push_back(PendingReply { posts: 1, pings: 0 }),
        }
    }

    /// Adds a ping. Returns `false` if no post is outstanding, so that it must be answered at once.
    #[must_use]
    pub(super) fn push_ping(&mut self) -> bool {
        let Some(group) = self.groups.back_mut() else { return false };
        group.pings += 1;
        self.pings += 1;
        true
    }

    /// Confirms the oldest post. Returns how many confirmations are due: one for the post, and one for each ping that
    /// waited only for it. `None` when no post is outstanding.
    pub(super) fn confirm(&mut self) -> Option<usize> {
        let group = self.groups.front_mut()?;
        group.posts -= 1;
        self.posts -= 1;
        if group.posts > 0 {
            return Some(1);
        }
        let pings = self.groups.pop_front().map_or(0, |group| group.pings);
        self.pings -= pings;
        Some(1 + pings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_in_the_order_of_arrival() {
        let mut replies = PendingReplies::default();
        assert!(!replies.push_ping());
        replies.push_post();
        replies.push_post();
        assert!(replies.push_ping());
        assert!(replies.push_ping());
        replies.push_post();
        assert_eq!((replies.posts(), replies.pings()), (3, 2));
        assert_eq!([replies.confirm(), replies.confirm(), replies.confirm()], [Some(1), Some(3), Some(1)]);
        assert_eq!((replies.posts(), replies.pings(), replies.confirm()), (0, 0, None));
    }

    #[test]
    fn keeps_a_bounded_number_of_groups() {
        let mut replies = PendingReplies::default();
        for _ in 0..2 * MAX_GROUPS {
            replies.push_post();
            assert!(replies.push_ping());
        }
        assert_eq!(replies.groups.len(), MAX_GROUPS);
        let answers: usize = std::iter::from_fn(|| replies.confirm()).sum();
        assert_eq!(answers, 4 * MAX_GROUPS);
    }
}
