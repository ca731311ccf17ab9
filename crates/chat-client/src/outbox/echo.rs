//! Recognises the client's own messages on the listen port.

use std::collections::VecDeque;
use std::time::SystemTime;

use chat_proto::{Message, Nickname, Position, PostId, Text};

use crate::delivery_state::DeliveryState;
use crate::listener::gap::{Gap, GapCause};

/// How many of the client's own messages are remembered that arrived before their confirmation.
const MAX_EARLY: usize = 2048;

/// Matches messages from the listen port with messages that this client sent.
///
/// A numbered message is matched by its position alone. The text decides only on servers that do not number messages:
/// there the echo belongs to the oldest message of this run with the same text. `T` is data of the program about a
/// message on the listen port, for example its place on the screen.
///
/// Call [`EchoMatcher::add`] when a message is sent, [`EchoMatcher::update`] when its state changes,
/// [`EchoMatcher::on_message`] and [`EchoMatcher::on_gap`] with the listener's events, in any order. An outcome removes
/// the message from the matcher.
///
/// ```
/// use chat_client::{DeliveryState, EchoMatcher, Message, Nickname, Text, fresh_post_id};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let me = Nickname::new("Keen Bob")?;
/// let mut echoes: EchoMatcher = EchoMatcher::new();
/// echoes.set_nickname(Some(me.clone()));
/// let (id, text) = (fresh_post_id(), Text::new("hello")?);
/// echoes.add(id.clone(), &text);
/// echoes.update(&id, &DeliveryState::Written);
/// let received = Message::new(Some(me), text);
/// assert_eq!(echoes.on_message(&received, ())[0].id, id);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct EchoMatcher<T = ()> {
    nickname: Option<Nickname>,
    /// In the order of sending.
    sent: Vec<SentPost>,
    early: VecDeque<EarlyMessage<T>>,
    /// The newest numbered message on the listen port.
    newest: Option<Position>,
    /// Counts additions and arrivals, to tell which came first.
    clock: u64,
}

/// A message of the client that is known to be in the conversation and needs no more attention.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EchoOutcome<T = ()> {
    /// The id of the message.
    pub id: PostId,
    /// How this is known.
    pub echo: Echo<T>,
}

/// How a message is known to be in the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Echo<T = ()> {
    /// It arrived on the listen port, with the data that the program attached to it.
    Seen(T),
    /// It was confirmed, and the listener missed it or is past it.
    Missed,
}

#[derive(Clone, Debug)]
struct SentPost {
    id: PostId,
    comparable: String,
    state: DeliveryState,
    /// When the program learned that it is confirmed.
    confirmed_at: Option<SystemTime>,
    /// Left by an earlier run of the program.
    earlier_run: bool,
    added: u64,
}

#[derive(Clone, Debug)]
struct EarlyMessage<T> {
    position: Option<Position>,
    comparable: String,
    tag: T,
    came: u64,
}

impl SentPost {
    fn position(&self) -> Option<&Position> {
        match &self.state {
            DeliveryState::Confirmed(receipt) => receipt.position.as_ref(),
            _ => None,
        }
    }

    fn is_confirmed(&self) -> bool {
        matches!(self.state, DeliveryState::Confirmed(_))
    }
}

impl<T> Default for EchoMatcher<T> {
    fn default() -> Self {
        Self { nickname: None, sent: Vec::new(), early: VecDeque::new(), newest: None, clock: 0 }
    }
}

impl<T> EchoMatcher<T> {
    /// Creates a matcher without messages.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the nickname under which the server knows the client. Without one, only positions are matched.
    pub fn set_nickname(&mut self, nickname: Option<Nickname>) {
        self.nickname = nickname;
    }

    /// Adds a message that is being sent.
    pub fn add(&mut self, id: PostId, text: &Text) {
        self.push(id, text, DeliveryState::Queued, false);
    }

    /// Adds a message that an earlier run left in the outbox, with its state. If a text matches both, messages of this
    /// run come first.
    pub fn add_earlier(&mut self, id: PostId, text: &Text, state: DeliveryState) {
        self.push(id, text, state, true);
    }

    /// Removes a message that is no longer waited for.
    pub fn remove(&mut self, id: &PostId) {
        self.sent.retain(|sent| sent.id != *id);
    }

    /// Removes all messages.
    pub fn clear(&mut self) {
        self.sent.clear();
        self.early.clear();
    }

    /// Returns whether the message is still waited for.
    #[must_use]
    pub fn contains(&self, id: &PostId) -> bool {
        self.sent.iter().any(|sent| sent.id == *id)
    }

    /// Updates the state of a message now. Returns an outcome if it is confirmed and had already arrived.
    pub fn update(&mut self, id: &PostId, state: &DeliveryState) -> Option<EchoOutcome<T>> {
        self.update_at(id, state, SystemTime::now())
    }

