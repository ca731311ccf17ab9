//! English.

use chat_client::{NicknameError, TextError};
use chat_frontend::local_room::RoomNotice;
use jiff::civil::Weekday;

use super::format::span;
use super::phrase::Phrase;
use crate::event::NoticeText;
use crate::link::{LinkError, LinkSide, LinkState};
use crate::timeline::{FailureReason, GapReason, OwnState};

pub(super) const HELP: &[(&str, &str)] = &[
    ("", "Writing"),
    ("Enter", "send"),
    ("Alt+Enter, Ctrl+J", "begin a new line in the message"),
    ("Tab", "complete a nickname; again for the next one"),
    ("↑ ↓", "lines sent before; lines of this message"),
    ("Ctrl+A, Ctrl+E", "start and end of the line"),
    ("Alt+B, Alt+F", "a word back, a word on"),
    ("Ctrl+W, Alt+D", "cut the word before, after"),
    ("Ctrl+U, Ctrl+K", "cut to the start, to the end of the line"),
    ("Ctrl+Y", "put back what was cut"),
    ("Ctrl+_", "undo"),
    ("", "Reading"),
    ("PgUp, PgDn", "a page back, a page on"),
    ("Ctrl+↑, Ctrl+↓", "a row back, a row on"),
    ("Ctrl+Home", "the oldest message that is loaded; again for older ones"),
    ("Esc, Ctrl+End", "back to the end"),
    ("Ctrl+F", "search the whole history"),
    ("", "My messages"),
    ("Ctrl+O", "choose one that is on its way: r retry, e edit, d discard"),
    ("…  →  ✓  ✗  ?", "queued, sent, confirmed, failed, unconfirmed"),
    ("", "Everything else"),
    ("Ctrl+R, F5", "connect again now"),
    ("F2, F3", "registration: show, copy the token"),
    ("Ctrl+L", "draw the screen again"),
    ("Ctrl+Z", "suspend"),
    ("Ctrl+C", "cut the typed text; with nothing typed: leave"),
    ("Ctrl+Q, /quit", "leave"),
    ("/register", "make one more account"),
    ("/accounts", "choose another account"),
    ("/search TEXT", "search; /like this/ for a regular expression"),
    ("/export [FILE]", "write the history to a file"),
    ("//", "a message that begins with /"),
];

