//! The state of a room in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat_proto::{Account, DeclineCode, Extensions, Message, Nickname, Position, PostId, StreamId, Text, Token};
use tokio::sync::watch;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) extensions: Extensions,
    /// The log, which all nodes of the room share.
    pub(super) state: Arc<Mutex<RoomState>>,
    /// The number of messages, for sessions that wait for the next one.
    pub(super) grown: watch::Sender<u64>,
    pub(super) conditions: watch::Sender<Conditions>,
    pub(super) faults: Mutex<Faults>,
}

pub(super) struct RoomState {
    pub(super) stream: StreamId,
    pub(super) streams: u64,
    pub(super) log: Vec<Message>,
    pub(super) ids: HashMap<PostId, u64>,
}

/// The faults of one node that are switched on.
#[derive(Default)]
pub(super) struct Faults {
    /// The answer to posts with an id, in place of storing them.
    pub(super) decline: Option<DeclineCode>,
    /// Returns the number of bytes after which a new connection breaks.
    pub(super) break_after: Option<Box<dyn FnMut() -> usize + Send>>,
}

/// The faults of one node's connections that are switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Conditions {
    /// A change ends all connections.
    pub(super) generation: u64,
    pub(super) refusing: bool,
    pub(super) silent: bool,
}

impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Faults").field("decline", &self.decline).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for RoomState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RoomState").field("stream", &self.stream).field("log", &self.log).finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, RoomState> {
        // Every change is one statement, so a panic in a test leaves a consistent state: ignore the poison.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores a message; one with a known id is stored only once.
    pub(super) fn store(&self, sender: Nickname, id: Option<PostId>, text: Text) -> Position {
        let mut state = self.lock();
        let next = state.log.len() as u64 + 1;
        let seq = match id {
            Some(id) => *state.ids.entry(id).or_insert(next),
            None => next,
        };
        let position = Position { stream: state.stream.clone(), seq };
        if seq == next {
            let at = 1_700_000_000_000 + i64::try_from(seq).unwrap_or(0);
            state.log.push(Message::new(Some(sender), text).with_position(position.clone()).with_time(at));
            self.grown.send_modify(|count| *count += 1);
        }
        position
    }
}

pub(super) fn stream(number: u64) -> StreamId {
    StreamId::new(&format!("room-{number}")).expect("letters and digits are an id")
}

pub(super) fn account() -> Account {
    let nickname = Nickname::new("Keen Bob").expect("a nickname");
    Account { nickname, token: Token::new("9a08f44c-c541-41eb-8c47-0242ac110002").expect("a token") }
}
