//! The posts of one writer in the order of typing: queued, written, ended. A value without I/O, clock or chance; what
//! it holds for each post besides (`T`) it only hands back.

use std::collections::VecDeque;
use std::time::Duration;

use chat_proto::{DeclineCode, Position, PostId, Text};
use tokio::time::Instant;

/// How often the server may put a post off before that counts as a refusal. With a window that shrinks to one post
/// the second or third attempt succeeds; more than this is a server that never means to take it.
const MAX_TRIES: u32 = 20;

/// How long to wait when the server says "later" and not when.
const LATER: Duration = Duration::from_secs(1);

/// A server that says "in an hour" is asked after this long all the same: its clock may be mad, and asking costs one
/// line.
const LATEST: Duration = Duration::from_secs(30);

/// How many posts may be in flight on a link that has just broken; each confirmation lets one more through. A link
/// that breaks again and again under the weight of all that is unanswered would never get on.
const WINDOW_AFTER_BREAK: usize = 8;

/// One post.
#[derive(Debug)]
pub(crate) struct Post<T> {
    pub(crate) id: PostId,
    pub(crate) text: Text,
    /// It may have reached a server already.
    pub(crate) written_before: bool,
    pub(crate) ticket: T,
}

/// How a post ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Confirmed(Option<Position>),
    Refused(DeclineCode, Option<Duration>),
    Unconfirmed,
    NeverSent,
}

#[derive(Debug)]
pub(crate) struct Queue<T> {
    /// Handed to the connection, by key, and not answered.
    written: VecDeque<(u64, Entry<T>)>,
    queued: VecDeque<Entry<T>>,
    next_key: u64,
    pushed: u64,
    /// How many may be in flight: shrinks when the link breaks, and to one when the server says "too fast"; grows
    /// again with each confirmation.
    window: usize,
    /// Nothing is written before this.
    not_before: Option<Instant>,
}

#[derive(Debug)]
struct Entry<T> {
    post: Post<T>,
    /// Its place in the order of typing.
    order: u64,
    tries: u32,
    /// It was written on a connection that broke, or by an earlier run: perhaps it is stored, whatever a server says of
    /// a repetition that it puts off.
    in_doubt: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        Self {
            written: VecDeque::new(),
            queued: VecDeque::new(),
            next_key: 0,
            pushed: 0,
            window: usize::MAX,
            not_before: None,
        }
    }

    pub(crate) fn push(&mut self, post: Post<T>) {
        self.pushed += 1;
        let in_doubt = post.written_before;
        self.queued.push_back(Entry { post, order: self.pushed, tries: 0, in_doubt });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.written.is_empty() && self.queued.is_empty()
    }

    /// The post that [`Queue::write_next`] would give.
    pub(crate) fn next(&mut self, now: Instant) -> Option<&Post<T>> {
        self.not_before = self.not_before.filter(|at| now < *at);
        if self.written.len() >= self.window || self.not_before.is_some() {
            return None;
        }
        self.queued.front().map(|entry| &entry.post)
    }

    /// Nothing is written for a while: our own side is not ready for it.
    pub(crate) fn put_off(&mut self, now: Instant) {
        self.not_before = Some(now + LATER);
    }

    /// The next post to write, now marked as written, and the key for its answer.
    pub(crate) fn write_next(&mut self, now: Instant) -> Option<(u64, &Post<T>)> {
        self.next(now)?;
        let mut entry = self.queued.pop_front()?;
        entry.post.written_before = true;
        let key = self.next_key;
        self.next_key += 1;
        self.written.push_back((key, entry));
        self.written.back().map(|(key, entry)| (*key, &entry.post))
    }

    /// When writing may go on, where nothing but time is in its way: with a full window it is an answer that counts.
    pub(crate) fn wait_until(&self) -> Option<Instant> {
        self.not_before.filter(|_| !self.queued.is_empty() && self.written.len() < self.window)
    }

    /// The ticket of a post that is written.
    pub(crate) fn written(&self, key: u64) -> Option<&T> {
        self.written.iter().find(|(known, _)| *known == key).map(|(_, entry)| &entry.post.ticket)
    }

    /// The server has it.
    pub(crate) fn confirmed(&mut self, key: u64) -> Option<Post<T>> {
        self.window = self.window.saturating_add(1);
        Some(self.take(key)?.post)
    }

    /// The server did not take it: it stays, to be tried again, or comes back with how it ends.
    pub(crate) fn declined(
        &mut self,
        key: u64,
        code: &DeclineCode,
        retry_after: Option<Duration>,
        now: Instant,
    ) -> Option<(Post<T>, Fate)> {
        let mut entry = self.take(key)?;
        entry.tries += 1;
        if !code.is_passing() || entry.tries >= MAX_TRIES {
            // A no may be said before anybody looked whether it is stored, but no attempt was shorter than another.
            let fate = match code {
                DeclineCode::TooLong => Fate::Refused(code.clone(), retry_after),
                _ if entry.in_doubt => Fate::Unconfirmed,
                _ => Fate::Refused(code.clone(), retry_after),
            };
            return Some((entry.post, fate));
        }
        let at = now + retry_after.unwrap_or(LATER).min(LATEST);
        self.not_before = Some(self.not_before.map_or(at, |earlier| earlier.max(at)));
        self.window = 1;
        // The server says that it did not store it now; what an earlier connection did is another matter.
        entry.post.written_before = entry.in_doubt;
        self.queued.push_back(entry);
        self.in_order();
        None
    }

    /// The connection is lost. Where posts can be repeated safely (`ids`) they are queued again, in the order of typing;
    /// elsewhere they come back as unconfirmed.
    pub(crate) fn disconnected(&mut self, ids: bool) -> Vec<Post<T>> {
        self.window = WINDOW_AFTER_BREAK;
        self.not_before = None;
        if !ids {
            return self.written.drain(..).map(|(_, entry)| entry.post).collect();
        }
        let written = self.written.drain(..).map(|(_, entry)| Entry { in_doubt: true, ..entry });
        self.queued.extend(written);
        self.in_order();
        Vec::new()
    }

    /// The server that is there now cannot tell a repeated post: those that may have been delivered come back as
    /// unconfirmed.
    pub(crate) fn take_written_before(&mut self) -> Vec<Post<T>> {
        let (before, fresh): (Vec<_>, Vec<_>) = self.queued.drain(..).partition(|entry| entry.post.written_before);
        self.queued = fresh.into();
        before.into_iter().map(|entry| entry.post).collect()
    }

    /// Takes a post out that was never written.
    pub(crate) fn discard(&mut self, id: &PostId) -> Option<Post<T>> {
        let place = self.queued.iter().position(|entry| entry.post.id == *id && !entry.post.written_before)?;
        self.queued.remove(place).map(|entry| entry.post)
    }

    /// All that is left, in order, when nothing more will be written.
    pub(crate) fn drain(&mut self) -> Vec<Post<T>> {
        self.queued.extend(self.written.drain(..).map(|(_, entry)| entry));
        self.in_order();
        self.queued.drain(..).map(|entry| entry.post).collect()
    }

    fn in_order(&mut self) {
        self.queued.make_contiguous().sort_by_key(|entry| entry.order);
    }

    fn take(&mut self, key: u64) -> Option<Entry<T>> {
        let place = self.written.iter().position(|(known, _)| *known == key)?;
        self.written.remove(place).map(|(_, entry)| entry)
    }
}

