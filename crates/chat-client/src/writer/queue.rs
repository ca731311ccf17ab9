//! The posts of one writer in the order of typing: queued, written, ended. `T` is data of the caller for each post,
//! which the queue only returns. The time is an argument.

use std::collections::VecDeque;
use std::time::Duration;

use chat_proto::{DeclineCode, PostId, Text};
use tokio::time::Instant;

use super::pacing::Pace;
use crate::delivery_state::DeliveryState;

/// How often the server may put a post off for an internal fault before that counts as a refusal: beyond this, it will
/// probably never accept it. A rate limit always passes, and a shared log comes back, so these are waited for as long as
/// the caller waits.
const MAX_TRIES: u32 = 20;

/// The delay if the server asks to wait and gives no time.
const LATER: Duration = Duration::from_secs(1);

/// The longest delay before another attempt. A server that requests an hour may have a wrong clock, and asking costs
/// one line.
const LATEST: Duration = Duration::from_secs(30);

/// How many posts may be in flight on a link that has just broken; each confirmation allows one more. A link that
/// breaks under the load of all unanswered posts would otherwise break again each time.
const WINDOW_AFTER_BREAK: usize = 8;

/// The answer of a server that did not store a post.
#[derive(Debug)]
pub(crate) struct DeclineAnswer {
    pub(crate) code: DeclineCode,
    pub(crate) retry_after: Option<Duration>,
    /// Why, in the words of an operator.
    pub(crate) reason: Option<Text>,
}

/// One post.
#[derive(Debug)]
pub(crate) struct Post<T> {
    pub(crate) id: PostId,
    pub(crate) text: Text,
    /// It may already have reached a server.
    pub(crate) written_before: bool,
    /// It was seen on the listen port after it was written.
    pub(crate) echoed: bool,
    /// The reason when the server last put it off.
    pub(crate) put_off: Option<DeclineCode>,
    pub(crate) ticket: T,
}

#[derive(Debug)]
pub(crate) struct Queue<T> {
    /// Written to the connection and not answered, by key.
    written: VecDeque<(u64, QueuedPost<T>)>,
    queued: VecDeque<QueuedPost<T>>,
    next_key: u64,
    pushed: u64,
    /// How many posts may be in flight: reduced when the link breaks, and to one when the server reports that posts
    /// come too fast; grows by one with each confirmation.
    window: usize,
    /// The pace that the server accepts.
    pace: Pace,
    /// Nothing is written before this time.
    not_before: Option<Instant>,
    /// The log of the room is away.
    away: Option<Away>,
}

/// The server cannot reach the log of the room.
#[derive(Clone, Copy, Debug)]
struct Away {
    /// When the server first said so on this connection.
    since: Instant,
    /// When it is asked again.
    until: Instant,
}

