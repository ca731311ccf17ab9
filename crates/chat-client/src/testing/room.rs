//! A room in memory: the server's state machines over one log.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chat_proto::{
    Account, Connection, Extensions, LineCodec, ListenerServer, ListenerServerCommand, ListenerServerConfig,
    ListenerServerEvent, Message, Nickname, Position, PostId, ResumeAnswer, ResumeFrom, StreamId, Text, Token,
    WriterServer, WriterServerCommand, WriterServerConfig, WriterServerEvent,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::watch;
use tokio::time::Instant;

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

#[derive(Debug)]
struct Shared {
    extensions: Extensions,
    state: Mutex<RoomState>,
    /// The number of messages, for sessions that wait for the next one.
    grown: watch::Sender<u64>,
    conditions: watch::Sender<Conditions>,
}

struct RoomState {
    stream: StreamId,
    streams: u64,
    log: Vec<Message>,
    ids: HashMap<PostId, u64>,
    /// Returns the number of bytes after which a new connection breaks.
    break_after: Option<Box<dyn FnMut() -> usize + Send>>,
}

/// The faults that are switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Conditions {
    /// A change ends all connections.
    generation: u64,
    refusing: bool,
    silent: bool,
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
        let state =
            RoomState { stream: stream(1), streams: 1, log: Vec::new(), ids: HashMap::new(), break_after: None };
        let (grown, conditions) = (watch::Sender::new(0), watch::Sender::default());
        Self { shared: Arc::new(Shared { extensions, state: Mutex::new(state), grown, conditions }) }
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
        self.shared.lock().break_after = Some(Box::new(bytes));
    }
}

impl std::fmt::Debug for RoomState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RoomState").field("stream", &self.stream).field("log", &self.log).finish_non_exhaustive()
    }
}

