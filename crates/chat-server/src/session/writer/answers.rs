//! What a writer is owed: posts that wait for the disk, and confirmations that wait for the peer to
//! read. It decides how much of either may add up.

use std::collections::VecDeque;

use chat_proto::{Connection, PostId, WriterServer, WriterServerCommand};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;

use crate::committer::Outcome;

/// What one confirmation takes in the connection's buffer, roughly.
const CONFIRMATION_BYTES: usize = 64;

/// Posts that were handed to the store together.
pub(super) struct Flight {
    /// The writer's names for them; plain posts have none.
    pub(super) ids: Vec<Option<PostId>>,
    /// The store's answer.
    pub(super) outcome: oneshot::Receiver<Outcome>,
}

/// Posts in flight and confirmations held back.
pub(super) struct Answers {
    flights: VecDeque<Flight>,
    in_flight: usize,
    posts_limit: usize,
    room: Room,
}

/// How many confirmations wait because the peer does not read. They are all the same, so a number
/// is enough, however many there are.
pub(super) struct Room {
    held: u64,
    /// Bytes handed to the machine that the connection does not count yet.
    on_the_way: usize,
    limit: usize,
}

impl Room {
    /// Whether held confirmations could go now. Half the limit, so that they go in bulk.
    pub(super) fn is_wanted(&self, buffered: usize) -> bool {
        self.held > 0 && buffered < self.limit.div_ceil(2)
    }

    /// The connection has taken over what the machine held, and counts it from now on.
    pub(super) fn taken_over(&mut self) {
        self.on_the_way = 0;
    }
}

impl Answers {
    pub(super) fn new(posts_limit: usize, bytes_limit: usize) -> Self {
        let room = Room { held: 0, on_the_way: 0, limit: bytes_limit.max(CONFIRMATION_BYTES) };
        Self { flights: VecDeque::new(), in_flight: 0, posts_limit: posts_limit.max(1), room }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(super) fn is_full(&self) -> bool {
        self.in_flight >= self.posts_limit
    }

    pub(super) fn is_holding(&self) -> bool {
        self.room.held > 0
    }

    pub(super) fn parts(&mut self) -> (&mut VecDeque<Flight>, &mut Room) {
        (&mut self.flights, &mut self.room)
    }

    /// Posts were handed to the store.
    pub(super) fn expect(&mut self, flight: Flight) {
        self.in_flight += flight.ids.len();
        self.flights.push_back(flight);
    }

    /// The oldest batch has its answer.
    pub(super) fn landed(&mut self) -> Option<Vec<Option<PostId>>> {
        let flight = self.flights.pop_front()?;
        self.in_flight -= flight.ids.len();
        Some(flight.ids)
    }

    /// The answer to the oldest batch, if it is there.
    pub(super) fn next_ready(&mut self) -> Option<Outcome> {
        self.flights.front_mut()?.outcome.try_recv().ok()
    }

    /// A plain post is stored.
    pub(super) fn hold_confirmation(&mut self) {
        self.room.held += 1;
    }

    /// Lets as many confirmations go as the peer has room for.
    pub(super) fn release<IO: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        connection: &mut Connection<WriterServer, IO>,
    ) {
        let room = &mut self.room;
        while room.held > 0 && connection.buffered() + room.on_the_way < room.limit {
            room.held -= 1;
            room.on_the_way += CONFIRMATION_BYTES;
            if connection.command(WriterServerCommand::Confirm).is_err() {
                tracing::error!("the dialogue did not take a confirmation that it was owed");
            }
        }
    }
}
