//! The errors of the commands, and the one function that maps them to exit codes.

use std::path::PathBuf;
use std::sync::Arc;

use chat_client::{
    ConnectError, CredentialsError, CursorError, Expected, HistoryError, NicknameError, PathsError, ProtocolError,
    Refusal, SettingsError, TextError, TlsError, TokenError,
};
use chat_frontend::Exit;
use chat_frontend::report::chain;
use chat_frontend::time::in_words;

use crate::ledger::Shortfall;

/// The reason why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// An error of clap, or of a later check of the command line.
    #[error("{0}")]
    Usage(Box<str>),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Paths(#[from] PathsError),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    Cursor(#[from] CursorError),
    #[error(transparent)]
    Credentials(CredentialsError),
    #[error("{0}; use the complete nickname, or remove old accounts with `chat accounts remove`")]
    SeveralFit(Box<str>),
    #[error("no account found: pass -u NAME or a token; `chat register -u NAME` creates an account")]
    NoAccount,
    #[error("there is no account {0:?} for this server, and --no-register forbids to create one")]
    NotRegistered(String),
    #[error("several accounts are saved ({}): choose one with -u", .0.join(", "))]
    WhichAccount(Vec<String>),
    #[error("accounts with this nickname are saved for several rooms ({}): choose one with --room", .0.join(", "))]
    WhichRoom(Vec<String>),
    #[error("no account {0:?} is saved")]
    UnknownAccount(String),
    #[error(transparent)]
    Text(#[from] TextError),
    #[error(transparent)]
    Nickname(#[from] NicknameError),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("{}", connect_text(what, error))]
    Connect {
        /// Host and port.
        what: String,
        error: Arc<ConnectError>,
    },
    #[error("{what}: the server refused the nickname {name:?}: {}", nickname_advice(name))]
    NicknameRefused { what: String, name: String },
    /// The peer answered, but not as a chat server.
    #[error("{0}")]
    NotAChat(String),
    /// Not every message was confirmed, for this reason.
    #[error("{}; {shortfall}", chain(&**why))]
    Cut { why: Box<CliError>, shortfall: Shortfall },
    /// Not every message was confirmed.
    #[error("{0}")]
    Messages(#[from] Shortfall),
    #[error("could not write to standard output: {0}")]
    Output(#[source] std::io::Error),
    #[error("could not read standard input: {0}")]
    Input(#[source] std::io::Error),
    #[error("{path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("could not start: {0}")]
    Runtime(#[source] std::io::Error),
    #[error("time ran out after {got} of {wanted} messages")]
    Timeout { got: u64, wanted: u64 },
    #[error("time ran out")]
    OutOfTime,
    /// The timeout ended before there was a connection; with the error of the last attempt, if any.
    #[error("time ran out before there was a connection to {what}{}", because(error.as_deref()))]
    NoConnectionInTime { what: String, error: Option<Arc<ConnectError>> },
    #[error("no message arrived for {}", in_words(*.0))]
    Idle(std::time::Duration),
    /// A signal ended the command; nothing is reported.
    #[error("interrupted")]
    Interrupted,
}

impl CliError {
    /// Returns the exit code of the error.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Settings(SettingsError::Read { .. } | SettingsError::Paths(_) | SettingsError::NoPlace { .. }) => {
                Exit::Local
            }
            Self::Usage(_)
            | Self::Settings(_)
            | Self::NoAccount
            | Self::NotRegistered(_)
            | Self::WhichAccount(_)
            | Self::WhichRoom(_)
            | Self::UnknownAccount(_)
            | Self::Text(_)
            | Self::Nickname(_)
            | Self::Token(_) => Exit::Usage,
            Self::SeveralFit(_) => Exit::Usage,
            Self::Paths(_)
            | Self::History(_)
            | Self::Cursor(_)
            | Self::Credentials(_)
            | Self::Output(_)
            | Self::Input(_)
            | Self::File { .. }
            | Self::Runtime(_) => Exit::Local,
            Self::NicknameRefused { .. } => Exit::Refused,
            Self::Connect { error, .. } if refusal(error).is_some() => Exit::Refused,
            Self::Connect { error, .. } if matches!(**error, ConnectError::Host { .. }) => Exit::Usage,
            Self::Connect { error, .. } if is_local(error) => Exit::Local,
            Self::Connect { .. } | Self::NotAChat(_) | Self::NoConnectionInTime { .. } => Exit::Unreachable,
            Self::Cut { why, shortfall } => shortfall.exit().map_or(why.exit(), |exit| first_of(why.exit(), exit)),
            Self::Messages(shortfall) => shortfall.exit().unwrap_or(Exit::Unreachable),
            Self::Timeout { .. } | Self::OutOfTime => Exit::Timeout,
            Self::Idle(_) => Exit::Idle,
            Self::Interrupted => Exit::Interrupted,
        }
    }

    /// Returns the stable name of the error, for `--json`.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Usage(_) | Self::Text(_) | Self::Nickname(_) | Self::Token(_) => "usage",
            Self::Settings(SettingsError::Read { .. } | SettingsError::Paths(_) | SettingsError::NoPlace { .. }) => {
                "file"
            }
            Self::Settings(_) => "config",
            Self::NoAccount | Self::NotRegistered(_) | Self::UnknownAccount(_) => "no_account",
            Self::WhichAccount(_) | Self::WhichRoom(_) | Self::SeveralFit(_) => "ambiguous_account",
            Self::Paths(_)
            | Self::History(_)
            | Self::Cursor(_)
            | Self::Credentials(_)
            | Self::Output(_)
            | Self::Input(_)
            | Self::File { .. } => "file",
            Self::Runtime(_) => "internal",
            Self::NicknameRefused { .. } => "nickname_refused",
            Self::Connect { error, .. } => match (refusal(error), error.as_ref()) {
                (Some(Refusal::Nickname), _) => "nickname_refused",
                (Some(_), _) => "unknown_token",
                (None, error) if is_local(error) => "file",
                (None, ConnectError::Host { .. }) => "usage",
                (None, ConnectError::Tls { .. }) => "tls",
                (None, ConnectError::Protocol(_) | ConnectError::Codec(_)) => "not_a_chat",
                (None, _) => "unreachable",
            },
            Self::NotAChat(_) => "not_a_chat",
            Self::NoConnectionInTime { .. } => "unreachable",
            Self::Cut { why, .. } if self.exit() == why.exit() => why.code(),
            Self::Cut { shortfall, .. } => shortfall.code(),
            Self::Messages(shortfall) => shortfall.code(),
            Self::Timeout { .. } | Self::OutOfTime => "timeout",
            Self::Idle(_) => "idle",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Returns which of two exit codes wins: a signal, then doubt, then a refusal.
fn first_of(one: Exit, other: Exit) -> Exit {
    let order = [Exit::Interrupted, Exit::Local, Exit::Unconfirmed, Exit::Refused, Exit::Unreachable, Exit::Timeout];
    order.into_iter().find(|exit| [one, other].contains(exit)).unwrap_or(one)
}

/// Returns whether a connection failed because of a local file.
fn is_local(error: &ConnectError) -> bool {
    matches!(error, ConnectError::Tls { source: TlsError::CaFile { .. }, .. })
}

impl From<CredentialsError> for CliError {
    fn from(error: CredentialsError) -> Self {
        match error {
            CredentialsError::Ambiguous { .. } => Self::SeveralFit(error.to_string().into()),
            error => Self::Credentials(error),
        }
    }
}

fn refusal(error: &ConnectError) -> Option<Refusal> {
    match error {
        ConnectError::Refused(refusal) => Some(*refusal),
        _ => None,
    }
}

/// The advice for an unknown token: it is of another server, or the account was revoked.
const UNKNOWN_TOKEN: &str =
    ": create an account with `chat register -u NAME`, and remove the old one with `chat accounts remove NICKNAME`";

/// The advice if no server runs on this machine.
const NO_SERVER: &str = "; no server runs there: `chat-server` starts one";

/// The advice if nothing was sent although the write port greets first.
pub(crate) const NO_GREETING: &str =
    "; it may be a listen port, a port for TLS, which needs --tls, or not a chat server";

/// The advice if the server closed the connection instead of sending an account. The protocol has no word for a limit.
const CUT_REGISTRATION: &str =
    "; the server may limit how many accounts an address registers, or be full: try again later";

fn is_cut_registration(error: &ConnectError) -> bool {
    let is_account = |expected: &Expected| matches!(expected, Expected::NicknamePrompt | Expected::Account);
    matches!(error, ConnectError::Interrupted(ProtocolError::EndedEarly { waiting_for }) if is_account(waiting_for))
}

/// Whether the peer accepted the connection and sent no greeting in time.
fn is_silent(error: &ConnectError) -> bool {
    matches!(error, ConnectError::Interrupted(ProtocolError::TimedOut { waiting_for: Expected::Greeting, .. }))
}

fn is_refused_locally(error: &ConnectError) -> bool {
    let ConnectError::Connect { address, source, .. } = error else { return false };
    let local = ["127.0.0.1:", "localhost:", "[::1]:"].iter().any(|host| address.starts_with(host));
    local && source.kind() == std::io::ErrorKind::ConnectionRefused
}

/// Returns what to do about a connection that is tried again, for the first report about it.
pub(crate) fn advice_while_retrying(error: &ConnectError) -> &'static str {
    if is_refused_locally(error) {
        NO_SERVER
    } else if is_silent(error) {
        NO_GREETING
    } else {
        ""
    }
}

/// The longest nickname of our server, in characters. A longer one is shortened by it and refused by others.
pub(crate) const MAX_NICKNAME_CHARS: usize = 40;

/// Guesses why a server refused a nickname: the protocol has no reason for it.
fn nickname_advice(name: &str) -> String {
    let count = name.chars().count();
    if count > MAX_NICKNAME_CHARS {
        return format!("it has {count} characters, and servers take up to {MAX_NICKNAME_CHARS}");
    }
    if name.trim().eq_ignore_ascii_case("server") || chat_client::display::looks_like(name, "Server") {
        return "it looks like Server, which is reserved".to_owned();
    }
    "the server takes no registrations now, or too many came from this address; try again later or with another name"
        .to_owned()
}

/// Returns the whole chain of causes on one line, with the address in front if the error does not contain it, and with
/// advice.
fn connect_text(what: &str, error: &ConnectError) -> String {
    let text = chain(error);
    let advice = match refusal(error) {
        Some(Refusal::UnknownToken) => UNKNOWN_TOKEN,
        Some(_) => "",
        None if is_cut_registration(error) => CUT_REGISTRATION,
        None => advice_while_retrying(error),
    };
    // The error quotes the host, which alone is wrong. The address would repeat it as it is, perhaps with a line feed.
    if text.contains(what) || matches!(error, ConnectError::Host { .. }) {
        format!("{text}{advice}")
    } else {
        format!("{what}: {text}{advice}")
    }
}

/// Returns the last connection error, to append to the message of a timeout.
fn because(error: Option<&ConnectError>) -> String {
    error.map(|error| format!(": {}", chain(error))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_in_place_of_the_greeting_names_the_usual_reasons() {
        let silence = |waiting_for| {
            let after = std::time::Duration::from_secs(10);
            ConnectError::Interrupted(ProtocolError::TimedOut { waiting_for, after })
        };
        let greeting = silence(Expected::Greeting);
        assert!(advice_while_retrying(&greeting).contains("--tls"));
        assert!(connect_text("chat:5050", &greeting).contains("--tls"));
        assert_eq!(advice_while_retrying(&silence(Expected::Account)), "");
    }
}
