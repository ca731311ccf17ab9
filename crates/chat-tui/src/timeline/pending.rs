//! The messages of this user that the conversation does not hold yet, and what became of each.

use std::time::Duration;

use chat_client::{DeliveryState, Echo, EchoMatcher, Gap, Message, Nickname, PostId, Text, display};
use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use super::FileSpan;

/// One message in transit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PendingMessage {
    /// The id that the outbox, the server and the history know it by.
    pub(crate) id: PostId,
    /// As it was typed.
    pub(crate) text: Text,
    /// As it may be shown.
    pub(crate) shown: String,
    pub(crate) at: DateTime,
    pub(crate) state: DeliveryState,
    /// Why it was not given to the writer, and waits for a decision.
    pub(crate) held: Option<Held>,
    /// When the refusal ends, if the server has said it.
    pub(crate) refused_until: Option<DateTime>,
    /// Left by an earlier run, and not sent in this one.
    pub(crate) earlier: bool,
}

/// An own message says in words what it waits for once it has waited this long: most arrive sooner.
const SHOW_WAIT: SignedDuration = SignedDuration::from_secs(3);

/// Why a message is not with the writer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Held {
    /// An earlier run left it, and it is too old to be sent without asking.
    EarlierRun,
    /// As many messages wait as may wait.
    QueueFull,
    Failed(String),
}

/// The known facts of an own message that was seen on the listen port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EchoTag {
    pub(crate) text: String,
    pub(crate) mark: Option<FileSpan>,
}

/// The messages that were not delivered when the services closed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Unsent {
    pub(crate) unconfirmed: usize,
    /// The messages that were on their way and have not arrived.
    pub(crate) undone: Vec<PostId>,
    /// The messages that the outbox keeps for the next run.
    pub(crate) kept: Vec<PostId>,
}

impl PendingMessage {
    /// Creates a message that is about to be sent.
    pub(crate) fn new(id: PostId, text: Text, at: DateTime) -> Self {
        let shown = display::clean_keeping_line_breaks(text.as_str()).into_owned();
        Self { id, text, shown, at, state: DeliveryState::Queued, held: None, refused_until: None, earlier: false }
    }

    /// Returns whether its state still changes without a decision.
    pub(crate) fn is_under_way(&self) -> bool {
        self.held.is_none() && !self.state.is_final()
    }

    /// Returns whether the user has to decide: retry, edit or discard.
    pub(crate) fn needs_a_decision(&self) -> bool {
        self.held.is_some() || (self.state.is_final() && !self.is_confirmed())
    }

    /// Returns whether it has been under way for so long that the user should know.
    pub(crate) fn has_waited(&self, now: DateTime) -> bool {
        self.is_under_way() && now.duration_since(self.at) >= SHOW_WAIT
    }

    pub(crate) fn is_confirmed(&self) -> bool {
        matches!(self.state, DeliveryState::Confirmed(_))
    }
}

/// The messages in transit, in the order of typing.
#[derive(Debug, Clone, Default)]
pub(crate) struct PendingMessages {
    messages: Vec<PendingMessage>,
    echoes: EchoMatcher<EchoTag>,
}

impl PendingMessages {
    pub(crate) fn as_slice(&self) -> &[PendingMessage] {
        &self.messages
    }

    pub(crate) fn find(&self, id: &PostId) -> Option<&PendingMessage> {
        self.messages.iter().find(|own| own.id == *id)
    }

    /// Sets the nickname that own messages come back under.
    pub(crate) fn set_nickname(&mut self, nickname: Nickname) {
        self.echoes.set_nickname(Some(nickname));
    }

    /// Adds a message, or replaces the one of the same id.
    pub(crate) fn add(&mut self, own: PendingMessage) {
        if own.earlier {
            self.echoes.add_earlier(own.id.clone(), &own.text, own.state.clone());
        } else {
            self.echoes.add(own.id.clone(), &own.text);
        }
        match self.messages.iter_mut().find(|other| other.id == own.id) {
            Some(place) => *place = own,
            None => self.messages.push(own),
        }
    }

    pub(crate) fn remove(&mut self, id: &PostId) -> Option<PendingMessage> {
        self.echoes.remove(id);
        let at = self.messages.iter().position(|own| own.id == *id)?;
        Some(self.messages.remove(at))
    }

    pub(crate) fn clear(&mut self) {
        self.messages.clear();
        self.echoes.clear();
    }

    /// Takes a new state at this time. An answer that comes late does not undo a confirmation. Returns the message when
    /// it is in the conversation now.
    pub(crate) fn set_state(
        &mut self,
        id: &PostId,
        state: DeliveryState,
        now: Timestamp,
    ) -> Option<(PendingMessage, Echo<EchoTag>)> {
        let own = self.messages.iter_mut().find(|own| own.id == *id).filter(|own| !own.is_confirmed())?;
        own.state = state;
        own.held = None;
        own.refused_until = None;
        let outcome = self.echoes.update_at(id, &own.state, now.into())?;
        Some((self.remove(id)?, outcome.echo))
    }

    /// The server refuses the message until then.
    pub(crate) fn refuse_until(&mut self, id: &PostId, until: Option<DateTime>) {
        if let Some(own) = self.messages.iter_mut().find(|own| own.id == *id) {
            own.refused_until = until;
        }
    }