impl Dial for RoomDial {
    fn dial(&self, side: Side) -> DialFuture<'_> {
        Box::pin(async move {
            if self.shared.conditions.borrow().refusing {
                let source = std::io::ErrorKind::ConnectionRefused.into();
                return Err(ConnectError::Connect { address: "the room in memory".into(), source });
            }
            let break_after = self.shared.lock().break_after.as_mut().map(|bytes| bytes());
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

impl Shared {
    fn lock(&self) -> MutexGuard<'_, RoomState> {
        // Every change is one statement, so a panic in a test leaves a consistent state: ignore the poison.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores a message; one with a known id is stored only once.
    fn store(&self, sender: Nickname, id: Option<PostId>, text: Text) -> Position {
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

fn stream(number: u64) -> StreamId {
    StreamId::new(&format!("room-{number}")).expect("letters and digits are an id")
}

fn account() -> Account {
    let nickname = Nickname::new("Keen Bob").expect("a nickname");
    Account { nickname, token: Token::new("9a08f44c-c541-41eb-8c47-0242ac110002").expect("a token") }
}

async fn serve_writer(shared: Arc<Shared>, io: DuplexStream) {
    let mut config = WriterServerConfig::default();
    config.offer = shared.extensions;
    let machine = WriterServer::new(config, Instant::now().into_std());
    let mut connection = Connection::new(machine, io, LineCodec::for_server());
    while let Ok(event) = connection.next_event().await {
        let command = match event {
            WriterServerEvent::Login(token) if token == account().token => WriterServerCommand::Accept(account()),
            WriterServerEvent::Login(_) => WriterServerCommand::Deny,
            WriterServerEvent::Register(_) => WriterServerCommand::Accept(account()),
            WriterServerEvent::Post { id, text } => {
                let position = shared.store(account().nickname, id.clone(), text);
                match id {
                    Some(id) => WriterServerCommand::Stored { id, position },
                    None => WriterServerCommand::Confirm,
                }
            }
            _ => continue,
        };
        if connection.command(command).is_err() {
            return;
        }
    }
}

/// Sends lines as the original server does, and ignores input.
async fn serve_plain_listener(shared: Arc<Shared>, io: DuplexStream) {
    let mut grown = shared.grown.subscribe();
    let mut place = shared.lock().log.len();
    let (mut read, mut write) = tokio::io::split(io);
    let mut ignored = [0; 256];
    loop {
        grown.mark_unchanged();
        let new: Vec<Message> = shared.lock().log.get(place..).unwrap_or_default().to_vec();
        for message in new {
            place += 1;
            if write.write_all(format!("{}\n", message.to_plain().as_str()).as_bytes()).await.is_err() {
                return;
            }
        }
        // A fixed order of polling, so that tests are reproducible. The input is ignored, so losing some of it is
        // harmless.
        tokio::select! {
            biased;
            read = read.read(&mut ignored) => if !matches!(read, Ok(1..)) { return },
            changed = grown.changed() => if changed.is_err() { return },
        }
    }
}

async fn serve_listener(shared: Arc<Shared>, io: DuplexStream) {
    // This room cannot name plain lines in an answer, so it holds them back until a request has had time to arrive.
    let config = ListenerServerConfig::default().with_request_timeout(Duration::from_millis(250));
    let machine = ListenerServer::new(&config, Instant::now().into_std());
    let mut connection = Connection::new(machine, io, LineCodec::for_server());
    let mut grown = shared.grown.subscribe();
    let mut place = shared.lock().log.len();
    let mut open = false;
    loop {
        grown.mark_unchanged();
        if open {
            let new: Vec<Message> = shared.lock().log.get(place..).unwrap_or_default().to_vec();
            for message in new {
                place += 1;
                if connection.command(ListenerServerCommand::Deliver(message)).is_err() {
                    return;
                }
            }
        }
        tokio::select! {
            // A fixed order of polling, so that tests are reproducible. Both branches are cancel-safe.
            biased;
            event = connection.next_event() => match event {
                Ok(ListenerServerEvent::Plain) => open = true,
                // A late request, after plain lines, is not answered: the client already treats the room as plain.
                Ok(ListenerServerEvent::Resume(request)) if !open => {
                    let (stream, head) = {
                        let state = shared.lock();
                        (state.stream.clone(), state.log.len() as u64)
                    };
                    let from = match request.from {
                        ResumeFrom::After(position) if position.stream == stream => position.seq + 1,
                        ResumeFrom::Last(count) => head.saturating_sub(count) + 1,
                        _ => 1,
                    };
                    place = usize::try_from(from - 1).unwrap_or(usize::MAX);
                    let answer = ResumeAnswer::new(stream, from, head);
                    if connection.command(ListenerServerCommand::Answer(answer)).is_err() {
                        return;
                    }
                    open = true;
                }
                Ok(ListenerServerEvent::Resume(_)) => {}
                Ok(_) | Err(_) => return,
            },
            changed = grown.changed() => if changed.is_err() { return },
        }
    }
}

/// Copies bytes in both directions until an end, a cut, or the given number of bytes.
async fn carry(
    client: DuplexStream,
    server: DuplexStream,
    mut conditions: watch::Receiver<Conditions>,
    break_after: Option<usize>,
) {
    let generation = conditions.borrow_and_update().generation;
    let (mut client_read, mut client_write) = tokio::io::split(client);
    let (mut server_read, mut server_write) = tokio::io::split(server);
    let mut left = break_after.unwrap_or(usize::MAX);
    // Small odd sizes, so that lines are split at many places.
    let (mut up, mut down) = ([0; 97], [0; 89]);
    while left > 0 {
        let silent = conditions.borrow().silent;
        // Without this, one direction would be drained before the other side runs.
        tokio::task::yield_now().await;
        tokio::select! {
            changed = conditions.changed() => {
                if changed.is_err() || conditions.borrow().generation != generation {
                    return;
                }
            }
            read = client_read.read(&mut up), if !silent => {
                let Ok(count @ 1..) = read else { return };
                let passed = count.min(left);
                left -= passed;
                if server_write.write_all(&up[..passed]).await.is_err() {
                    return;
                }
            }
            read = server_read.read(&mut down), if !silent => {
                let Ok(count @ 1..) = read else { return };
                let passed = count.min(left);
                left -= passed;
                if client_write.write_all(&down[..passed]).await.is_err() {
                    return;
                }
            }
        }
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
}
