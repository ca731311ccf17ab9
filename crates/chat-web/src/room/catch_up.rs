//! The place of one page in the conversation: in the ring, or behind it, where it reads on from the room.

use std::ops::Range;
use std::time::SystemTime;

use chat_client::Position;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::feed::RoomFeed;
use super::history::{HistoryFault, RoomHistory};
use super::ring::{RingItem, RingPlace, RingRead};
use crate::wire::{GapObject, PageEvent, system_time_text};

/// How many messages a page may be behind and still get each of them: as many as it shows.
const MAX_BEHIND: u64 = 2_000;

/// What a page gets that begins, or that is further behind.
pub(crate) const FIRST_MESSAGES: usize = 200;

/// The most bytes of one step. A page that takes nothing holds one step of memory at most.
const STEP_BYTES: usize = 32 * 1024;

/// How many messages are read from the room at once.
const READ_MESSAGES: u64 = 500;

/// The same in bytes. Each reading is a connection, and a page that takes nothing holds what was read.
const READ_BYTES: usize = 128 * 1024;

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PageBegin {
    /// With this many of the newest messages.
    Last(usize),
    /// With the message after this position.
    After(Position),
}

/// What a page gets next.
#[derive(Debug, PartialEq)]
pub(crate) enum PageStep {
    /// An object for this page alone.
    Event(PageEvent),
    /// Objects of the room.
    Items(Vec<RingItem>),
}

/// The place of a page.
#[derive(Debug)]
pub(crate) struct PageCursor {
    feed: RoomFeed,
    history: RoomHistory,
    grown: watch::Receiver<u64>,
    numbered: watch::Receiver<Option<bool>>,
    place: CursorPlace,
    /// The last message that the page has.
    last: Option<Position>,
    /// The page has caught up when it reaches this index.
    backlog_end: Option<u64>,
    /// Sent before everything else.
    pending: Option<PageEvent>,
    /// Where removals in the ring may be that the page has missed, sent after it. What precedes the start it has.
    removals: Range<u64>,
}

#[derive(Debug)]
enum CursorPlace {
    /// The gateway does not have the room's messages yet.
    Begin(PageBegin),
    RecentRing(u64),
    Reading(JoinHandle<Result<Vec<RingItem>, HistoryFault>>),
}

impl Drop for PageCursor {
    fn drop(&mut self) {
        if let CursorPlace::Reading(reading) = &self.place {
            reading.abort();
        }
    }
}

impl PageCursor {
    pub(crate) fn new(feed: RoomFeed, history: RoomHistory, begin: PageBegin) -> Self {
        let (grown, numbered) = (feed.grown(), feed.numbered());
        let place = CursorPlace::Begin(begin);
        Self { feed, history, grown, numbered, place, last: None, backlog_end: None, pending: None, removals: 0..0 }
    }

    /// Waits for what the page gets next.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: a step is taken in the poll that returns it.
    pub(crate) async fn next(&mut self) -> PageStep {
        loop {
            if let Some(event) = self.pending.take() {
                return PageStep::Event(event);
            }
            if let Some(removals) = self.missed_removals() {
                return PageStep::Items(removals);
            }
            match &mut self.place {
                CursorPlace::Begin(begin) => {
                    let Ok(Some(numbered)) = self.numbered.wait_for(Option::is_some).await.map(|now| *now) else {
                        // The gateway ends.
                        return std::future::pending().await;
                    };
                    let begin = begin.clone();
                    return PageStep::Event(self.begin(&begin, numbered));
                }
                CursorPlace::Reading(reading) => {
                    let read = reading.await.unwrap_or(Err(HistoryFault::Unreachable));
                    if let Some(step) = self.has_read(read) {
                        return step;
                    }
                }
                CursorPlace::RecentRing(index) => {
                    let index = *index;
                    if self.backlog_end.take_if(|end| index >= *end).is_some() {
                        return PageStep::Event(PageEvent::CaughtUp);
                    }
                    let read = self.feed.ring().read(index, STEP_BYTES);
                    match read {
                        RingRead::Items { items, next } => {
                            self.place = CursorPlace::RecentRing(next);
                            self.removals = next..next;
                            self.note(&items);
                            return PageStep::Items(items);
                        }
                        RingRead::UpToDate => {
                            if self.grown.changed().await.is_err() {
                                return std::future::pending().await;
                            }
                        }
                        RingRead::Evicted => self.find_place(),
                    }
                }
            }
        }
    }

