//! English.

use chat_client::{DeclineCode, DeliveryState, GapCause, NicknameError, Text, TextError};
use chat_frontend::local_room::RoomNotice;
use jiff::civil::DateTime;

use super::format::{candidates, extent, period, span, with_reason};
use super::phrase::{GapLength, Phrase};
use crate::event::{CopyResult, NoticeText};
use crate::link::{LinkError, LinkSide, LinkState};
use crate::timeline::{GapLine, Held};

pub(super) fn text(phrase: Phrase<'_>) -> String {
    match phrase {
        Phrase::WindowTitle(what) => format!("{what} · minechat"),
        Phrase::Starting => "starting…".into(),
        Phrase::RegistrationTitle => "Registration".into(),
        Phrase::ChooseNickname => "Choose a nickname".into(),
        Phrase::NicknameRules => "The server may put a word before it: lea can become Nimble lea. There is no password: this computer keeps a token, and the token is the account.".into(),
        Phrase::ShortNicknameRules => "the server may add a word before it".into(),
        Phrase::Register => "Register".into(),
        Phrase::Registering => "registering…".into(),
        Phrase::EnterChat => "Enter the chat".into(),
        Phrase::Again => "Create another account\nOne more account".into(),
        Phrase::YouAre(name) => format!("You are {name}"),
        Phrase::YourToken => "Token".into(),
        Phrase::AccountIn(path) => format!("The account is in {path}. Its token alone is enough to write as you, so keep it secret."),
        Phrase::TokenKeys => "token: F2 shows, F3 copies it".into(),
        Phrase::SavedIn(path) => format!("saved in {path}"),
        Phrase::NotSaved(error) => format!("NOT SAVED: {error}"),
        Phrase::RegistrationKeys { back: true } => "Enter register · Esc back · F1 help · Ctrl+C quit\nEnter · Esc · F1 · ^C".into(),
        Phrase::RegistrationKeys { back: false } => "Enter register · F1 help · Ctrl+C quit\nEnter · F1 · ^C".into(),
        Phrase::RegisteredKeys => "Enter select · ↑↓ · F2 show the token · F3 copy it\nEnter · F2 show · F3 copy\nEnter · F2 · F3".into(),
        Phrase::NicknameError(NicknameError::Blank) => "type a nickname first".into(),
        Phrase::NicknameError(error) => error.to_string(),
        Phrase::NicknameChanged(asked) => format!("The server has added a word to {asked}, so that no two users have the same nickname."),
        Phrase::Copied(result) => match result {
            CopyResult::Done => "copied to the terminal's clipboard".into(),
            CopyResult::TmuxBuffer => "copied to the tmux buffer; Ctrl+B ] pastes it".into(),
            CopyResult::Blocked => "not copied: tmux does not pass it on; run: tmux set -g set-clipboard on".into(),
        },
        Phrase::CannotSuspend => "cannot suspend: the program was not started from a shell".into(),
        Phrase::AccountsTitle => "Which account?".into(),
        Phrase::NewAccount => "Register a new one\nregister".into(),
        Phrase::AccountsKeys => "Enter choose · 1–9 · n new · d remove · Ctrl+C quit\nEnter · n new · d remove\nEnter · n · d".into(),
        Phrase::ReallyRemove(nickname) => format!("Remove {nickname} from this computer? y removes, any other key keeps\nRemove it? y removes it\nRemove it? y / n"),
        Phrase::NoAccounts => "there are no saved accounts".into(),
        Phrase::WrongTokenTitle => "Wrong token".into(),
        Phrase::WrongToken => "The server does not know this account's token. Nothing was sent, and it is not tried again.\nnothing was sent".into(),
        Phrase::OtherAccount => "Choose another account\nother account".into(),
        Phrase::Leave => "Quit".into(),
        Phrase::ChoiceKeys => "Enter choose · Esc close\nEnter · Esc".into(),
        Phrase::LeaveTitle => "Quit?".into(),
        Phrase::LeaveOthers(n) => format!("This program serves the room, and {} connected. When it quits, another program of yours takes over; without one the room closes.\nthe room may close", if n == 1 { "1 other program is".to_owned() } else { format!("{n} other programs are") }),
        Phrase::Stay => "Stay".into(),
        Phrase::Date(date) => date.strftime("%A, %-d %B %Y").to_string(),
        Phrase::ShortDate(date) => date.strftime("%-d %B").to_string(),
        Phrase::Unread { count, at_least, since } => {
            let since = since.map_or(String::new(), |at| at.strftime(" since %H:%M").to_string());
            format!("{count}{} new{since}", if at_least { "+" } else { "" })
        }
        Phrase::UnreadKey => "Alt+U comes back here".into(),
        Phrase::ForYou(n) => format!("{n} for you"),
        Phrase::LooksLike(name) => format!(" (looks like {name})"),
        Phrase::Removed { by, reason } => {
            let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
            let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("[removed{by}{reason}]")
        }
        Phrase::Gap(gap) => {
            format!("gap {}: {}, {}", span(gap.since, gap.until), gap_cause(gap.cause), missed(gap.missed))
        }
        Phrase::Own { state, held, until } => match (held, state) {
            (Some(Held::EarlierRun), _) => "from an earlier run, not sent".into(),
            (Some(why), _) => format!("failed: {}", held_text(why)),
            (None, DeliveryState::Queued) => "queued".into(),
            (None, DeliveryState::Written) => "sent".into(),
            (None, DeliveryState::Confirmed(_)) => String::new(),
            (None, DeliveryState::Refused { code, reason, .. }) => format!("failed: {}", refusal(code, until, reason.as_ref())),
            (None, DeliveryState::NeverSent | DeliveryState::Discarded) => "failed: it was never sent".into(),
            (None, _) => "unconfirmed".into(),
        },
        Phrase::GapName => "gap".into(),
        Phrase::GapRow { gap, length } => gap_row(gap, length),
        Phrase::Undelivered => "not delivered yet".into(),
        Phrase::UndeliveredShort => "not delivered".into(),
        Phrase::UndeliveredKeys => "Ctrl+O retry, edit, discard".into(),
        Phrase::NewBelow(n) => format!("{n} new"),
        Phrase::Refusal { code, until, reason } => refusal(code, until, reason),
        Phrase::ScrolledBack => "Esc end".into(),
        Phrase::FirstNewKey => "Alt+U first new".into(),
        Phrase::Mouse(true) => "the wheel scrolls; Shift and the mouse select text; Alt+M ends it".into(),
        Phrase::Mouse(false) => "the mouse selects text again".into(),
        Phrase::WriteMessage => "write a message".into(),
        Phrase::TextError(TextError::TooLong { bytes }) => format!("too long: {}; shorten it or send it in parts", count(*bytes, "byte", "bytes")),
        Phrase::TextError(error) => error.to_string(),
        Phrase::InputFull => "the text does not fit into the input line".into(),
        Phrase::Candidates { all, chosen } => candidates(all, chosen),
        Phrase::AsIs(text) => text.to_owned(),
        Phrase::NothingToComplete => "nothing to complete".into(),
        Phrase::NothingUnread => "nothing new".into(),
        Phrase::NoMention { backwards: true } => "no earlier message that is loaded names you".into(),
        Phrase::NoMention { backwards: false } => "no later message names you".into(),
        Phrase::BareViewKeys => "any key returns".into(),
        Phrase::NotEdited(error) => format!("could not edit the text: {error}"),
        Phrase::NoAddress => "this message has no web address".into(),
        Phrase::NothingToCopy => "there is no such message".into(),
        Phrase::SelectionKeys { own: true } => "r retry · e edit · d discard · y copy · u copy address · ↑↓ · Esc back\nr retry · e edit · d discard · Esc\nr e d y u · ↑↓ · Esc\nr e d y u · Esc".into(),
        Phrase::SelectionKeys { own: false } => "y copy · u copy address · ↑↓ choose · Esc back\ny copy · u address · ↑↓ · Esc\ny copy · u · Esc".into(),
        Phrase::NotNow => "not available for this message".into(),
        Phrase::UnknownCommand(name) => format!("unknown command /{name}; F1 lists all. Start with // to send a message that begins with a slash"),
        Phrase::NoNicknameCommand => "a nickname belongs to its account: /register creates another one, /accounts switches".into(),
        Phrase::Who([]) => "no other user has written lately; the protocol has no list of users".into(),
        Phrase::Who(names) => format!("written lately: {}; the protocol has no list of users", names.join(", ")),
        Phrase::Exported(path) => format!("history written to {path}"),
        Phrase::NotExported(error) => format!("could not export the history: {error}"),
        Phrase::HowToBegin => "Type below and press Enter; all users of the room read it.".into(),
        Phrase::EmptyRoom => "No messages yet.".into(),
        Phrase::HowToJoin(Some(command)) => format!("Others join with: {command}"),
        Phrase::PageLink(link) => format!("In a browser: {link}"),
        Phrase::NoPage => "chat-web --share with the same address adds a page for browsers and phones.".into(),
        Phrase::NoPlaceForCode => "(The terminal is too small for a QR code.)".into(),
        Phrase::HowToJoin(None) => "Only your own programs can join this room. To let others in, restart with\nchat-tui --share 127.0.0.1 (this computer) or 0.0.0.0 (the network).".into(),
        Phrase::Link { side, state, seconds } => {
            let side = match side {
                LinkSide::Listening => "listening",
                LinkSide::Writing => "writing",
            };
            match state {
                LinkState::Off => format!("{side}: off"),
                LinkState::Connecting { attempt: 0 | 1, .. } => format!("{side}: connecting"),
                LinkState::Connecting { attempt, .. } => format!("{side}: connecting (#{attempt})"),
                LinkState::Online => format!("{side}: online"),
                LinkState::LogAway => format!("{side}: on hold"),
                LinkState::Waiting { attempt, .. } => {
                    format!("{side}: retry in {} s (#{attempt})", seconds.unwrap_or(0))
                }
                LinkState::Closed { .. } => format!("{side}: closed"),
            }
        }
        Phrase::Cause(cause) => match cause {
            LinkError::NoAddress => "host not found".into(),
            LinkError::ConnectionRefused => "connection refused: no server is running there".into(),
            LinkError::Unreachable => "network unreachable".into(),
            LinkError::TimedOut => "the server did not reply in time".into(),
            LinkError::Lost => "connection lost".into(),
            LinkError::LogAway => "the log of the room is away: not confirmed yet; will be sent when it is back".into(),
            LinkError::NoAnswerToResume => "no answer to the request for missed messages; F5 twice continues without them".into(),
            LinkError::UnknownToken => "the server does not know the token".into(),
            LinkError::NicknameRefused => "the server refused this nickname: it may be too long, reserved or look like another one, or too many were registered".into(),
            LinkError::Protocol(what) => format!("not a chat server: {what}"),
            LinkError::Other(text) => text.clone(),
        },
        Phrase::BriefCause(cause) => match cause {
            LinkError::NoAddress => "no such host",
            LinkError::ConnectionRefused => "refused",
            LinkError::Unreachable => "unreachable",
            LinkError::TimedOut => "no reply",
            LinkError::NoAnswerToResume => "no answer, F5 twice skips it",
            LinkError::Lost => "lost",
            LinkError::LogAway => "log is away",
            LinkError::UnknownToken => "wrong token",
            LinkError::NicknameRefused => "name refused",
            LinkError::Protocol(_) => "not a chat server",
            LinkError::Other(_) => "failed",
        }
        .into(),
        Phrase::Online => "online".into(),
        Phrase::Connecting(0 | 1) => "connecting".into(),
        Phrase::Connecting(attempt) => format!("connecting ({})", ordinal(attempt)),
        Phrase::NotListening => "not listening".into(),
        Phrase::NotSending => "not sending".into(),
        Phrase::RetryIn { seconds, attempt } => format!("retry in {seconds} s ({})", ordinal(attempt)),
        Phrase::Seconds(seconds) => format!("{seconds} s"),
        Phrase::Waits(1) => "1 waits".into(),
        Phrase::Waits(n) => format!("{n} wait"),
        Phrase::Waiting(1) => "1 message waits".into(),
        Phrase::Waiting(n) => format!("{n} messages wait"),
        Phrase::RetryKey => "F5 now".into(),
        Phrase::HelpKey => "F1 help".into(),
        Phrase::News(news) => match news {
            NoticeText::LocalRoom(RoomNotice::Started(dir)) => format!("No server was running on this computer, so a local room was started; its data is in {}. Only your own programs can join it; --share lets others in.", dir.display()),
            NoticeText::LocalRoom(RoomNotice::Shared(address)) if address.is_near() => format!("Other users of this computer can join with: {}", address.command()),
            NoticeText::LocalRoom(RoomNotice::Shared(address)) => format!("The room is open to the network, without encryption: everyone who reaches this computer can join and read it. Others join with: {} (/share repeats this, with the link of a page)", address.command()),
            NoticeText::LocalRoom(RoomNotice::TurnedAway { uid }) => format!("A program of another user of this computer (uid {uid}) tried to join the room and was turned away. --share 127.0.0.1 lets other users in."),
            NoticeText::LocalRoom(RoomNotice::Full { bytes }) => format!("The room has reached {} GiB and takes no more messages while others can join it.", bytes / (1024 * 1024 * 1024)),
            NoticeText::LocalRoom(RoomNotice::NotShared(address)) => format!("The room at {address} belongs to another user of this computer, who has not opened it to others."),
            NoticeText::LocalRoom(RoomNotice::Joined) => "Joined the local room of another program.".into(),
            NoticeText::LocalRoom(RoomNotice::Gone) => "The server of this room has ended. The room is back as soon as it is started again.".into(),
            NoticeText::LocalRoom(RoomNotice::Failed(error)) => format!("Could not start the local room: {error}"),
            NoticeText::LocalRoom(RoomNotice::NotThere(address)) => format!("No server runs at {address}. Start it, or restart with --local-room for a room of your own."),
            NoticeText::HistoryElsewhere(error) => format!("The history is read but not written here: {error}"),
            NoticeText::OutboxElsewhere(error) => format!("Messages typed here do not survive a restart: {error}"),
            NoticeText::InTheClear(host) => format!("The token is sent to {host} without encryption; use --tls."),
            NoticeText::RegistrationWaits(error) => format!("Registration has to wait: {error}. It is tried again."),
            NoticeText::OtherRooms { name, rooms, here } => format!("{name} has an account in another room ({rooms}) and none in {here}. If the server has moved, use `chat accounts move`."),
            NoticeText::File(error) => error.clone(),
            NoticeText::FileWorksAgain => "The history is being written again.".into(),
        },
        Phrase::PasteTitle { lines, bytes } => {
            let lines = count(lines, "line", "lines");
            format!("paste: {lines}, {}\npaste: {lines}", count(bytes, "byte", "bytes"))
        },
        Phrase::MoreLines(n) => format!("… and {n} more"),
        Phrase::PasteAsOne => "as one message".into(),
        Phrase::PasteAsMany(n) => format!("as {}", count(n, "message", "messages")),
        Phrase::PasteEdit => "edit".into(),
        Phrase::PasteCancel => "discard".into(),
        Phrase::PasteKeys => "←→ or 1–4 choose · Enter takes it · Esc discards\n1–4 · Enter · Esc".into(),
        Phrase::TooManyMessages(n) => format!("{n} messages are too many for one paste"),
        Phrase::LineDoesNotFit { number, error } => format!("line {number}: {}", text(Phrase::TextError(error))),
        Phrase::SearchTitle => "Search the history".into(),
        Phrase::SearchPrompt => "find".into(),
        Phrase::SearchState { hits, percent: 100 } => format!("{hits} found"),
        Phrase::SearchState { hits, percent } => format!("{hits} found · {percent} % searched\n{hits} found · {percent} %"),
        Phrase::BadExpression(reason) => format!("invalid regular expression: {reason}"),
        Phrase::HitDate(date) => date.strftime("%-d %b").to_string(),
        Phrase::SearchKeys => "↑↓ choose · Enter stays there · Esc back · /text/ regular expression\n↑↓ choose · Enter stay · Esc back\n↑↓ · Enter · Esc".into(),
        Phrase::HelpTitle => "Help".into(),
        Phrase::HelpKeys { scrolls } => if scrolls { "↑↓ PgUp PgDn scroll · Esc close\nPgDn more · Esc" } else { "Esc · F1 close" }.into(),
        Phrase::PlainAskNickname => "Type a nickname to register.".into(),
        Phrase::PlainNoAccount => "No account yet, and the input is not interactive: pass --nickname NAME to register one. Nothing was sent.".into(),
        Phrase::PlainRegistering(name) => format!("Registering {name}."),
        Phrase::PlainRegistered { nickname, saved } => format!("Registered as {nickname}; the account was {saved}."),
        Phrase::PlainChooseAccount => "Choose an account: type its number, or n for a new one.".into(),
        Phrase::PlainWhichAccount => "There are several accounts, and the input is not interactive: pass --nickname NAME (or -u) to choose one. Nothing was sent.".into(),
        Phrase::PlainAccount { number, nickname } => format!("{number}: {nickname}"),
        Phrase::PlainNoSuchAccount => "There is no account with this number.".into(),
        Phrase::PlainNotHere => "This command is not available here; use /help, /quit, or an empty line to go back.".into(),
        Phrase::PlainBack => "Back in the chat; /accounts and /register lead to another account.".into(),
        Phrase::PlainKept => "Not a number; the line is kept as a message and sent once an account is chosen. /quit discards it.".into(),
        Phrase::PlainNotUtf8 => "A line is not UTF-8; the unreadable part was replaced.".into(),
        Phrase::PlainLineTooLong => "A line is too long for a message and was not sent.".into(),
        Phrase::PlainEntering(name) => format!("Entering the chat as {name}."),
        Phrase::PlainWrongToken => "The server does not know this account's token. Type 1 to choose another account, 2 to register a new one, 3 to quit.".into(),
        Phrase::PlainOwn { text: quoted, state, held, until } => {
            let state = match (held, state) {
                (Some(Held::EarlierRun), _) => "left from an earlier run and not sent; /retry or /discard".to_owned(),
                (Some(why), _) => format!("failed, {}", held_text(why)),
                (None, DeliveryState::Queued) => "queued".to_owned(),
                (None, DeliveryState::Written) => "sent".to_owned(),
                (None, DeliveryState::Confirmed(_)) => "confirmed".to_owned(),
                (None, DeliveryState::Refused { code, reason, .. }) => format!("failed, {}", refusal(code, until, reason.as_ref())),
                (None, DeliveryState::NeverSent | DeliveryState::Discarded) => "failed, it was never sent".to_owned(),
                (None, _) => "unconfirmed, it may or may not have been delivered".to_owned(),
            };
            format!("Message {state}: {quoted}")
        }
        Phrase::PlainToken(token) => format!("Token: {token}"),
        Phrase::PlainNothingFound => "Nothing found.".into(),
        Phrase::PlainFound(n) => format!("Found {n}."),
        Phrase::PlainMention => "To you, ".into(),
        Phrase::PlainUnread => "New messages:".into(),
        Phrase::PlainHelp => "Each line is a message. Commands: /help, /status, /token, /retry, /discard, /search TEXT, /who, /share, /accounts, /register [NICKNAME], /export [FILE], /quit. Start with // to send a message that begins with a slash.".into(),
        Phrase::PlainLeft(1) => "1 message was not confirmed; it is kept and shown at the next start.".into(),
        Phrase::PlainLeft(n) => format!("{n} messages were not confirmed; they are kept and shown at the next start."),
        Phrase::PlainLost(1) => "1 message was not sent and could not be kept:".into(),
        Phrase::PlainLost(n) => format!("{n} messages were not sent and could not be kept:"),
        Phrase::PlainGaveUp(seconds) => format!("Gave up after {seconds} s."),
        Phrase::PlainStatus { listening, writing, waiting } => {
            format!("{listening}; {writing}; {}.", text(Phrase::Waiting(waiting)))
        }
        Phrase::PlainOwnUsage => "None of your messages waits for a decision.".into(),
    }
}

