//! Converts the library's values to those of the application.

use std::io;
use std::ops::Range;
use std::time::SystemTime;

use chat_client::history::said_at;
use chat_client::{
    ConnectError, ConnectionState, DeclineCode, DeliveryError, Gap, GapCause, HistoryLine, Position, Receipt, Refusal,
};
use chat_frontend::report::chain;
use jiff::{SignedDuration, Timestamp};

use crate::event::Incoming;
use crate::link::{LinkError, LinkState};
use crate::timeline::{FailureReason, FileSpan, GapReason, OwnState, PageLine};

pub(super) fn link_state(state: &ConnectionState) -> LinkState {
    match state {
        ConnectionState::Connecting { attempt } => LinkState::Connecting { attempt: *attempt },
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
    }
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
        other => LinkError::Other(chain(other)),
    }
}

pub(super) fn outcome(result: &Result<Receipt, DeliveryError>) -> (OwnState, Option<(String, u64)>) {
    match result {
        Ok(receipt) => (OwnState::Confirmed, receipt.position.as_ref().map(position)),
        Err(DeliveryError::Refused { code, .. }) => (OwnState::Failed(failure(code)), None),
        Err(DeliveryError::NeverSent { .. } | DeliveryError::Discarded { .. } | DeliveryError::Outbox { .. }) => {
            (OwnState::Failed(FailureReason::NeverSent), None)
        }
        Err(_) => (OwnState::Unconfirmed, None),
    }
}

fn failure(code: &DeclineCode) -> FailureReason {
    match code {
        DeclineCode::Rate => FailureReason::TooFast,
        DeclineCode::TooLong => FailureReason::TooLong,
        DeclineCode::Revoked => FailureReason::Revoked,
        DeclineCode::Storage => FailureReason::Storage,
        DeclineCode::Draining => FailureReason::Draining,
        other => FailureReason::Other(other.as_str().to_owned()),
    }
}

pub(super) fn position(position: &Position) -> (String, u64) {
    (position.stream.as_str().to_owned(), position.seq)
}

pub(super) fn message(message: &chat_client::Message, span: Option<Range<u64>>) -> Incoming {
    // The same time as in the history.
    let now = Timestamp::now();
    let at = Timestamp::from_millisecond(said_at(message, now.as_millisecond())).unwrap_or(now);
    Incoming::Message {
        sender: message.sender.as_ref().map(|sender| sender.as_str().to_owned()),
        text: message.text.as_str().to_owned(),
        at,
        position: message.position.as_ref().map(position),
        mark: span.map(|span| FileSpan { start: span.start, end: span.end }),
    }
}

pub(super) fn gap(gap: &Gap) -> Incoming {
    let cause = match gap.cause {
        GapCause::ServerForgot => GapReason::ServerForgot,
        GapCause::OtherStream => GapReason::OtherStream,
        GapCause::HoleInNumbers => GapReason::HoleInNumbers,
        _ => GapReason::Disconnected,
    };
    Incoming::Gap { since: timestamp(gap.since), until: timestamp(gap.until), missed: gap.missed, cause }
}

fn timestamp(time: SystemTime) -> Timestamp {
    Timestamp::try_from(time).unwrap_or_default()
}

pub(super) fn line(line: &HistoryLine) -> PageLine {
    PageLine {
        at: line.at(),
        sender: line.sender().map(str::to_owned),
        text: line.text().into_owned(),
        mark: mark(line),
    }
}

pub(super) fn mark(line: &HistoryLine) -> FileSpan {
    FileSpan { start: line.offset(), end: line.end() }
}
