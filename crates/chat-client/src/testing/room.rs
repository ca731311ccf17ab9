//! A room in memory: the server's state machines over one log.

mod link;
mod sessions;
mod shared;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use chat_proto::{DeclineCode, Extensions, Message, Nickname, Position, Text, Token};
use tokio::io::duplex;
use tokio::sync::watch;

use self::link::carry;
use self::sessions::{serve_listener, serve_plain_listener, serve_writer};
use self::shared::{RoomState, Shared, account, stream};
use crate::config::Side;
use crate::net::dial::{Dial, DialFuture};
use crate::net::error::ConnectError;
use crate::net::io::BoxedIo;

/// What a socket buffers in each direction, about.
const BUFFER: usize = 64 * 1024;

/// A server in memory, for tests of programs that use this crate. Clones share one room.
///
/// It has one log and one account, stores each post id once and resumes at any position, as a real server does. Under
/// Tokio's paused time (`#[tokio::test(start_paused = true)]`) no real time passes.
///
/// ```
/// use chat_client::testing::Room;
/// use chat_client::{ClientConfig, Listener, ListenerEvent, Text, Writer};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let room = Room::new();
/// let mut listener = Listener::builder(ClientConfig::default()).dial(room.dial()).start();
/// let writer = Writer::builder(ClientConfig::default()).token(room.token()).dial(room.dial()).start();
/// let _ = listener.online().await;
///
/// room.say("Ann", "hello");
/// room.cut();
/// writer.post(Text::new("hello to you")?).await?;
/// let mut texts = Vec::new();
/// let mut messages = listener.messages();
/// while texts.len() < 2 {
///     texts.push(messages.next().await.ok_or("the listener ended")?.text.to_string());
/// }
/// assert_eq!(texts, ["hello", "hello to you"]);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Room {
    shared: Arc<Shared>,
}

/// A dialler to a [`Room`].
#[derive(Clone, Debug)]
pub struct RoomDial {
    shared: Arc<Shared>,
}

impl Default for Room {
    fn default() -> Self {
        Self::new()
    }
}

impl Room {
    /// Opens a room with all extensions: message ids and resume.
    #[must_use]
    pub fn new() -> Self {
        Self::with_extensions(Extensions::ALL)
    }

    /// Opens a room like the original server, without extensions.
    #[must_use]
    pub fn plain() -> Self {
        Self::with_extensions(Extensions::NONE)
    }

    /// Opens a room with these extensions.
    #[must_use]
    pub fn with_extensions(extensions: Extensions) -> Self {
        let state = RoomState { stream: stream(1), streams: 1, log: Vec::new(), ids: HashMap::new() };
        Self::node_of(extensions, Arc::new(Mutex::new(state)), watch::Sender::new(0))
    }

    fn node_of(extensions: Extensions, state: Arc<Mutex<RoomState>>, grown: watch::Sender<u64>) -> Self {
        let (conditions, faults) = (watch::Sender::default(), Mutex::default());
        Self { shared: Arc::new(Shared { extensions, state, grown, conditions, faults }) }
    }

