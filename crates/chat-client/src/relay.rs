//! Forwards the messages of one room to another, each exactly once.

pub(crate) mod origin;

use std::collections::VecDeque;
use std::future::poll_fn;

use chat_proto::{DeclineCode, Message, Position, PostId, Text};

use crate::listener::event::{ClosedCause, ListenerEvent};
use crate::listener::gap::Gap;
use crate::listener::handle::Listener;
use crate::writer::delivery::{Delivery, DeliveryError, SendError};
use crate::writer::handle::Writer;
use crate::writer::options::{SendOptions, fresh_post_id};

/// The default window: enough to keep a connection busy, few to repeat after a crash.
const WINDOW: usize = 256;

/// Forwards what a listener receives to a writer, each message exactly once, over crashes of this program and of both
/// servers.
///
/// The id of each post is made of the position of the original ([`PostId::from_position`]), so a message that is sent
/// again after a crash is stored only once. [`RelayEvent::Progress`] names the position up to which everything has
/// arrived: store it, for example in a [`Cursor`](crate::Cursor), and start the listener of the next run there. What is
/// stored late is sent again and recognised; nothing is lost.
///
/// This needs a source that numbers its messages and a target that accepts ids, as this project's server does. From a
/// source without numbers messages are forwarded without progress. On a target without ids a message that was written
/// when the connection broke is reported as [`RelayEvent::Unconfirmed`] and is not sent again.
///
/// ```
/// use chat_client::testing::Room;
/// use chat_client::{ClientConfig, Listener, OriginMark, Relay, RelayEvent, Resume, Writer};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (here, there) = (Room::new(), Room::new());
/// here.say("Ann", "hello");
/// let mut config = ClientConfig::default();
/// config.resume = Resume::Last(1); // the position of an earlier run: Cursor::resume
/// let listener = Listener::builder(config.clone()).dial(here.dial()).start();
/// let writer = Writer::builder(config).token(there.token()).dial(there.dial()).start();
/// let mark = OriginMark::between("here", "there")?;
/// let mut relay = Relay::new(listener, writer, move |message| mark.forward(message));
/// while let Some(event) = relay.next().await {
///     if let RelayEvent::Progress(position) = event {
///         // cursor.save(&position)?;
///         if position.seq == 1 {
///             break;
///         }
///     }
/// }
/// assert_eq!(there.log()[0].text.as_str(), "[here] Ann: hello");
/// # Ok(()) }
/// ```
pub struct Relay<F> {
    listener: Listener,
    writer: Writer,
    convert: F,
    window: usize,
    /// Taken from the listener and not yet accepted by the writer. It stays here when the future of
    /// [`Relay::next`] is dropped.
    unsent: Option<UnsentPost>,
    /// In the order of the source.
    under_way: VecDeque<UnderWay>,
    /// An event that follows the progress before it.
    next: Option<RelayEvent>,
    ended: bool,
}

/// What a [`Relay`] reports.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RelayEvent {
    /// All messages up to this position of the source are stored by the target, or were not to be forwarded.
    Progress(Position),
    /// Messages of the source may be missing here.
    Gap(Gap),
    /// The target did not accept a message. It is not sent again.
    #[non_exhaustive]
    Refused {
        /// The position of the original; `None` from a source without numbers.
        position: Option<Position>,
        /// The reason that the target gave.
        code: DeclineCode,
    },
    /// A message may or may not have arrived, on a target without ids. It is not sent again.
    #[non_exhaustive]
    Unconfirmed {
        /// The position of the original; `None` from a source without numbers.
        position: Option<Position>,
    },
    /// One of both services has ended for good, with the reason. It is the last event.
    Closed(ClosedCause),
}

struct UnsentPost {
    position: Option<Position>,
    id: PostId,
    text: Text,
}

struct UnderWay {
    position: Option<Position>,
    /// `None` for a message that is not forwarded, and for the position at which the listener joined.
    delivery: Option<Delivery>,
}

impl<F> std::fmt::Debug for Relay<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay").field("window", &self.window).field("under_way", &self.under_way.len()).finish()
    }
}

impl<F: FnMut(&Message) -> Option<Text>> Relay<F> {
    /// Forwards from `listener` to `writer`. `convert` returns the text to post for a message; `None` leaves it out. It
    /// must return the same for the same message in each run, because the target keeps the text that it got first.
    #[must_use]
    pub fn new(listener: Listener, writer: Writer, convert: F) -> Self {
        let (unsent, under_way, next) = (None, VecDeque::new(), None);
        Self { listener, writer, convert, window: WINDOW, unsent, under_way, next, ended: false }
    }

    /// Sets how many messages may be unanswered; 256 by default, at least 1.
    #[must_use]
    pub fn window(mut self, messages: usize) -> Self {
        self.window = messages.max(1);
        self
    }