pub(super) fn text(phrase: Phrase<'_>) -> String {
    match phrase {
        Phrase::WindowTitle(what) => format!("{what} · minechat"),
        Phrase::Starting => "starting…".into(),
        Phrase::RegistrationTitle => "Registration".into(),
        Phrase::NicknameLabel => "Nickname".into(),
        Phrase::NicknamePlaceholder => "what shall others call you?".into(),
        Phrase::Register => "Register".into(),
        Phrase::Registering => "registering…".into(),
        Phrase::EnterChat => "Enter the chat".into(),
        Phrase::Again => "One more account".into(),
        Phrase::YourNickname => "Your nickname".into(),
        Phrase::YourToken => "Your token".into(),
        Phrase::SavedIn(path) => format!("saved in {path}"),
        Phrase::NotSaved(error) => format!("NOT SAVED: {error}"),
        Phrase::RegistrationKeys => "Enter registers · Tab next · F1 help · Ctrl+C leaves".into(),
        Phrase::RegisteredKeys => "Enter chooses · F2 shows the token · F3 copies it".into(),
        Phrase::NicknameError(NicknameError::Blank) => "type a nickname first".into(),
        Phrase::NicknameError(error) => error.to_string(),
        Phrase::TokenCopied => "the token was handed to the terminal's clipboard".into(),
        Phrase::CannotSuspend => "there is no shell to come back from".into(),
        Phrase::AccountsTitle => "Which account?".into(),
        Phrase::NewAccount => "Register a new one".into(),
        Phrase::AccountsKeys => "Enter chooses · n new · d removes · Ctrl+C leaves".into(),
        Phrase::ReallyRemove(nickname) => format!("remove {nickname} from this machine? y removes, any other key keeps"),
        Phrase::NoAccounts => "there are no saved accounts".into(),
        Phrase::WrongTokenTitle => "Wrong token".into(),
        Phrase::WrongToken => "The server does not know the token of this account. Nothing was sent, and it will not be tried again.".into(),
        Phrase::OtherAccount => "Choose another account".into(),
        Phrase::Leave => "Leave".into(),
        Phrase::ChoiceKeys => "Enter chooses · Esc closes".into(),
        Phrase::Date(date) => {
            let month = ["January", "February", "March", "April", "LocalRoomPolicy", "June", "July", "August", "September", "October", "November", "December"];
            let month = month[usize::try_from(date.month() - 1).unwrap_or(0) % 12];
            format!("{}, {} {month} {}", weekday(date.weekday()), date.day(), date.year())
        }
        Phrase::Unread => "new messages".into(),
        Phrase::LooksLike(name) => format!(" (looks like {name})"),
        Phrase::Gap(gap) => {
            let what = match gap.cause {
                GapReason::Disconnected => "not connected",
                GapReason::ServerForgot => "the server no longer has this part",
                GapReason::OtherStream => "the server has begun anew",
                GapReason::HoleInNumbers => "the server skipped messages",
            };
            let missed = match gap.missed {
                Some(1) => "1 message is missing".to_owned(),
                Some(missed) => format!("{missed} messages are missing"),
                None => "messages may be missing".to_owned(),
            };
            format!("gap {}: {what}, {missed}", span(gap.since, gap.until))
        }
        Phrase::Own(state) => match state {
            OwnState::Queued => "… queued".into(),
            OwnState::Sent => "→ sent".into(),
            OwnState::Confirmed => "✓".into(),
            OwnState::Failed(failure) => format!("✗ failed: {}", text(Phrase::Failure(failure))),
            OwnState::Unconfirmed => "? unconfirmed".into(),
            OwnState::Stale => "? from an earlier run, not sent".into(),
        },
        Phrase::Failure(failure) => match failure {
            FailureReason::TooFast => "too many messages at once".into(),
            FailureReason::TooLong => "too long for this server".into(),
            FailureReason::Revoked => "the account was revoked".into(),
            FailureReason::Storage => "the server could not store it".into(),
            FailureReason::Draining => "the server is shutting down".into(),
            FailureReason::NeverSent => "it was never sent".into(),
            FailureReason::Full => "too many messages wait".into(),
            FailureReason::Other(text) => text.clone(),
        },
        Phrase::NewBelow(n) => format!("{n} new below"),
        Phrase::ScrolledBack => "Esc goes to the end".into(),
        Phrase::TextError(TextError::TooLong { bytes }) => format!("too long: {bytes} bytes; shorten it or send it in parts"),
        Phrase::TextError(error) => error.to_string(),
        Phrase::InputFull => "that does not fit the input line".into(),
        Phrase::NothingToComplete => "no nickname begins like this".into(),
        Phrase::NothingOnItsWay => "no message of yours is on its way".into(),
        Phrase::OwnKeys => "↑↓ choose · r retry · e edit · d discard · Esc back".into(),
        Phrase::NotNow => "that cannot be done with this message now".into(),
        Phrase::UnknownCommand(name) => format!("there is no command /{name}; F1 lists them, // begins a text with /"),
        Phrase::Exported(path) => format!("the history was written to {path}"),
        Phrase::NotExported(error) => format!("the history was not exported: {error}"),
        Phrase::EmptyRoom => "Nobody has said anything yet.".into(),
        Phrase::Link { side, state, seconds } => {
            let side = match side {
                LinkSide::Listening => "listening",
                LinkSide::Writing => "writing",
            };
            match state {
                LinkState::Off => format!("{side}: off"),
                LinkState::Connecting { attempt: 0 | 1 } => format!("{side}: connecting"),
                LinkState::Connecting { attempt } => format!("{side}: connecting (#{attempt})"),
                LinkState::Online => format!("{side}: online"),
                LinkState::Waiting { attempt, .. } => {
                    format!("{side}: retry in {} s (#{attempt})", seconds.unwrap_or(0))
                }
                LinkState::Closed { .. } => format!("{side}: closed"),
            }
        }
        Phrase::Cause(cause) => match cause {
            LinkError::NoAddress => "the host has no address".into(),
            LinkError::ConnectionRefused => "connection refused: nothing listens there".into(),
            LinkError::Unreachable => "the network does not reach it".into(),
            LinkError::TimedOut => "no answer in time".into(),
            LinkError::Lost => "the connection was lost".into(),
            LinkError::UnknownToken => "the server does not know the token".into(),
            LinkError::NicknameRefused => "the server refused this nickname: it is taken, reserved or not allowed".into(),
            LinkError::Protocol(what) => format!("this is no chat server: {what}"),
            LinkError::Other(text) => text.clone(),
        },
        Phrase::Waiting(1) => "1 message waits".into(),
        Phrase::Waiting(n) => format!("{n} messages wait"),
        Phrase::RetryKey => "Ctrl+R now".into(),
        Phrase::HelpKey => "F1 help".into(),
        Phrase::News(news) => match news {
            NoticeText::LocalRoom(RoomNotice::Started(dir)) => format!("Nothing listened on this machine, so a local room was started; its data is in {}. Others on this machine join it by starting chat-tui.", dir.display()),
            NoticeText::LocalRoom(RoomNotice::Joined) => "Joined the local room of another program.".into(),
            NoticeText::LocalRoom(RoomNotice::Failed(error)) => format!("The local room could not be started: {error}"),
            NoticeText::LocalRoom(RoomNotice::NotThere(address)) => format!("The room at {address} is not there; Ctrl+R tries again."),
            NoticeText::HistoryElsewhere(error) => format!("The history is read but not written here: {error}"),
            NoticeText::OutboxElsewhere(error) => format!("What is typed here does not survive a restart: {error}"),
            NoticeText::InTheClear(host) => format!("The token travels to {host} unencrypted; --tls would hide it."),
            NoticeText::File(error) => error.clone(),
            NoticeText::FileWorksAgain => "The history is being written again.".into(),
        },
        Phrase::PasteTitle { lines, bytes } => format!("Paste: {}, {}", count(lines, "line", "lines"), count(bytes, "byte", "bytes")),
        Phrase::MoreLines(n) => format!("… and {n} more"),
        Phrase::PasteAsOne => "Send as one message".into(),
        Phrase::PasteAsMany(n) => format!("Send as {}", count(n, "message", "messages")),
        Phrase::PasteEdit => "Edit first".into(),
        Phrase::PasteCancel => "Throw away".into(),
        Phrase::TooManyMessages(n) => format!("{n} messages are too many for one paste"),
        Phrase::LineDoesNotFit { number, error } => format!("line {number}: {}", text(Phrase::TextError(error))),
        Phrase::SearchTitle => "Search the history".into(),
        Phrase::SearchPrompt => "Find".into(),
        Phrase::SearchState { hits, percent } => {
            let found = if hits == 1 { "1 found".to_owned() } else { format!("{hits} found") };
            if percent < 100 { format!("{found}, {percent} % searched") } else { found }
        }
        Phrase::SearchKeys => "Enter finds, then goes there · ↑↓ choose · Esc closes".into(),
        Phrase::HelpTitle => "Help".into(),
        Phrase::HelpKeys => "↑↓ PgUp PgDn scroll · any other key closes".into(),
        Phrase::PlainAskNickname => "There is no account yet. Type a nickname to register.".into(),
        Phrase::PlainNoAccount => "There is no account yet, and nobody can be asked: start with --nickname NAME to register one. Nothing was sent.".into(),
        Phrase::PlainRegistering(name) => format!("Registering {name}."),
        Phrase::PlainRegistered { nickname, saved } => format!("Registered as {nickname}; the account was {saved}."),
        Phrase::PlainChooseAccount => "Which account? Type its number, or n for a new one.".into(),
        Phrase::PlainWhichAccount => "There are several accounts, and nobody can be asked: start with --nickname NAME (or -u) to say which. Nothing was sent.".into(),
        Phrase::PlainAccount { number, nickname } => format!("{number}: {nickname}"),
        Phrase::PlainNoSuchAccount => "There is no account of that number.".into(),
        Phrase::PlainNotHere => "That command does not work at a question; /help, /quit and an empty line, which goes back, do.".into(),
        Phrase::PlainBack => "Back in the chat; /accounts and /register lead to another account.".into(),
        Phrase::PlainKept => "That is no number; it is kept as a message, and sent once an account has been chosen. /quit throws it away.".into(),
        Phrase::PlainNotUtf8 => "A line is not UTF-8; what could not be read was replaced.".into(),
        Phrase::PlainLineTooLong => "A line is too long for a message, and was not sent.".into(),
        Phrase::PlainEntering(name) => format!("Entering the chat as {name}."),
        Phrase::PlainWrongToken => "The server does not know the token of this account. Type 1 to choose another account, 2 to register a new one, 3 to leave.".into(),
        Phrase::PlainOwn { text: quoted, state } => {
            let state = match state {
                OwnState::Queued => "queued".to_owned(),
                OwnState::Sent => "sent".to_owned(),
                OwnState::Confirmed => "confirmed".to_owned(),
                OwnState::Failed(failure) => format!("failed, {}", text(Phrase::Failure(failure))),
                OwnState::Unconfirmed => "unconfirmed, it may or may not have been delivered".to_owned(),
                OwnState::Stale => "left from an earlier run and not sent; /retry or /discard".to_owned(),
            };
            format!("Message {state}: {quoted}")
        }
        Phrase::PlainToken(token) => format!("Token: {token}"),
        Phrase::PlainNothingFound => "Nothing was found.".into(),
        Phrase::PlainFound(n) => format!("Found {n}."),
        Phrase::PlainHelp => "Each line is a message. Commands: /help, /status, /token, /retry, /discard, /search TEXT, /accounts, /register [NICKNAME], /export [FILE], /quit. Two strokes // begin a text with a stroke.".into(),
        Phrase::PlainLeft(1) => "1 message was not confirmed; it is kept and shown at the next start.".into(),
        Phrase::PlainLeft(n) => format!("{n} messages were not confirmed; they are kept and shown at the next start."),
        Phrase::PlainLost(1) => "1 message was not sent and could not be kept:".into(),
        Phrase::PlainLost(n) => format!("{n} messages were not sent and could not be kept:"),
        Phrase::PlainGaveUp(seconds) => format!("Gave up after {seconds} seconds."),
        Phrase::PlainStatus { listening, writing, waiting } => {
            format!("{listening}; {writing}; {}.", text(Phrase::Waiting(waiting)))
        }
        Phrase::PlainOwnUsage => "No message of yours waits for a decision.".into(),
    }
}

/// A number and the noun that goes with it.
fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}
