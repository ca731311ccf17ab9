//! From what the library says to what the application knows.

use std::io;

use chat_client::history::said_at;
use chat_client::{
    ConnectError, ConnectionState, DeclineCode, DeliveryError, Gap, GapCause, HistoryLine, Position, Receipt, Refusal,
};
use jiff::{SignedDuration, Timestamp};

use crate::error_chain::chain;
use crate::link::{Cause, LinkState};
use crate::message::Heard;
use crate::timeline::{Failure, GapReason, Mark, OwnState, PageLine};

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

pub(super) fn cause(error: &ConnectError) -> Cause {
    match error {
        ConnectError::Resolve { .. } => Cause::NoAddress,
        ConnectError::Connect { source, .. } => match source.kind() {
            io::ErrorKind::ConnectionRefused => Cause::ConnectionRefused,
            io::ErrorKind::TimedOut => Cause::TimedOut,
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => Cause::Unreachable,
            _ => Cause::Other(source.to_string()),
        },
        ConnectError::TimedOut { .. } => Cause::TimedOut,
        ConnectError::Refused(Refusal::UnknownToken) => Cause::UnknownToken,
        ConnectError::Refused(Refusal::Nickname) => Cause::NicknameRefused,
        ConnectError::Protocol(source) => Cause::Protocol(source.to_string()),
        ConnectError::Codec(source) => Cause::Protocol(source.to_string()),
        ConnectError::Lost(_) => Cause::Lost,
        other => Cause::Other(chain(other)),
    }
}

pub(super) fn outcome(result: &Result<Receipt, DeliveryError>) -> (OwnState, Option<(String, u64)>) {
    match result {
        Ok(receipt) => (OwnState::Confirmed, receipt.position.as_ref().map(position)),
        Err(DeliveryError::Refused(code, _)) => (OwnState::Failed(failure(code)), None),
        Err(DeliveryError::NeverSent { .. }) => (OwnState::Failed(Failure::NeverSent), None),
        Err(_) => (OwnState::Unconfirmed, None),
    }
}

fn failure(code: &DeclineCode) -> Failure {
    match code {
        DeclineCode::Rate => Failure::TooFast,
        DeclineCode::TooLong => Failure::TooLong,
        DeclineCode::Revoked => Failure::Revoked,
        DeclineCode::Storage => Failure::Storage,
        DeclineCode::Draining => Failure::Draining,
        other => Failure::Other(other.as_str().to_owned()),
    }
}

pub(super) fn position(position: &Position) -> (String, u64) {
    (position.stream.as_str().to_owned(), position.seq)
}

pub(super) fn said(message: &chat_client::Message, mark: Option<Mark>) -> Heard {
    // The time that stands in the history too.
    let now = Timestamp::now();
    let at = Timestamp::from_millisecond(said_at(message, now.as_millisecond())).unwrap_or(now);
    Heard::Said {
        sender: message.sender.as_ref().map(|sender| sender.as_str().to_owned()),
        text: message.text.as_str().to_owned(),
        at,
        position: message.position.as_ref().map(position),
        mark,
    }
}

pub(super) fn gap(gap: &Gap) -> Heard {
    let cause = match gap.cause {
        GapCause::ServerForgot => GapReason::ServerForgot,
        GapCause::OtherStream => GapReason::OtherStream,
        GapCause::HoleInNumbers => GapReason::HoleInNumbers,
        _ => GapReason::Disconnected,
    };
    Heard::Gap { since: gap.since, until: gap.until, missed: gap.missed, cause }
}

pub(super) fn line(line: &HistoryLine) -> PageLine {
    PageLine {
        at: line.at(),
        sender: line.sender().map(str::to_owned),
        text: line.text().into_owned(),
        mark: mark(line),
    }
}

pub(super) fn mark(line: &HistoryLine) -> Mark {
    Mark { start: line.offset(), end: line.end() }
}
