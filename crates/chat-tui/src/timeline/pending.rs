//! The user's messages that are not yet part of the conversation: the state of each, and matching them with echoes.

use std::collections::VecDeque;

use chat_client::display;
use jiff::civil::DateTime;

use super::FileSpan;

/// How many own messages are remembered whose receipt has not arrived.
const MAX_EARLY: usize = 2_048;

/// One message in transit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PendingMessage {
    /// Its id, here and in the outbox.
    pub(crate) id: String,
    /// The text as typed.
    pub(crate) text: String,
    /// The text as shown.
    pub(crate) shown: String,
    pub(crate) at: DateTime,
    pub(crate) state: OwnState,
    /// Its position in the log, if the server reported it.
    pub(crate) position: Option<(String, u64)>,
    /// Left by an earlier run, and not sent in this one.
    pub(crate) earlier: bool,
}

/// An own message on the listen port whose receipt is outstanding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EarlyEcho {
    pub(crate) position: (String, u64),
    pub(crate) text: String,
    pub(crate) mark: Option<FileSpan>,
}

/// The messages that were not delivered when the services closed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Unsent {
    pub(crate) unconfirmed: usize,
    /// The ids of messages that were in transit and have not arrived.
    pub(crate) undone: Vec<String>,
    /// The ids of messages that the outbox keeps for the next run.
    pub(crate) kept: Vec<String>,
}

/// The state of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OwnState {
    Queued,
    /// Written to the socket, which proves nothing about the server.
    Sent,
    Confirmed,
    /// Refused by the server or by this program.
    Failed(FailureReason),
    /// It may or may not have been delivered.
    Unconfirmed,
    /// From an earlier run, and too old to be sent without asking.
    Stale,
}

/// The reason why a message was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FailureReason {
    TooFast,
    TooLong,
    Revoked,
    Storage,
    Draining,
    NeverSent,
    /// The queue is full.
    Full,
    Other(String),
}

impl OwnState {
    /// Returns whether it still waits for a result.
    pub(crate) fn is_under_way(&self) -> bool {
        matches!(self, Self::Queued | Self::Sent)
    }

    /// Returns whether the user has to decide: retry, edit or discard.
    pub(crate) fn needs_a_decision(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Unconfirmed | Self::Stale)
    }

    /// Returns whether an echo can belong to it: it was, or may have been, written.
    fn can_have_an_echo(&self) -> bool {
        matches!(self, Self::Sent | Self::Confirmed | Self::Unconfirmed)
    }
}

impl PendingMessage {
    pub(crate) fn new(id: String, text: String, at: DateTime, state: OwnState) -> Self {
        let shown = display::clean_keeping_line_breaks(&text).into_owned();
        Self { id, text, shown, at, state, position: None, earlier: false }
    }
}

/// The messages in transit, in the order of typing.
#[derive(Debug, Clone, Default)]
pub(crate) struct PendingMessages {
    messages: Vec<PendingMessage>,
    /// Own messages that arrived before their receipts.
    early: VecDeque<EarlyEcho>,
    /// The last numbered message on the listen port.
    last_position: Option<(String, u64)>,
}

impl PendingMessages {
    pub(crate) fn as_slice(&self) -> &[PendingMessage] {
        &self.messages
    }

    pub(crate) fn find(&self, id: &str) -> Option<&PendingMessage> {
        self.messages.iter().find(|own| own.id == id)
    }

