//! Translates the types of the library to those of the application.

use std::io;

use chat_client::history::{LocalMinute, said_at};
use chat_client::{ConnectError, ConnectionState, DeclineCode, HistoryLine, Hold, HoldReason, Message, Refusal};
use chat_frontend::report::chain;
use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use crate::event::Incoming;
use crate::link::{LinkError, LinkState};
use crate::timeline::{FileSpan, PageLine};

pub(super) fn link_state(state: &ConnectionState) -> LinkState {
    match state {
        ConnectionState::Connecting { attempt } => LinkState::Connecting { attempt: *attempt, after: None },
        ConnectionState::Online { .. } => LinkState::Online,
        ConnectionState::Waiting { attempt, retry_at, cause } => {
            let left = retry_at.saturating_duration_since(tokio::time::Instant::now());
            let left = SignedDuration::try_from(left).unwrap_or(SignedDuration::MAX);
            let retry_at = Timestamp::now().checked_add(left).unwrap_or(Timestamp::MAX);
            LinkState::Waiting { attempt: *attempt, retry_at, cause: self::cause(cause) }
        }
        ConnectionState::Closed { cause } => {
            LinkState::Closed { cause: cause.as_ref().map(|cause| self::cause(cause)) }
        }
        // A state of a later version of the library.
        _ => LinkState::Connecting { attempt: 1, after: None },
    }
}

/// Returns the state of a writer, which may be online and unable to have anything confirmed.
pub(super) fn writer_state(state: &ConnectionState, hold: Option<&Hold>) -> LinkState {
    let away = |hold: &Hold| hold.reason == HoldReason::Server(DeclineCode::Unavailable);
    if state.is_online() && hold.is_some_and(away) { LinkState::LogAway } else { link_state(state) }
}

pub(super) fn cause(error: &ConnectError) -> LinkError {
    match error {
        ConnectError::Resolve { .. } => LinkError::NoAddress,
        ConnectError::Connect { source, .. } => match source.kind() {
            io::ErrorKind::ConnectionRefused => LinkError::ConnectionRefused,
            io::ErrorKind::TimedOut => LinkError::TimedOut,
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => LinkError::Unreachable,
            _ => LinkError::Other(source.to_string()),
        },
        ConnectError::TimedOut { .. } => LinkError::TimedOut,
        ConnectError::Refused(Refusal::UnknownToken) => LinkError::UnknownToken,
        ConnectError::Refused(Refusal::Nickname) => LinkError::NicknameRefused,
        ConnectError::Protocol(source) => LinkError::Protocol(source.to_string()),
        ConnectError::Codec(source) => LinkError::Protocol(source.to_string()),
        ConnectError::Lost(_) => LinkError::Lost,
        ConnectError::LogUnavailable => LinkError::LogAway,
        ConnectError::NoAnswerToResume => LinkError::NoAnswerToResume,
        other => LinkError::Other(chain(other)),
    }
}

/// A message with the time that stands in the history too, and its place there.
pub(super) fn message(message: &Message, mark: Option<FileSpan>) -> Incoming {
    let now = Timestamp::now();
    let at = Timestamp::from_millisecond(said_at(message, now.as_millisecond())).unwrap_or(now);
    Incoming::Message { message: message.clone(), at, mark }
}

pub(super) fn line(line: &HistoryLine) -> PageLine {
    PageLine {
        at: line.at().and_then(civil),
        sender: line.sender().map(str::to_owned),
        text: line.text().into_owned(),
        mark: mark(line),
    }
}

fn civil(at: LocalMinute) -> Option<DateTime> {
    DateTime::new(at.year, at.month, at.day, at.hour, at.minute, 0, 0).ok()
}

pub(super) fn mark(line: &HistoryLine) -> FileSpan {
    FileSpan { start: line.offset(), end: line.end() }
}