    /// Forwards messages until there is something to report; `None` after the end. Nothing is forwarded while this is
    /// not awaited.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<RelayEvent> {
        loop {
            if let Some(event) = self.next.take().or_else(|| self.settled()) {
                return Some(event);
            }
            if self.ended && self.under_way.is_empty() {
                return None;
            }
            if let Some(UnsentPost { position, id, text }) = &self.unsent {
                // With the same id each time: if this future is dropped after the writer has queued the message, it is
                // sent twice and stored once.
                let (position, options) = (position.clone(), SendOptions::with_id(id.clone()));
                match self.writer.send_with(text.clone(), options).await {
                    Ok(delivery) => self.under_way.push_back(UnderWay { position, delivery: Some(delivery) }),
                    Err(error) => self.close(error),
                }
                self.unsent = None;
                continue;
            }
            let takes_more = !self.ended && self.under_way.len() < self.window;
            // Results come first, so that the window moves. Both branches are cancel-safe: a result stays in its
            // delivery until `settled` takes it, an event stays with the listener.
            tokio::select! {
                biased;
                () = answered(&mut self.under_way) => {}
                event = self.listener.next(), if takes_more => self.handle_event(event),
            }
        }
    }

    /// Ends the relay and returns its parts. Messages under way are still sent; they are not part of any progress.
    #[must_use]
    pub fn into_parts(self) -> (Listener, Writer) {
        (self.listener, self.writer)
    }

    fn handle_event(&mut self, event: Option<ListenerEvent>) {
        match event {
            Some(ListenerEvent::Message(message)) => {
                let position = message.position.clone();
                match (self.convert)(&message) {
                    Some(text) => {
                        let id = position.as_ref().and_then(|position| PostId::from_position(position).ok());
                        // Without a position there is nothing that another run could recognise.
                        self.unsent = Some(UnsentPost { position, id: id.unwrap_or_else(fresh_post_id), text });
                    }
                    None => self.under_way.push_back(UnderWay { position, delivery: None }),
                }
            }
            Some(ListenerEvent::Joined(position)) => {
                self.under_way.push_back(UnderWay { position: Some(position), delivery: None });
            }
            Some(ListenerEvent::Gap(gap)) => self.next = Some(RelayEvent::Gap(gap)),
            Some(ListenerEvent::Closed(cause)) => {
                self.ended = true;
                self.next = Some(RelayEvent::Closed(cause));
            }
            Some(ListenerEvent::CaughtUp(_) | ListenerEvent::Removed(_)) => {}
            None => self.ended = true,
        }
    }

    /// Takes the results at the front, and returns what they mean together.
    fn settled(&mut self) -> Option<RelayEvent> {
        let mut progress = None;
        while let Some(first) = self.under_way.front_mut() {
            let outcome = match &mut first.delivery {
                None => None,
                Some(delivery) => match delivery.try_outcome() {
                    None => break,
                    Some(outcome) => outcome.err(),
                },
            };
            let position = first.position.clone();
            let event = match outcome {
                None | Some(DeliveryError::Discarded { .. }) => {
                    self.under_way.pop_front();
                    progress = position.or(progress);
                    continue;
                }
                Some(DeliveryError::Refused { code, .. }) => RelayEvent::Refused { position, code },
                Some(DeliveryError::Unconfirmed { .. }) => RelayEvent::Unconfirmed { position },
                // The writer has ended, or could not save the message: the next run sends it and all that follow.
                Some(DeliveryError::NeverSent { cause, .. }) => {
                    self.under_way.clear();
                    self.ended = true;
                    self.next = cause.map(|cause| RelayEvent::Closed(ClosedCause(cause)));
                    break;
                }
                Some(DeliveryError::Outbox { .. }) => {
                    self.under_way.clear();
                    self.ended = true;
                    break;
                }
            };
            // Reported before the progress that includes it: a crash in between reports it twice, and never not at all.
            first.delivery = None;
            self.next = Some(event);
            break;
        }
        progress.map(RelayEvent::Progress).or_else(|| self.next.take())
    }

    fn close(&mut self, error: SendError) {
        self.ended = true;
        if let SendError::Closed { cause: Some(cause), .. } = error {
            self.next = Some(RelayEvent::Closed(ClosedCause(cause)));
        }
    }
}

/// Waits until the first message under way has a result; for ever if there is none.
async fn answered(under_way: &mut VecDeque<UnderWay>) {
    match under_way.front_mut() {
        None => std::future::pending().await,
        Some(UnderWay { delivery: None, .. }) => {}
        Some(UnderWay { delivery: Some(delivery), .. }) => poll_fn(|cx| delivery.poll_ended(cx)).await,
    }
}