#[derive(Debug)]
struct QueuedPost<T> {
    post: Post<T>,
    /// Its position in the order of typing.
    order: u64,
    /// How often the server put this post off for its own sake, and not because of an earlier one.
    tries: u32,
    written_at: Option<Instant>,
    /// It was written on a connection that broke, or by an earlier run: it may be stored, even if the server puts a
    /// repetition off.
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
            pace: Pace::default(),
            not_before: None,
            away: None,
        }
    }

    pub(crate) fn push(&mut self, post: Post<T>) {
        self.pushed += 1;
        let in_doubt = post.written_before;
        self.queued.push_back(QueuedPost { post, order: self.pushed, tries: 0, written_at: None, in_doubt });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.written.is_empty() && self.queued.is_empty()
    }

    /// Returns the post that [`Queue::write_next`] would return.
    pub(crate) fn next(&mut self, now: Instant) -> Option<&Post<T>> {
        self.not_before = self.not_before.filter(|at| now < *at);
        if self.written.len() >= self.window || self.not_before.is_some() {
            return None;
        }
        self.queued.front().map(|entry| &entry.post)
    }

    /// Stops writing for a while, because the outbox cannot be written.
    pub(crate) fn put_off(&mut self, now: Instant) {
        self.not_before = Some(now + LATER);
    }

    /// Marks the next post as written, and returns it with the key for its answer.
    pub(crate) fn write_next(&mut self, now: Instant) -> Option<(u64, &Post<T>)> {
        self.next(now)?;
        let mut entry = self.queued.pop_front()?;
        entry.post.written_before = true;
        entry.written_at = Some(now);
        self.pace.written(now);
        self.not_before = self.pace.next();
        let key = self.next_key;
        self.next_key += 1;
        self.written.push_back((key, entry));
        self.written.back().map(|(key, entry)| (*key, &entry.post))
    }

    /// Returns when writing can continue, if only time prevents it: with a full window an answer is needed instead.
    pub(crate) fn wait_until(&self) -> Option<Instant> {
        self.not_before.filter(|_| !self.queued.is_empty() && self.written.len() < self.window)
    }

    /// Returns the ticket of a written post.
    pub(crate) fn written(&self, key: u64) -> Option<&T> {
        self.written.iter().find(|(known, _)| *known == key).map(|(_, entry)| &entry.post.ticket)
    }

    /// Removes a post that the server confirmed.
    pub(crate) fn confirmed(&mut self, key: u64) -> Option<Post<T>> {
        self.window = self.window.saturating_add(1);
        self.away = None;
        let entry = self.take(key)?;
        if let Some(written) = entry.written_at {
            self.pace.passed(written);
        }
        Some(entry.post)
    }

    /// Processes a decline: the post is queued again, or returned with its final state.
    pub(crate) fn declined(
        &mut self,
        key: u64,
        DeclineAnswer { code, retry_after, reason }: DeclineAnswer,
        now: Instant,
    ) -> Option<(Post<T>, DeliveryState)> {
        let mut entry = self.take(key)?;
        let is_first = self.written.iter().map(|(_, other)| other).chain(&self.queued).all(|o| entry.order < o.order);
        // A post behind one that was put off is put off with it; that does not count as an attempt of its own.
        if is_first && !matches!(code, DeclineCode::Rate | DeclineCode::Unavailable) {
            entry.tries += 1;
        }
        if !code.is_transient() || entry.tries >= MAX_TRIES {
            // The server may refuse before it checks whether the post is stored, so a post in doubt stays unconfirmed.
            let in_doubt = entry.in_doubt && code != DeclineCode::TooLong;
            let refused = DeliveryState::Refused { code, retry_after, reason };
            return Some((entry.post, if in_doubt { DeliveryState::Unconfirmed } else { refused }));
        }
        let later = retry_after.unwrap_or(LATER).min(LATEST);
        if let (DeclineCode::Rate, Some(written)) = (&code, entry.written_at) {
            self.pace.declined(written, later);
        }
        let at = now + later;
        self.away = (code == DeclineCode::Unavailable)
            .then(|| Away { since: self.away.map_or(now, |away| away.since), until: at });
        self.not_before = Some(self.not_before.map_or(at, |earlier| earlier.max(at)));
        self.window = 1;
        // The server has not stored this attempt; an attempt on an earlier connection may be stored nevertheless.
        entry.post.written_before = entry.in_doubt;
        entry.post.put_off = Some(code);
        self.queued.push_back(entry);
        self.in_order();
        None
    }

    /// Processes the loss of the connection. If posts can be repeated safely (`ids`), they are queued again in the
    /// order of typing; otherwise they are returned as unconfirmed.
    pub(crate) fn disconnected(&mut self, ids: bool) -> Vec<Post<T>> {
        self.window = WINDOW_AFTER_BREAK;
        self.not_before = None;
        self.away = None;
        self.pace = Pace::default();
        if !ids {
            return self.written.drain(..).map(|(_, entry)| entry.post).collect();
        }
        let written = self.written.drain(..).map(|(_, entry)| QueuedPost { in_doubt: true, ..entry });
        self.queued.extend(written);
        self.in_order();
        Vec::new()
    }

    /// Removes the posts that may have been delivered, for a server that cannot recognise a repeated post; they end as
    /// unconfirmed.
    pub(crate) fn take_written_before(&mut self) -> Vec<Post<T>> {
        let (before, fresh): (Vec<_>, Vec<_>) = self.queued.drain(..).partition(|entry| entry.post.written_before);
        self.queued = fresh.into();
        before.into_iter().map(|entry| entry.post).collect()
    }

    /// Returns since when the log of the room is away, if posts wait for it.
    pub(crate) fn away_since(&self) -> Option<Instant> {
        self.away.filter(|_| !self.is_empty()).map(|away| away.since)
    }

    /// Returns why the server asked to wait, and until when. A log that is away stays so while the server is asked again,
    /// so that the reason can be shown steadily.
    pub(crate) fn held(&self) -> Option<(&DeclineCode, Instant)> {
        if let Some(away) = self.away.filter(|_| !self.is_empty()) {
            return Some((&DeclineCode::Unavailable, away.until));
        }
        let until = self.wait_until()?;
        Some((self.queued.front()?.post.put_off.as_ref()?, until))
    }

    /// Returns whether the post is queued or unanswered.
    pub(crate) fn contains(&self, id: &PostId) -> bool {
        self.posts().any(|post| post.id == *id)
    }

    /// Records that the post was seen on the listen port. Returns `false` if it is not in the queue.
    pub(crate) fn echoed(&mut self, id: &PostId) -> bool {
        let written = self.written.iter_mut().map(|(_, entry)| entry);
        match written.chain(&mut self.queued).find(|entry| entry.post.id == *id) {
            Some(entry) => {
                entry.post.echoed |= entry.post.written_before;
                true
            }
            None => false,
        }
    }

    fn posts(&self) -> impl Iterator<Item = &Post<T>> {
        self.written.iter().map(|(_, entry)| &entry.post).chain(self.queued.iter().map(|entry| &entry.post))
    }

    /// Removes a post that was never written.
    pub(crate) fn discard(&mut self, id: &PostId) -> Option<Post<T>> {
        let place = self.queued.iter().position(|entry| entry.post.id == *id && !entry.post.written_before)?;
        self.queued.remove(place).map(|entry| entry.post)
    }

    /// Removes all posts, in order, when nothing more will be written.
    pub(crate) fn drain(&mut self) -> Vec<Post<T>> {
        self.queued.extend(self.written.drain(..).map(|(_, entry)| entry));
        self.in_order();
        self.queued.drain(..).map(|entry| entry.post).collect()
    }

    fn in_order(&mut self) {
        self.queued.make_contiguous().sort_by_key(|entry| entry.order);
    }

    fn take(&mut self, key: u64) -> Option<QueuedPost<T>> {
        let place = self.written.iter().position(|(known, _)| *known == key)?;
        self.written.remove(place).map(|(_, entry)| entry)
    }
}

impl<T> Post<T> {
    /// Returns the final state of a post when nothing more will be written.
    pub(crate) fn abandoned(&self) -> DeliveryState {
        if self.written_before { DeliveryState::Unconfirmed } else { DeliveryState::NeverSent }
    }
}

#[cfg(test)]
mod tests;