    /// Adds a message, or replaces the one with the same id.
    pub(crate) fn add(&mut self, own: PendingMessage) {
        match self.messages.iter_mut().find(|other| other.id == own.id) {
            Some(place) => *place = own,
            None => self.messages.push(own),
        }
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<PendingMessage> {
        let at = self.messages.iter().position(|own| own.id == id)?;
        Some(self.messages.remove(at))
    }

    pub(crate) fn clear(&mut self) {
        self.messages.clear();
        self.early.clear();
    }

    /// Sets the state. A late answer does not undo a confirmation.
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

    /// Removes the message whose echo an own message on the listen port is. A numbered message is matched by its
    /// number; the text decides only without numbers, and then the oldest message of this run is meant. `queued_too`:
    /// the echo may have overtaken the report that it was written.
    pub(crate) fn take_echo(
        &mut self,
        text: &str,
        position: Option<&(String, u64)>,
        queued_too: bool,
    ) -> Option<PendingMessage> {
        let find = |wanted: &dyn Fn(&PendingMessage) -> bool| self.messages.iter().position(wanted);
        let same = |own: &PendingMessage| own.position.is_none() && flat(&own.text).eq(flat(text));
        let at = match position {
            Some(position) => find(&|own| own.position.as_ref() == Some(position))
                // A server that numbers messages but not receipts.
                .or_else(|| find(&|own| own.state == OwnState::Confirmed && same(own))),
            None => find(&|own| own.state.can_have_an_echo() && !own.earlier && same(own))
                .or_else(|| find(&|own| queued_too && own.state == OwnState::Queued && same(own)))
                .or_else(|| find(&|own| own.state.can_have_an_echo() && same(own))),
        }?;
        Some(self.messages.remove(at))
    }

    /// Remembers an own numbered message that matches nothing known yet.
    pub(crate) fn note_early(&mut self, echo: EarlyEcho) {
        if self.early.len() == MAX_EARLY {
            self.early.pop_front();
        }
        self.early.push_back(echo);
    }

    /// Removes a confirmed message whose echo has arrived, and returns both; or a message without an echo that the log
    /// has passed.
    pub(crate) fn take_arrived(&mut self, id: &str) -> Option<(PendingMessage, Option<EarlyEcho>)> {
        let own = self.find(id).filter(|own| own.state == OwnState::Confirmed)?;
        let early = match &own.position {
            Some(position) => self.early.iter().position(|echo| echo.position == *position),
            None => self.early.iter().position(|echo| flat(&echo.text).eq(flat(&own.text))),
        };
        let passed = own.position.as_ref().is_some_and(|position| self.has_passed(position));
        if early.is_none() && !passed {
            return None;
        }
        let echo = early.and_then(|at| self.early.remove(at));
        Some((self.remove(id)?, echo))
    }

    /// Records the position of a received message: removes confirmed messages before it, whose echo was missed.
    pub(crate) fn note_position(&mut self, position: &(String, u64)) -> Vec<PendingMessage> {
        if !self.has_passed(position) {
            self.last_position = Some(position.clone());
        }
        let missed = |own: &mut PendingMessage| {
            let before = own.position.as_ref().is_some_and(|own| own.0 == position.0 && own.1 < position.1);
            own.state == OwnState::Confirmed && before
        };
        self.messages.extract_if(.., missed).collect()
    }

    /// Removes confirmed messages whose echo will not arrive after a gap: those without a number, and with `renumbered`
    /// those of the old stream. The others still have their echo to come.
    pub(crate) fn take_confirmed(&mut self, renumbered: bool) -> Vec<PendingMessage> {
        let stream = self.last_position.as_ref().map(|heard| heard.0.clone());
        let lost = |own: &mut PendingMessage| {
            let numbered = own.position.as_ref().map(|position| &position.0);
            let gone = numbered.is_none() || (renumbered && numbered == stream.as_ref());
            own.state == OwnState::Confirmed && gone
        };
        self.messages.extract_if(.., lost).collect()
    }

    fn has_passed(&self, position: &(String, u64)) -> bool {
        self.last_position.as_ref().is_some_and(|heard| heard.0 == position.0 && heard.1 >= position.1)
    }

    /// Returns, at the end of the program, how many messages are kept for the next run, and those that are not. Without
    /// a report all waiting messages count as left.
    pub(crate) fn left(&self, report: Option<&Unsent>) -> (usize, Vec<&PendingMessage>) {
        let (mut kept, mut lost) = (0, Vec::new());
        for own in &self.messages {
            let (undone, is_kept) = match report {
                Some(report) => (report.undone.contains(&own.id), report.kept.contains(&own.id)),
                None => (own.state.is_under_way(), true),
            };
            match undone || own.state.needs_a_decision() {
                true if is_kept => kept += 1,
                true => lost.push(own),
                false => {}
            }
        }
        (kept, lost)
    }

    /// Returns how many messages wait for the server.
    pub(crate) fn waiting(&self) -> usize {
        self.messages.iter().filter(|own| own.state.is_under_way()).count()
    }
}

/// Returns a text as a plain server forwards it, for comparison: a line break becomes a space, and some servers trim.
fn flat(text: &str) -> impl Iterator<Item = char> + '_ {
    let kept = text.trim().chars().filter(|&c| c == '\n' || c == '\t' || !c.is_control());
    kept.map(|c| if c == '\n' { ' ' } else { c })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(id: &str, text: &str, state: OwnState) -> PendingMessage {
        PendingMessage::new(id.into(), text.into(), DateTime::constant(2023, 1, 14, 17, 7, 0, 0), state)
    }

