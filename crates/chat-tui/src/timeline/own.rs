//! The messages of this person that the conversation does not hold yet: what became of each, and
//! which of them an incoming message is the echo of.

use chat_client::display;
use jiff::civil::DateTime;

/// One message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Own {
    /// What it is known by, here and in the outbox.
    pub(crate) id: String,
    /// As it was typed.
    pub(crate) text: String,
    /// As it may be shown.
    pub(crate) shown: String,
    pub(crate) at: DateTime,
    pub(crate) state: OwnState,
    /// Where the server put it, when it said so.
    pub(crate) position: Option<(String, u64)>,
}

/// How far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OwnState {
    Queued,
    /// Written to the socket, which says nothing about the server.
    Sent,
    Confirmed,
    /// The server, or this program, said no.
    Failed(Failure),
    /// It may or may not have been delivered.
    Unconfirmed,
    /// From an earlier run, and too old to be sent without asking.
    Stale,
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    TooFast,
    TooLong,
    Revoked,
    Storage,
    Draining,
    NeverSent,
    Other(String),
}

impl OwnState {
    /// Whether it still waits for something to happen by itself.
    pub(crate) fn is_under_way(&self) -> bool {
        matches!(self, Self::Queued | Self::Sent)
    }

    /// Whether the person has to decide: retry, edit or discard.
    pub(crate) fn needs_a_decision(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Unconfirmed | Self::Stale)
    }

    /// Whether an echo can be its own: it was, or may have been, written.
    fn can_have_an_echo(&self) -> bool {
        matches!(self, Self::Sent | Self::Confirmed | Self::Unconfirmed)
    }
}

impl Own {
    pub(crate) fn new(id: String, text: String, at: DateTime, state: OwnState) -> Self {
        let shown = display::clean_keeping_line_breaks(&text).into_owned();
        Self { id, text, shown, at, state, position: None }
    }
}

/// The messages on their way, in the order of typing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outgoing {
    messages: Vec<Own>,
}

impl Outgoing {
    pub(crate) fn as_slice(&self) -> &[Own] {
        &self.messages
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Own> {
        self.messages.iter().find(|own| own.id == id)
    }

    /// Adds one, or replaces the one of the same id.
    pub(crate) fn add(&mut self, own: Own) {
        match self.messages.iter_mut().find(|other| other.id == own.id) {
            Some(place) => *place = own,
            None => self.messages.push(own),
        }
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Own> {
        let at = self.messages.iter().position(|own| own.id == id)?;
        Some(self.messages.remove(at))
    }

    pub(crate) fn clear(&mut self) {
        self.messages.clear();
    }

    /// Takes a new state. An answer that comes late does not undo what is known: confirmed stays so.
    pub(crate) fn set_state(&mut self, id: &str, state: OwnState) {
        if let Some(own) = self.messages.iter_mut().find(|own| own.id == id) {
            let late = own.state == OwnState::Confirmed || (state == OwnState::Sent && own.state != OwnState::Queued);
            if !late {
                own.state = state;
            }
        }
    }

    pub(crate) fn set_position(&mut self, id: &str, position: (String, u64)) {
        if let Some(own) = self.messages.iter_mut().find(|own| own.id == id) {
            own.position = Some(position);
        }
    }

    /// Takes out the message that an own line on the listen port is the echo of: by its number, else
    /// the oldest of that text. `queued_too`: the echo may have overtaken the news that it was written.
    pub(crate) fn take_echo(&mut self, text: &str, position: Option<&(String, u64)>, queued_too: bool) -> Option<Own> {
        let by_number = position.and_then(|p| self.messages.iter().position(|own| own.position.as_ref() == Some(p)));
        let same = |own: &Own| own.position.is_none() && flat(&own.text).eq(flat(text));
        let at = by_number
            .or_else(|| self.messages.iter().position(|own| own.state.can_have_an_echo() && same(own)))
            .or_else(|| {
            let queued = |own: &Own| queued_too && own.state == OwnState::Queued && same(own);
            self.messages.iter().position(queued)
        })?;
        Some(self.messages.remove(at))
    }

    /// Takes out what is confirmed: after a gap no echo of it is to be waited for.
    pub(crate) fn take_confirmed(&mut self) -> Vec<Own> {
        self.messages.extract_if(.., |own| own.state == OwnState::Confirmed).collect()
    }

    /// How many wait for the server.
    pub(crate) fn waiting(&self) -> usize {
        self.messages.iter().filter(|own| own.state.is_under_way()).count()
    }
}

/// A text as a plain server hands it on, for comparing: a line break is a space there, and some trim.
fn flat(text: &str) -> impl Iterator<Item = char> + '_ {
    let kept = text.trim().chars().filter(|&c| c == '\n' || c == '\t' || !c.is_control());
    kept.map(|c| if c == '\n' { ' ' } else { c })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(id: &str, text: &str, state: OwnState) -> Own {
        Own::new(id.into(), text.into(), DateTime::constant(2023, 1, 14, 17, 7, 0, 0), state)
    }

    fn outgoing(messages: &[(&str, &str, OwnState)]) -> Outgoing {
        let mut outgoing = Outgoing::default();
        messages.iter().for_each(|(id, text, state)| outgoing.add(own(id, text, state.clone())));
        outgoing
    }

    #[test]
    fn the_oldest_written_message_of_that_text_is_echoed() {
        let mut all = outgoing(&[
            ("1", "hi", OwnState::Failed(Failure::TooFast)),
            ("2", "hi", OwnState::Queued),
            ("3", "hi", OwnState::Sent),
            ("4", "hi", OwnState::Unconfirmed),
        ]);
        assert_eq!(all.take_echo("hi", None, true).unwrap().id, "3");
        assert_eq!(all.take_echo("hi", None, true).unwrap().id, "4");
        assert_eq!(all.take_echo("hi", None, false), None);
        assert_eq!(all.take_echo("hi", None, true).unwrap().id, "2");
        assert_eq!(all.take_echo("hi", None, true), None);
    }

    #[test]
    fn the_number_decides_where_there_is_one() {
        let mut all = outgoing(&[("1", "hi", OwnState::Confirmed), ("2", "hi", OwnState::Confirmed)]);
        all.set_position("1", ("s".into(), 7));
        all.set_position("2", ("s".into(), 6));
        assert_eq!(all.take_echo("hi", Some(&("s".into(), 6)), false).unwrap().id, "2");
        assert_eq!(all.take_echo("hi", Some(&("s".into(), 8)), false), None);
    }

    #[test]
    fn line_breaks_come_back_as_spaces() {
        let mut all = outgoing(&[("1", "two\nlines ", OwnState::Sent)]);
        assert!(all.take_echo("two lines", None, false).is_some());
    }

    #[test]
    fn what_is_confirmed_stays_confirmed() {
        let mut all = outgoing(&[("1", "hi", OwnState::Queued)]);
        all.set_state("1", OwnState::Confirmed);
        all.set_state("1", OwnState::Sent);
        all.set_state("1", OwnState::Unconfirmed);
        assert_eq!(all.find("1").unwrap().state, OwnState::Confirmed);
    }
}
