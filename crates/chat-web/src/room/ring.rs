//! The newest messages of the room, encoded once for all pages. A page is an index into it.

use std::collections::VecDeque;
use std::ops::Range;

use axum::extract::ws::Utf8Bytes;
use chat_client::Position;

/// One object for the pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RingItem {
    /// The position of a message or of a removal in its place; `None` for everything else.
    pub(crate) position: Option<Position>,
    /// The object as it is sent.
    pub(crate) json: Utf8Bytes,
    /// The removal that this item is, with or without a position. A message whose text was taken out later has none: the
    /// removal is an item behind it.
    pub(crate) removal: Option<Box<RingRemoval>>,
}

impl RingItem {
    /// Returns the bytes of its objects. One form of a removal is shared with `json`.
    fn size(&self) -> usize {
        self.removal.as_ref().map_or(self.json.len(), |removal| removal.note.len() + removal.in_place.len())
    }
}

/// A removal, in the two forms of its object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RingRemoval {
    pub(crate) position: Position,
    /// For pages that have the message.
    pub(crate) note: Utf8Bytes,
    /// For pages that never had it.
    pub(crate) in_place: Utf8Bytes,
}

/// The newest items. Each has an index, which grows by one from item to item.
#[derive(Debug)]
pub(crate) struct RecentRing {
    items: VecDeque<RingItem>,
    /// The index of the first item.
    first: u64,
    bytes: usize,
    max_items: usize,
    max_bytes: usize,
    /// The position right before the first item, if known.
    floor: Option<Position>,
}

/// What there is after an index.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RingRead {
    /// These items, the last of which has the index before `next`.
    Items { items: Vec<RingItem>, next: u64 },
    /// Nothing yet.
    UpToDate,
    /// The item at the index is no longer here.
    Evicted,
}

/// Where a position is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RingPlace {
    /// The items after it start at this index, and none is missing.
    At(u64),
    /// It is this far behind the oldest item of its stream.
    Behind,
    /// It belongs to another stream, or is newer than what there is.
    Unknown,
}

impl RecentRing {
    /// Creates an empty ring with at most this many items and bytes. The newest item always has a place.
    pub(crate) fn new(max_items: usize, max_bytes: usize) -> Self {
        Self { items: VecDeque::new(), first: 0, bytes: 0, max_items, max_bytes, floor: None }
    }

    /// Appends an item, and drops the oldest ones that no longer fit. A removal takes the text out of its message too, so
    /// that pages that come later never get it.
    pub(crate) fn push(&mut self, item: RingItem) {
        if let Some(removal) = &item.removal {
            self.blank(removal);
        }
        self.bytes += item.size();
        self.items.push_back(item);
        while self.items.len() > 1 && (self.items.len() > self.max_items || self.bytes > self.max_bytes) {
            let Some(old) = self.items.pop_front() else { break };
            self.bytes -= old.size();
            self.first += 1;
            self.floor = old.position.or(self.floor.take());
        }
    }

    fn blank(&mut self, removal: &RingRemoval) {
        let removed = |item: &&mut RingItem| item.position.as_ref() == Some(&removal.position);
        let Some(item) = self.items.iter_mut().rev().find(removed) else { return };
        // The removal is behind it in the ring, so it stays longer than the message.
        let before = item.size();
        *item = RingItem { position: item.position.take(), json: removal.in_place.clone(), removal: None };
        self.bytes = self.bytes - before + item.size();
    }

    /// Returns removals of messages up to a position, for a page that may have them with their text: at most about
    /// `max_bytes`, from the items with these indices. Returns the index to continue with, too.
    pub(crate) fn removals(&self, indices: Range<u64>, last: &Position, max_bytes: usize) -> (Vec<RingItem>, u64) {
        let offset = |index: u64| {
            usize::try_from(index.saturating_sub(self.first)).map_or(self.items.len(), |at| at.min(self.items.len()))
        };
        let (from, to) = (offset(indices.start), offset(indices.end));
        let mut bytes = 0;
        let mut found: Vec<RingItem> = Vec::new();
        for (at, item) in self.items.range(from..to.max(from)).enumerate() {
            let Some(removal) = &item.removal else { continue };
            if removal.position.stream != last.stream || removal.position.seq > last.seq {
                continue;
            }
            if !found.is_empty() && bytes + removal.note.len() > max_bytes {
                return (found, self.first + (from + at) as u64);
            }
            bytes += removal.note.len();
            found.push(RingItem { position: None, json: removal.note.clone(), removal: None });
        }
        (found, indices.end)
    }

    /// Records that what is pushed next follows this position. Does nothing unless the ring is empty.
    pub(crate) fn begin_after(&mut self, position: Position) {
        if self.items.is_empty() {
            self.floor = Some(position);
        }
    }

    /// Returns the index of the next item that will be pushed.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.items.len() as u64
    }

    /// Returns the position before the first item.
    pub(crate) fn floor(&self) -> Option<&Position> {
        self.floor.as_ref()
    }

    /// Returns the position of the newest message.
    pub(crate) fn newest(&self) -> Option<&Position> {
        self.items.iter().rev().find_map(|item| item.position.as_ref()).or(self.floor.as_ref())
    }

    /// Returns the items from an index on, at most about `max_bytes` of them.
    pub(crate) fn read(&self, index: u64, max_bytes: usize) -> RingRead {
        let Some(offset) = index.checked_sub(self.first) else { return RingRead::Evicted };
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        if offset >= self.items.len() {
            return RingRead::UpToDate;
        }
        let mut bytes = 0;
        let mut items = Vec::new();
        for item in self.items.range(offset..) {
            if !items.is_empty() && bytes + item.json.len() > max_bytes {
                break;
            }
            bytes += item.json.len();
            items.push(item.clone());
        }
        let next = index + items.len() as u64;
        RingRead::Items { items, next }
    }

    /// Returns where a page continues that has everything up to a position.
    pub(crate) fn place_after(&self, position: &Position) -> RingPlace {
        let Some(newest) = self.newest() else { return RingPlace::Unknown };
        if newest.stream == position.stream && newest.seq < position.seq {
            return RingPlace::Unknown;
        }
        let same = |item: &Position| item.stream == position.stream;
        let mut in_stream = false;
        for (offset, item) in self.items.iter().enumerate().rev() {
            let Some(at) = item.position.as_ref().filter(|at| same(at)) else { continue };
            in_stream = true;
            if at.seq <= position.seq {
                return RingPlace::At(self.first + offset as u64 + 1);
            }
        }
        match self.floor.as_ref().filter(|floor| same(floor)) {
            Some(floor) if floor.seq <= position.seq => RingPlace::At(self.first),
            Some(_) => RingPlace::Behind,
            None if in_stream => RingPlace::Behind,
            None => RingPlace::Unknown,
        }
    }

    /// Returns the index from which the newest `count` messages follow, and everything between them.
    pub(crate) fn last(&self, count: usize) -> u64 {
        if count == 0 {
            return self.end();
        }
        let positions = self.items.iter().enumerate().rev().filter(|(_, item)| item.position.is_some());
        self.first + positions.take(count).last().map_or(self.items.len(), |(offset, _)| offset) as u64
    }

    /// Returns all items with their positions, oldest first.
    pub(crate) fn items(&self) -> impl DoubleEndedIterator<Item = &RingItem> {
        self.items.iter()
    }
}

#[cfg(test)]
mod tests;