impl<T> Post<T> {
    /// How it ends when nothing more will be written.
    pub(crate) fn abandoned(&self) -> Fate {
        if self.written_before { Fate::Unconfirmed } else { Fate::NeverSent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(n: u32) -> Post<u32> {
        Post {
            id: PostId::new(&n.to_string()).unwrap(),
            text: Text::new("x").unwrap(),
            written_before: false,
            ticket: n,
        }
    }

    fn tickets(posts: &[Post<u32>]) -> Vec<u32> {
        posts.iter().map(|post| post.ticket).collect()
    }

    fn write_all(queue: &mut Queue<u32>, now: Instant) -> Vec<(u64, u32)> {
        std::iter::from_fn(|| queue.write_next(now).map(|(key, post)| (key, post.ticket))).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn with_ids_what_was_written_goes_first_again_and_in_order() {
        let now = Instant::now();
        let mut queue = Queue::new();
        (1..=4).for_each(|n| queue.push(post(n)));
        let keys = write_all(&mut queue, now);
        assert_eq!(queue.confirmed(keys[1].0).unwrap().ticket, 2);
        queue.push(post(5));
        assert!(queue.disconnected(true).is_empty());
        assert_eq!(write_all(&mut queue, now).iter().map(|(_, n)| *n).collect::<Vec<_>>(), [1, 3, 4, 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn without_ids_what_was_written_is_unconfirmed_and_what_was_queued_stays() {
        let now = Instant::now();
        let mut queue = Queue::new();
        (1..=2).for_each(|n| queue.push(post(n)));
        write_all(&mut queue, now);
        queue.push(post(3));
        assert_eq!(tickets(&queue.disconnected(false)), [1, 2]);
        assert_eq!(write_all(&mut queue, now).len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_lost_its_ids_gets_nothing_twice() {
        let now = Instant::now();
        let mut queue = Queue::new();
        queue.push(post(1));
        write_all(&mut queue, now);
        queue.push(post(2));
        queue.disconnected(true);
        assert_eq!(tickets(&queue.take_written_before()), [1]);
        assert_eq!(tickets(&queue.drain()), [2]);
    }

    #[tokio::test(start_paused = true)]
    async fn too_fast_shrinks_the_window_keeps_the_order_and_waits() {
        let now = Instant::now();
        let mut queue = Queue::new();
        (1..=4).for_each(|n| queue.push(post(n)));
        let keys = write_all(&mut queue, now);
        let wait = Duration::from_millis(700);
        for &(key, n) in &keys[1..] {
            assert!(queue.declined(key, &DeclineCode::Rate, Some(wait), now).is_none(), "{n}");
        }
        assert_eq!((queue.confirmed(keys[0].0).unwrap().ticket, queue.wait_until()), (1, Some(now + wait)));
        assert!(queue.write_next(now).is_none());
        let later = now + wait;
        let mut order = Vec::new();
        while let Some((key, ticket)) = queue.write_next(later).map(|(key, post)| (key, post.ticket)) {
            order.push(ticket);
            queue.confirmed(key);
        }
        assert_eq!(order, [2, 3, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_time_that_has_passed_or_that_changes_nothing() {
        let now = Instant::now();
        let mut queue = Queue::new();
        (1..=3).for_each(|n| queue.push(post(n)));
        let keys = write_all(&mut queue, now);
        assert!(queue.declined(keys[0].0, &DeclineCode::Rate, Some(LATER), now).is_none());
        assert_eq!(queue.wait_until(), None, "two are in flight, and one may be");
        let later = now + LATER;
        assert!(queue.write_next(later).is_none());
        queue.confirmed(keys[1].0);
        queue.confirmed(keys[2].0);
        assert_eq!(queue.wait_until(), None, "the time has passed");
        assert_eq!(queue.write_next(later).unwrap().1.ticket, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_final_no_and_a_no_without_end_are_refusals() {
        let now = Instant::now();
        let mut queue = Queue::new();
        queue.push(post(1));
        let (key, _) = queue.write_next(now).unwrap();
        let (post_1, fate) = queue.declined(key, &DeclineCode::TooLong, None, now).unwrap();
        assert_eq!((post_1.ticket, fate), (1, Fate::Refused(DeclineCode::TooLong, None)));
        queue.push(post(2));
        for tries in 1.. {
            let at = queue.wait_until().unwrap_or(now);
            let (key, _) = queue.write_next(at).unwrap();
            if let Some((_, fate)) = queue.declined(key, &DeclineCode::Rate, None, at) {
                assert_eq!((tries, fate), (MAX_TRIES, Fate::Refused(DeclineCode::Rate, None)));
                break;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_be_stored_since_an_earlier_connection_is_never_called_unsent_or_refused_for_now() {
        for code in [DeclineCode::Rate, DeclineCode::Draining] {
            let mut now = Instant::now();
            let mut queue = Queue::new();
            queue.push(post(1));
            write_all(&mut queue, now);
            queue.disconnected(true);
            for tries in 1.. {
                now += LATER;
                let (key, _) = queue.write_next(now).unwrap();
                if let Some((post, fate)) = queue.declined(key, &code, None, now) {
                    assert_eq!((tries, post.ticket, fate), (MAX_TRIES, 1, Fate::Unconfirmed));
                    break;
                }
                assert!(queue.discard(&PostId::new("1").unwrap()).is_none());
                assert!(queue.queued.iter().all(|entry| entry.post.abandoned() == Fate::Unconfirmed));
            }
            // The same for what an earlier run has written, and a server that takes no ids.
            queue.push(Post { written_before: true, ..post(2) });
            let (key, _) = queue.write_next(now + LATER).unwrap();
            assert!(queue.declined(key, &code, None, now).is_none());
            assert_eq!(tickets(&queue.take_written_before()), [2]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_put_off_stays_in_front_of_what_was_written_behind_it() {
        let now = Instant::now();
        let mut queue = Queue::new();
        (1..=4).for_each(|n| queue.push(post(n)));
        let keys = write_all(&mut queue, now);
        assert!(queue.declined(keys[0].0, &DeclineCode::Rate, None, now).is_none());
        assert!(queue.declined(keys[2].0, &DeclineCode::Rate, None, now).is_none());
        queue.disconnected(true);
        assert_eq!(tickets(&queue.drain()), [1, 2, 3, 4]);
    }

    #[test]
    fn only_what_was_never_written_can_be_discarded() {
        let mut queue = Queue::new();
        queue.push(Post { written_before: true, ..post(1) });
        queue.push(post(2));
        assert!(queue.discard(&PostId::new("1").unwrap()).is_none());
        assert_eq!(queue.discard(&PostId::new("2").unwrap()).unwrap().ticket, 2);
        assert_eq!(queue.drain()[0].abandoned(), Fate::Unconfirmed);
    }
}