fn gap_row(gap: &GapLine, length: GapLength) -> String {
    let (cause, missed) = (gap_cause(gap.cause), missed(gap.missed));
    let (number, unit) = extent(gap.since, gap.until);
    let extent = format!("{number} {}", ["s", "min", "h", "d"][unit]);
    match length {
        GapLength::Sentence => match (gap.cause, period(gap.since, gap.until)) {
            (GapCause::Disconnected, None) => format!("{extent} {cause}: {missed}"),
            (GapCause::Disconnected, Some(period)) => format!("{period} {cause}: {missed}"),
            (_, None) => format!("{cause}: {missed}"),
            (_, Some(period)) => format!("{period} {cause}: {missed}"),
        },
        GapLength::Line => {
            let missed = gap.missed.map_or("may be missing".to_owned(), |missed| format!("{missed} missing"));
            format!("gap {}, {extent}: {missed}", gap.until.strftime("%H:%M"))
        }
        GapLength::Short => format!("gap {}, {extent}", gap.until.strftime("%H:%M")),
        GapLength::Shortest => format!("gap {extent}"),
    }
}

fn gap_cause(cause: GapCause) -> &'static str {
    match cause {
        GapCause::ServerForgot => "the server no longer has this part",
        GapCause::Expired => "the server keeps no messages that old",
        GapCause::OtherStream => "the server began a new log",
        GapCause::HoleInNumbers => "the server skipped messages",
        GapCause::LineTooLong => "the server sent a line that is too long",
        _ => "not connected",
    }
}