    /// Updates the state of a message at this time, as [`EchoMatcher::update`] does. A message without a position that
    /// was confirmed before the end of a gap may have been published in the gap; one that was confirmed later arrives
    /// after it.
    pub fn update_at(&mut self, id: &PostId, state: &DeliveryState, now: SystemTime) -> Option<EchoOutcome<T>> {
        let at = self.sent.iter().position(|sent| sent.id == *id)?;
        let sent = &mut self.sent[at];
        // An older state that arrives late must not undo a confirmation.
        if sent.is_confirmed() {
            return None;
        }
        sent.state = state.clone();
        if !sent.is_confirmed() {
            return None;
        }
        sent.confirmed_at = Some(now);
        let early = match sent.position() {
            Some(position) => self.early.iter().position(|early| early.position.as_ref() == Some(position)),
            None => self.early.iter().position(|early| early.came > sent.added && early.comparable == sent.comparable),
        };
        if let Some(early) = early.and_then(|early| self.early.remove(early)) {
            return Some(EchoOutcome { id: self.sent.remove(at).id, echo: Echo::Seen(early.tag) });
        }
        let passed = sent.position().is_some_and(|position| is_past(self.newest.as_ref(), position));
        passed.then(|| EchoOutcome { id: self.sent.remove(at).id, echo: Echo::Missed })
    }

    /// Processes a message from the listen port. Returns the client's message that it is, and those that were confirmed
    /// before it and did not arrive.
    pub fn on_message(&mut self, message: &Message, tag: T) -> Vec<EchoOutcome<T>> {
        let mut outcomes = Vec::new();
        self.clock += 1;
        let own = self.nickname.is_some() && message.sender == self.nickname;
        let comparable = comparable(message.text.as_str());
        match self.find(message.position.as_ref(), &comparable, own) {
            Some(at) => outcomes.push(EchoOutcome { id: self.sent.remove(at).id, echo: Echo::Seen(tag) }),
            // Published before it was confirmed: the receipt has not arrived yet.
            None if own && !self.sent.is_empty() => {
                if self.early.len() == MAX_EARLY {
                    self.early.pop_front();
                }
                self.early.push_back(EarlyMessage {
                    position: message.position.clone(),
                    comparable,
                    tag,
                    came: self.clock,
                });
            }
            None => {}
        }
        if let Some(position) = &message.position {
            if !is_past(self.newest.as_ref(), position) {
                self.newest = Some(position.clone());
            }
            let missed = |sent: &mut SentPost| {
                sent.position().is_some_and(|own| own.stream == position.stream && own.seq < position.seq)
            };
            outcomes
                .extend(self.sent.extract_if(.., missed).map(|sent| EchoOutcome { id: sent.id, echo: Echo::Missed }));
        }
        outcomes
    }

    /// Processes a gap. Returns the confirmed messages that will no longer arrive: those without a position that were
    /// confirmed before its end, and after a change of the log those of the old one.
    pub fn on_gap(&mut self, gap: &Gap) -> Vec<EchoOutcome<T>> {
        let new_log = gap.cause == GapCause::OtherStream;
        let old = self.newest.as_ref().map(|position| position.stream.clone());
        self.early.retain(|early| early.position.is_some());
        let lost = |sent: &mut SentPost| {
            let gone = match sent.position() {
                // A message that waited for the connection is confirmed on it, and its echo follows the gap.
                None => sent.confirmed_at.is_none_or(|at| at <= gap.until),
                Some(position) => new_log && Some(&position.stream) == old.as_ref(),
            };
            sent.is_confirmed() && gone
        };
        self.sent.extract_if(.., lost).map(|sent| EchoOutcome { id: sent.id, echo: Echo::Missed }).collect()
    }

    fn push(&mut self, id: PostId, text: &Text, state: DeliveryState, earlier_run: bool) {
        self.remove(&id);
        self.clock += 1;
        let comparable = comparable(text.as_str());
        self.sent.push(SentPost { id, comparable, state, confirmed_at: None, earlier_run, added: self.clock });
    }

    fn find(&self, position: Option<&Position>, comparable: &str, own: bool) -> Option<usize> {
        let find = |wanted: &dyn Fn(&SentPost) -> bool| self.sent.iter().position(wanted);
        let same = |sent: &SentPost| own && sent.position().is_none() && sent.comparable == comparable;
        match position {
            Some(position) => find(&|sent| sent.position() == Some(position))
                // A server that numbers messages but not receipts.
                .or_else(|| find(&|sent| sent.is_confirmed() && same(sent))),
            None => find(&|sent| sent.state.may_be_delivered() && !sent.earlier_run && same(sent))
                // The echo may have overtaken the report that the message was written.
                .or_else(|| find(&|sent| sent.state == DeliveryState::Queued && !sent.earlier_run && same(sent)))
                .or_else(|| find(&|sent| sent.state.may_be_delivered() && same(sent))),
        }
    }
}

fn is_past(newest: Option<&Position>, position: &Position) -> bool {
    newest.is_some_and(|newest| newest.stream == position.stream && newest.seq >= position.seq)
}

/// Returns a text as a plain server forwards it: a line break becomes a space, and some servers trim.
fn comparable(text: &str) -> String {
    let kept = text.trim().chars().filter(|&c| c == '\n' || c == '\t' || !c.is_control());
    kept.map(|c| if c == '\n' { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;