    /// Adds a node to the room. It has the same log; its connections break, and its posts are declined, on their own. A
    /// `Vec` of diallers dials one node after the other.
    ///
    /// ```
    /// use chat_client::testing::Room;
    /// use chat_client::{ClientConfig, Text, Writer};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let one = Room::new();
    /// let two = one.another_node();
    /// let dial = vec![one.dial(), two.dial()];
    /// one.refuse(true);
    /// let writer = Writer::builder(ClientConfig::default()).token(one.token()).dial(dial).start();
    /// writer.post(Text::new("hello")?).await?;
    /// assert_eq!(one.log(), two.log());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn another_node(&self) -> Self {
        Self::node_of(self.shared.extensions, self.shared.state.clone(), self.shared.grown.clone())
    }

    /// Returns a dialler to the room.
    #[must_use]
    pub fn dial(&self) -> RoomDial {
        RoomDial { shared: self.shared.clone() }
    }

    /// Returns the token of the room's account, `Keen Bob`. The room accepts no other one.
    #[must_use]
    pub fn token(&self) -> Token {
        account().token
    }

    /// Returns the nickname of the room's account.
    #[must_use]
    pub fn nickname(&self) -> Nickname {
        account().nickname
    }

    /// Sends a message as another user, and returns its position.
    ///
    /// # Panics
    /// If `sender` is not a nickname or `text` is not a message.
    pub fn say(&self, sender: &str, text: &str) -> Position {
        let sender = Nickname::new(sender).expect("a nickname");
        self.shared.store(sender, None, Text::new(text).expect("a message"))
    }

    /// Returns all messages of the log, oldest first.
    #[must_use]
    pub fn log(&self) -> Vec<Message> {
        self.shared.lock().log.clone()
    }

    /// Waits until the log has this many messages.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn wait_for(&self, messages: usize) {
        let mut grown = self.shared.grown.subscribe();
        while self.shared.lock().log.len() < messages {
            // The sender lives as long as this room.
            let _ = grown.changed().await;
        }
    }

    /// Breaks all connections. New ones are accepted.
    pub fn cut(&self) {
        self.shared.conditions.send_modify(|now| now.generation += 1);
    }

    /// Refuses new connections, or accepts them again.
    pub fn refuse(&self, refuse: bool) {
        self.shared.conditions.send_modify(|now| now.refusing = refuse);
    }

    /// Lets no byte through, as on a half-open link, or lets them pass again.
    pub fn silence(&self, silent: bool) {
        self.shared.conditions.send_modify(|now| now.silent = silent);
    }

    /// Declines each post with this code, until `None` accepts them again. A writer repeats a post when the code is
    /// transient, and reports any other one. Posts without an id, as in a [`Room::plain`], cannot be declined.
    ///
    /// ```
    /// use chat_client::testing::Room;
    /// use chat_client::{ClientConfig, DeclineCode, DeliveryError, PostError, Text, Writer};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let room = Room::new();
    /// let writer = Writer::builder(ClientConfig::default()).token(room.token()).dial(room.dial()).start();
    /// room.decline(Some(DeclineCode::Muted));
    /// let outcome = writer.post(Text::new("hello")?).await;
    /// assert!(matches!(
    ///     outcome,
    ///     Err(PostError::Delivery(DeliveryError::Refused { code: DeclineCode::Muted, .. }))
    /// ));
    /// # Ok(()) }
    /// ```
    pub fn decline(&self, code: Option<DeclineCode>) {
        self.shared.faults().decline = code;
    }

    /// Restarts the server with its log: all connections end, and clients resume.
    pub fn restart_keeping_log(&self) {
        self.cut();
    }

    /// Restarts the server with a new log: all connections end, and old positions mean nothing.
    pub fn restart_with_new_log(&self) {
        {
            let mut state = self.shared.lock();
            state.streams += 1;
            state.stream = stream(state.streams);
            state.log.clear();
            state.ids.clear();
        }
        self.cut();
    }

    /// Breaks each new connection after the number of bytes that `bytes` returns for it.
    pub fn break_after(&self, bytes: impl FnMut() -> usize + Send + 'static) {
        self.shared.faults().break_after = Some(Box::new(bytes));
    }
}

impl Dial for RoomDial {
    fn dial(&self, side: Side) -> DialFuture<'_> {
        Box::pin(async move {
            if self.shared.conditions.borrow().refusing {
                let source = std::io::ErrorKind::ConnectionRefused.into();
                return Err(ConnectError::Connect { address: "the room in memory".into(), source });
            }
            let break_after = self.shared.faults().break_after.as_mut().map(|bytes| bytes());
            let (ours, outer) = duplex(BUFFER);
            let (inner, theirs) = duplex(BUFFER);
            tokio::spawn(carry(outer, inner, self.shared.conditions.subscribe(), break_after));
            match side {
                Side::Listen if !self.shared.extensions.resume => {
                    drop(tokio::spawn(serve_plain_listener(self.shared.clone(), theirs)));
                }
                Side::Listen => drop(tokio::spawn(serve_listener(self.shared.clone(), theirs))),
                Side::Write => drop(tokio::spawn(serve_writer(self.shared.clone(), theirs))),
            }
            Ok(Box::new(ours) as BoxedIo)
        })
    }
}
