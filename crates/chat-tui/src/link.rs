//! The states of the two connections, and why one is down, as values that can be shown.

use std::time::Duration;

use jiff::Timestamp;

/// One of the two connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkSide {
    Listening,
    Writing,
}

/// The state of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LinkState {
    /// Not started yet: there is no account.
    Off,
    Connecting {
        attempt: u32,
        /// Why the attempt before it failed.
        after: Option<LinkError>,
    },
    Online,
    /// Connected, but the log of the room is away, so that nothing is confirmed.
    LogAway,
    /// Retries at `retry_at`.
    Waiting {
        attempt: u32,
        retry_at: Timestamp,
        cause: LinkError,
    },
    /// Does not retry automatically.
    Closed {
        cause: Option<LinkError>,
    },
}

impl LinkState {
    pub(crate) fn is_online(&self) -> bool {
        matches!(self, Self::Online)
    }

    /// Returns whether it has a countdown.
    pub(crate) fn counts_down(&self) -> bool {
        matches!(self, Self::Waiting { .. })
    }

    pub(crate) fn cause(&self) -> Option<&LinkError> {
        match self {
            Self::Waiting { cause, .. } => Some(cause),
            Self::Connecting { after: cause, .. } | Self::Closed { cause } => cause.as_ref(),
            Self::LogAway => Some(&LinkError::LogAway),
            _ => None,
        }
    }

    /// Returns whole seconds until the next attempt, rounded up.
    pub(crate) fn seconds_left(&self, now: Timestamp) -> Option<i64> {
        let Self::Waiting { retry_at, .. } = self else { return None };
        let left = retry_at.as_millisecond() - now.as_millisecond();
        Some((left.max(0) + 999) / 1000)
    }
}

/// The reason why a connection is down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LinkError {
    /// The host has no address.
    NoAddress,
    /// Nothing listens on the port.
    ConnectionRefused,
    Unreachable,
    TimedOut,
    /// The connection was lost.
    Lost,
    /// The log of the room is away.
    LogAway,
    /// The server has not answered the request for the missed messages.
    NoAnswerToResume,
    /// The server does not know the token.
    UnknownToken,
    /// The server refused the nickname.
    NicknameRefused,
    /// The peer does not use the protocol; the text is what it sent instead, for display.
    Protocol(String),
    /// Any other error, in the words of the library.
    Other(String),
}

/// Both connections and the round trip time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Links {
    pub(crate) listening: LinkState,
    pub(crate) writing: LinkState,
    pub(crate) round_trip: Option<Duration>,
}

impl Default for Links {
    fn default() -> Self {
        Self { listening: LinkState::Off, writing: LinkState::Off, round_trip: None }
    }
}

impl Links {
    pub(crate) fn side(&self, side: LinkSide) -> &LinkState {
        match side {
            LinkSide::Listening => &self.listening,
            LinkSide::Writing => &self.writing,
        }
    }

    /// Sets the state of a side.
    pub(crate) fn set(&mut self, side: LinkSide, mut state: LinkState) {
        // A long attempt shows the reason too.
        if let LinkState::Connecting { after, .. } = &mut state {
            *after = self.side(side).cause().cloned();
        }
        if side == LinkSide::Writing && !state.is_online() {
            self.round_trip = None;
        }
        match side {
            LinkSide::Listening => self.listening = state,
            LinkSide::Writing => self.writing = state,
        }
    }

    pub(crate) fn both_online(&self) -> bool {
        self.listening.is_online() && self.writing.is_online()
    }

    pub(crate) fn counts_down(&self) -> bool {
        self.listening.counts_down() || self.writing.counts_down()
    }

    /// Returns the time until a countdown shows another number.
    pub(crate) fn next_second(&self, now: Timestamp) -> Option<Duration> {
        let left = [&self.listening, &self.writing].into_iter().filter_map(|state| match state {
            LinkState::Waiting { retry_at, .. } => Some(retry_at.as_millisecond() - now.as_millisecond()),
            _ => None,
        });
        // After a countdown has ended, only the result of the attempt changes it.
        let next = left.filter(|left| *left > 0).map(|left| (left - 1) % 1000 + 1).min()?;
        u64::try_from(next).ok().map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_keeps_the_reason() {
        let mut links = Links::default();
        let at = Timestamp::UNIX_EPOCH;
        let connecting = |attempt| LinkState::Connecting { attempt, after: None };
        links.set(LinkSide::Listening, connecting(1));
        assert_eq!(links.listening.cause(), None);
        let cause = LinkError::NoAnswerToResume;
        links.set(LinkSide::Listening, LinkState::Waiting { attempt: 1, retry_at: at, cause: cause.clone() });
        links.set(LinkSide::Listening, connecting(2));
        assert_eq!(links.listening.cause(), Some(&cause));
        links.set(LinkSide::Listening, LinkState::Online);
        links.set(LinkSide::Listening, connecting(1));
        assert_eq!(links.listening.cause(), None);
    }

    #[test]
    fn countdown_is_rounded_up() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let state = LinkState::Waiting { attempt: 2, retry_at: at(5_000), cause: LinkError::Lost };
        assert_eq!(state.seconds_left(at(0)), Some(5));
        assert_eq!(state.seconds_left(at(4_999)), Some(1));
        assert_eq!(state.seconds_left(at(9_000)), Some(0));
        assert_eq!(LinkState::Online.seconds_left(at(0)), None);
        let links = Links { writing: state, ..Links::default() };
        assert_eq!(links.next_second(at(700)), Some(Duration::from_millis(300)));
        assert_eq!(links.next_second(at(4_000)), Some(Duration::from_millis(1_000)));
        assert_eq!(links.next_second(at(9_000)), None);
    }
}