    /// Returns whether the room numbers its messages.
    pub(crate) fn is_numbered(&self) -> bool {
        *self.numbered.borrow() == Some(true)
    }

    fn begin(&mut self, begin: &PageBegin, numbered: bool) -> PageEvent {
        self.grown.mark_unchanged();
        self.backlog_end = Some(self.feed.ring().end());
        match begin {
            PageBegin::Last(count) => {
                self.place = CursorPlace::RecentRing(self.feed.ring().last(*count));
                PageEvent::Start { resumed: false, numbered }
            }
            PageBegin::After(position) => {
                self.last = Some(position.clone());
                self.find_place();
                PageEvent::Start { resumed: self.pending.is_none(), numbered }
            }
        }
    }

    /// Finds the place after the last message of the page; where that is too far away, leaves a gap.
    fn find_place(&mut self) {
        let Some(last) = self.last.clone() else {
            // Nothing was sent yet, so nothing is missing.
            let index = self.feed.ring().last(FIRST_MESSAGES);
            self.place = CursorPlace::RecentRing(index);
            return;
        };
        let ring = self.feed.ring();
        let (place, floor, end) = (ring.place_after(&last), ring.floor().cloned(), ring.end());
        drop(ring);
        match (place, floor) {
            (RingPlace::At(index), _) => self.continue_at(index),
            (RingPlace::Behind, Some(floor))
                if self.is_numbered() && floor.stream == last.stream && floor.seq - last.seq <= MAX_BEHIND =>
            {
                let until = floor.seq.min(last.seq.saturating_add(READ_MESSAGES));
                self.removals.end = end;
                let history = self.history.clone();
                let reading = async move { history.read(last, until, READ_BYTES).await };
                self.place = CursorPlace::Reading(tokio::spawn(reading));
            }
            (RingPlace::Behind, _) => self.skip("far_behind"),
            (RingPlace::Unknown, _) => self.skip("other_stream"),
        }
    }

    /// Leaves out what cannot be had, says so, and continues with the newest messages.
    fn skip(&mut self, cause: &'static str) {
        let now = system_time_text(SystemTime::now());
        let after = self.last.as_ref().map(ToString::to_string);
        self.pending = Some(PageEvent::Gap(GapObject { since: now.clone(), until: now, missed: None, cause, after }));
        let index = self.feed.ring().last(FIRST_MESSAGES);
        self.continue_at(index);
    }

    /// Continues in the ring. While the page was away, or behind the ring, messages that it shows may have been removed:
    /// it first gets the removals before this index.
    fn continue_at(&mut self, index: u64) {
        self.place = CursorPlace::RecentRing(index);
        self.removals.end = index;
    }

    /// Returns the next step of removals that the page may have missed.
    fn missed_removals(&mut self) -> Option<Vec<RingItem>> {
        if self.removals.is_empty() {
            return None;
        }
        let last = self.last.as_ref()?;
        let (removals, next) = self.feed.ring().removals(self.removals.clone(), last, STEP_BYTES);
        self.removals.start = next;
        Some(removals).filter(|removals| !removals.is_empty())
    }

    /// Continues with what was read from the room.
    fn has_read(&mut self, read: Result<Vec<RingItem>, HistoryFault>) -> Option<PageStep> {
        let before = self.last.clone();
        match read {
            Ok(items) => {
                self.note(&items);
                if self.last == before {
                    // Without progress the next reading would be the same.
                    self.skip("far_behind");
                } else {
                    self.find_place();
                }
                Some(PageStep::Items(items)).filter(|step| *step != PageStep::Items(Vec::new()))
            }
            Err(HistoryFault::OtherStream) => {
                self.skip("other_stream");
                None
            }
            Err(HistoryFault::Busy | HistoryFault::Unreachable) => {
                self.skip("far_behind");
                None
            }
        }
    }

    fn note(&mut self, items: &[RingItem]) {
        if let Some(position) = items.iter().rev().find_map(|item| item.position.clone()) {
            self.last = Some(position);
        }
    }
}

#[cfg(test)]
mod tests;