    fn outgoing(messages: &[(&str, &str, OwnState)]) -> PendingMessages {
        let mut outgoing = PendingMessages::default();
        messages.iter().for_each(|(id, text, state)| outgoing.add(own(id, text, state.clone())));
        outgoing
    }

    #[test]
    fn echo_matches_the_oldest_equal_text() {
        let mut all = outgoing(&[
            ("1", "hi", OwnState::Failed(FailureReason::TooFast)),
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
    fn number_decides_if_there_is_one() {
        let mut all = outgoing(&[("1", "hi", OwnState::Confirmed), ("2", "hi", OwnState::Confirmed)]);
        all.set_position("1", ("s".into(), 7));
        all.set_position("2", ("s".into(), 6));
        assert_eq!(all.take_echo("hi", Some(&("s".into(), 6)), false).unwrap().id, "2");
        assert_eq!(all.take_echo("hi", Some(&("s".into(), 8)), false), None);
    }

    #[test]
    fn numbered_echo_never_matches_by_text() {
        let mut all = outgoing(&[("1", "yes", OwnState::Unconfirmed), ("2", "yes", OwnState::Sent)]);
        assert_eq!(all.take_echo("yes", Some(&("s".into(), 6)), true), None);
        all.note_early(EarlyEcho { position: ("s".into(), 6), text: "yes".into(), mark: None });
        all.set_state("2", OwnState::Confirmed);
        all.set_position("2", ("s".into(), 6));
        let (own, echo) = all.take_arrived("2").unwrap();
        assert_eq!((own.id.as_str(), echo.is_some()), ("2", true));
        assert_eq!(all.find("1").unwrap().state, OwnState::Unconfirmed);
    }

    #[test]
    fn this_run_comes_before_an_earlier_one() {
        let mut all = outgoing(&[("1", "yes", OwnState::Unconfirmed), ("2", "yes", OwnState::Sent)]);
        all.messages[0].earlier = true;
        assert_eq!(all.take_echo("yes", None, true).unwrap().id, "2");
        assert_eq!(all.take_echo("yes", None, true).unwrap().id, "1");
    }

    #[test]
    fn only_numbered_echoes_survive_a_gap() {
        let mut all = outgoing(&[
            ("1", "a", OwnState::Confirmed),
            ("2", "b", OwnState::Confirmed),
            ("3", "c", OwnState::Confirmed),
        ]);
        assert!(all.note_position(&("old".into(), 5)).is_empty());
        all.set_position("2", ("old".into(), 6));
        all.set_position("3", ("new".into(), 2));
        let ids = |taken: Vec<PendingMessage>| taken.into_iter().map(|own| own.id).collect::<Vec<_>>();
        assert_eq!(ids(all.clone().take_confirmed(false)), ["1"]);
        assert_eq!(ids(all.take_confirmed(true)), ["1", "2"]);
        // A missed echo is noticed when the log has passed it.
        assert_eq!(ids(all.note_position(&("new".into(), 3))), ["3"]);
    }

    #[test]
    fn counts_each_left_message_once() {
        let all = outgoing(&[
            ("1", "a", OwnState::Failed(FailureReason::NeverSent)),
            ("2", "b", OwnState::Failed(FailureReason::NeverSent)),
            ("3", "c", OwnState::Sent),
            ("4", "d", OwnState::Confirmed),
        ]);
        let report =
            Unsent { unconfirmed: 1, undone: vec!["2".into(), "3".into()], kept: vec!["2".into(), "3".into()] };
        let (kept, lost) = all.left(Some(&report));
        assert_eq!((kept, lost.iter().map(|own| own.id.as_str()).collect::<Vec<_>>()), (2, vec!["1"]));
        assert_eq!(all.left(None).0, 3, "no report is not nothing");
    }

    #[test]
    fn line_breaks_come_back_as_spaces() {
        let mut all = outgoing(&[("1", "two\nlines ", OwnState::Sent)]);
        assert!(all.take_echo("two lines", None, false).is_some());
    }

    #[test]
    fn confirmed_stays_confirmed() {
        let mut all = outgoing(&[("1", "hi", OwnState::Queued)]);
        all.set_state("1", OwnState::Confirmed);
        all.set_state("1", OwnState::Sent);
        all.set_state("1", OwnState::Unconfirmed);
        assert_eq!(all.find("1").unwrap().state, OwnState::Confirmed);
    }
}