    /// The message is not with the writer.
    pub(crate) fn hold(&mut self, id: &PostId, held: Held) {
        if let Some(own) = self.messages.iter_mut().find(|own| own.id == *id) {
            own.held = Some(held);
        }
    }

    /// Gives a message another id, under which it is sent once more.
    pub(crate) fn replace_id(&mut self, old: &PostId, new: PostId) {
        self.echoes.remove(old);
        if let Some(own) = self.messages.iter_mut().find(|own| own.id == *old) {
            own.id = new.clone();
            self.echoes.add(new, &own.text);
        }
    }

    /// Takes a message from the listen port. Returns the own messages that are in the conversation now: the one that it
    /// is, and those that were confirmed before it and missed.
    pub(crate) fn on_message(
        &mut self,
        message: &Message,
        mark: Option<FileSpan>,
    ) -> Vec<(PendingMessage, Echo<EchoTag>)> {
        let tag = EchoTag { text: message.text.as_str().to_owned(), mark };
        let outcomes = self.echoes.on_message(message, tag);
        outcomes.into_iter().filter_map(|outcome| Some((self.remove(&outcome.id)?, outcome.echo))).collect()
    }

    /// Takes a gap. Returns the confirmed messages that do not come back any more.
    pub(crate) fn on_gap(&mut self, gap: &Gap) -> Vec<PendingMessage> {
        let outcomes = self.echoes.on_gap(gap);
        outcomes.into_iter().filter_map(|outcome| self.remove(&outcome.id)).collect()
    }

    /// Counts, at the end of the program, the undelivered messages that are kept for the next run, and returns those
    /// that are not. Without a report everything that waits is left.
    pub(crate) fn left(&self, report: Option<&Unsent>) -> (usize, Vec<&PendingMessage>) {
        let (mut kept, mut lost) = (0, Vec::new());
        for own in &self.messages {
            let (undone, is_kept) = match report {
                Some(report) => (report.undone.contains(&own.id), report.kept.contains(&own.id)),
                None => (own.is_under_way(), true),
            };
            match undone || own.needs_a_decision() {
                true if is_kept => kept += 1,
                true => lost.push(own),
                false => {}
            }
        }
        (kept, lost)
    }

    /// Returns the time until [`PendingMessage::has_waited`] changes.
    pub(crate) fn next_wait(&self, now: DateTime) -> Option<Duration> {
        let fresh = self.messages.iter().filter(|own| own.is_under_way() && !own.has_waited(now));
        // A clock that was set back gives an age below zero.
        let left = fresh.map(|own| SHOW_WAIT.saturating_sub(now.duration_since(own.at)).min(SHOW_WAIT)).min()?;
        left.try_into().ok()
    }

    /// Counts the messages that wait for the server.
    pub(crate) fn waiting(&self) -> usize {
        self.messages.iter().filter(|own| own.is_under_way()).count()
    }
}

#[cfg(test)]
mod tests {
    use chat_client::Receipt;

    use super::*;

    fn id(id: &str) -> PostId {
        PostId::new(id).unwrap()
    }

    fn pending(messages: &[(&str, &str, DeliveryState)]) -> PendingMessages {
        let mut pending = PendingMessages::default();
        for (name, text, state) in messages {
            let at = DateTime::constant(2023, 1, 14, 17, 7, 0, 0);
            pending.add(PendingMessage::new(id(name), Text::new(text).unwrap(), at));
            pending.set_state(&id(name), state.clone(), Timestamp::UNIX_EPOCH);
        }
        pending
    }

    fn confirmed(name: &str) -> DeliveryState {
        DeliveryState::Confirmed(Receipt::new(id(name), None))
    }

    #[test]
    fn counts_each_undelivered_message_once() {
        let all = pending(&[
            ("1", "a", DeliveryState::NeverSent),
            ("2", "b", DeliveryState::NeverSent),
            ("3", "c", DeliveryState::Written),
            ("4", "d", confirmed("4")),
        ]);
        let report = Unsent { unconfirmed: 1, undone: vec![id("2"), id("3")], kept: vec![id("2"), id("3")] };
        let (kept, lost) = all.left(Some(&report));
        assert_eq!((kept, lost.iter().map(|own| own.id.as_str()).collect::<Vec<_>>()), (2, vec!["1"]));
        assert_eq!(all.left(None).0, 3, "no report is not nothing");
    }

    #[test]
    fn a_confirmation_is_not_undone() {
        let mut all = pending(&[("1", "hi", confirmed("1"))]);
        assert!(all.set_state(&id("1"), DeliveryState::Unconfirmed, Timestamp::UNIX_EPOCH).is_none());
        assert!(all.find(&id("1")).unwrap().is_confirmed());
    }

    #[test]
    fn an_echo_takes_the_message_out() {
        let mut all = pending(&[("1", "hi", DeliveryState::Written), ("2", "hi", DeliveryState::Queued)]);
        let me = Nickname::new("Keen Bob").unwrap();
        all.set_nickname(me.clone());
        let heard = Message::new(Some(me), Text::new("hi").unwrap());
        let out = all.on_message(&heard, None);
        assert_eq!(out.iter().map(|(own, _)| own.id.as_str()).collect::<Vec<_>>(), ["1"]);
        assert_eq!(all.as_slice().len(), 1);
    }
}