fn missed(missed: Option<u64>) -> String {
    match missed {
        Some(1) => "1 message is missing".to_owned(),
        Some(missed) => format!("{missed} messages are missing"),
        None => "messages may be missing".to_owned(),
    }
}

/// Why the server did not take a message.
fn refusal(code: &DeclineCode, until: Option<DateTime>, reason: Option<&Text>) -> String {
    let what = match code {
        DeclineCode::Rate => "too many messages at once".into(),
        DeclineCode::TooLong => "too long for this server".into(),
        DeclineCode::Revoked => "the account was revoked".into(),
        DeclineCode::Muted => match until {
            Some(until) => format!("an operator has muted you until {}", moment(until)),
            None => "an operator has muted you".into(),
        },
        DeclineCode::Banned => "you are banned from this room".into(),
        DeclineCode::Storage => "the server could not store it".into(),
        DeclineCode::Unavailable => "the log of the room is away".into(),
        DeclineCode::Draining => "the server is shutting down".into(),
        other => other.as_str().to_owned(),
    };
    with_reason(what, reason)
}

/// Returns a time with its day, which need not be today.
fn moment(at: DateTime) -> String {
    at.strftime("%H:%M on %-d %B").to_string()
}

/// Why a message was not given to the writer.
fn held_text(held: &Held) -> String {
    match held {
        Held::EarlierRun => "from an earlier run".into(),
        Held::QueueFull => "too many messages wait".into(),
        Held::Failed(reason) => reason.clone(),
    }
}

/// Returns `1st`, `2nd`, `11th`.
fn ordinal(n: u32) -> String {
    let ending = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

/// A number and the noun that goes with it.
fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
