//! The posts of one account that this run of the gateway knows, so that a repeated one is not sent again.

use std::collections::{HashMap, VecDeque};

use chat_client::PostId;
use tokio::sync::watch;

use super::post_state::PostState;

/// How many posts are known. A page repeats what it has no receipt for, at most 200 posts; five pages of one account fit.
const MAX_POSTS: usize = 1_024;

/// The posts, by their ids.
#[derive(Debug, Default)]
pub(crate) struct PostTable {
    posts: HashMap<PostId, watch::Sender<PostState>>,
    /// The ids, oldest first.
    order: VecDeque<PostId>,
}

/// Whether a post has to be sent.
#[derive(Debug)]
pub(crate) enum Noted {
    /// It is new: its state is to be reported here.
    New(watch::Sender<PostState>),
    /// It is known.
    Known(watch::Receiver<PostState>),
    /// So many posts are unanswered that there is no place for it.
    Full,
}

impl PostTable {
    /// Notes a post, unless it is known.
    pub(crate) fn note(&mut self, id: &PostId) -> Noted {
        if let Some(post) = self.posts.get(id)
            && !post.borrow().may_be_sent_again()
        {
            return Noted::Known(post.subscribe());
        }
        if self.posts.remove(id).is_some() {
            self.order.retain(|known| known != id);
        }
        if self.posts.len() >= MAX_POSTS && !self.forget_oldest() {
            return Noted::Full;
        }
        let state = watch::Sender::new(PostState::Accepted);
        self.posts.insert(id.clone(), state.clone());
        self.order.push_back(id.clone());
        Noted::New(state)
    }

    /// Returns how many posts have no final state.
    pub(crate) fn unanswered(&self) -> usize {
        self.posts.values().filter(|post| !post.borrow().is_final()).count()
    }

    /// Forgets the oldest post that has a final state. Returns `false` if there is none.
    fn forget_oldest(&mut self) -> bool {
        let is_final = |id: &PostId| self.posts.get(id).is_none_or(|post| post.borrow().is_final());
        let Some(place) = self.order.iter().position(is_final) else { return false };
        if let Some(id) = self.order.remove(place) {
            self.posts.remove(&id);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> PostId {
        PostId::new(&format!("p{number}")).unwrap()
    }

    #[test]
    fn known_posts_are_not_sent_again() {
        let mut table = PostTable::default();
        let Noted::New(first) = table.note(&id(1)) else { panic!("known") };
        assert!(matches!(table.note(&id(1)), Noted::Known(_)));
        first.send_replace(PostState::Unconfirmed);
        let Noted::Known(state) = table.note(&id(1)) else { panic!("sent again") };
        assert_eq!(*state.borrow(), PostState::Unconfirmed);
        assert_eq!(table.unanswered(), 0);
    }

    #[test]
    fn what_the_room_refused_may_be_sent_again() {
        let mut table = PostTable::default();
        for state in [PostState::refused("rate"), PostState::NeverSent] {
            let Noted::New(post) = table.note(&id(1)) else { panic!("known") };
            post.send_replace(state);
        }
        assert!(matches!(table.note(&id(1)), Noted::New(_)));
    }

    #[test]
    fn only_answered_posts_are_forgotten() {
        let mut table = PostTable::default();
        let posts: Vec<_> = (0..MAX_POSTS).map(|number| table.note(&id(number))).collect();
        assert!(matches!(table.note(&id(MAX_POSTS)), Noted::Full));
        let Noted::New(post) = &posts[7] else { panic!("known") };
        post.send_replace(PostState::Unconfirmed);
        assert!(matches!(table.note(&id(MAX_POSTS)), Noted::New(_)));
        assert!(matches!(table.note(&id(6)), Noted::Known(_)));
    }
}
