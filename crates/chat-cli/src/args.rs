//! The command line, as `--help` shows it. The spellings of the original are translated before.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use chat_frontend::time;
use clap::{Parser, Subcommand, ValueEnum};

/// A line chat for scripts: receive messages, post them, search the history.
#[derive(Debug, Parser)]
#[command(name = "chat", version, about, propagate_version = true)]
pub(crate) struct CliArgs {
    #[command(flatten)]
    pub(crate) common: CommonArgs,
    #[command(subcommand)]
    pub(crate) command: CliCommand,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CommonArgs {
    /// Print one JSON object per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Use this profile of config.toml
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) profile: Option<String>,
    /// Write a log to standard error; it never contains a token
    #[arg(
        short,
        long,
        global = true,
        num_args = 0..=1,
        require_equals = true,
        default_value_t = false,
        default_missing_value = "true",
        hide_default_value = true,
        hide_possible_values = true,
        value_name = "ON"
    )]
    pub(crate) logging: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CliCommand {
    /// Print messages as they arrive
    Listen(ListenArgs),
    /// Post one message, or each line of standard input
    Send(SendArgs),
    /// Create an account and save it
    Register(RegisterArgs),
    /// List the saved accounts, or remove one
    Accounts(AccountsArgs),
    /// Read a history file
    History(HistoryArgs),
    /// Check both ports and report problems
    Ping(PingArgs),
    /// Log in, and print the nickname of the account
    Whoami(PingArgs),
    /// Print shell completions
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man {
        /// The page of this command; default: the page of `chat`
        command: Option<String>,
    },
}

/// The address of the room, and the deadlines.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectArgs {
    /// Name or address of the server [default: 127.0.0.1]
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,
    /// Port of this command: the listen port for `listen`, the write port for all others
    #[arg(short, long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
    /// Listen port [default: 5000]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) listen_port: Option<u16>,
    /// Write port [default: 5050]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) write_port: Option<u16>,
    /// Use TLS, and verify the server by the system's root certificates
    #[arg(long)]
    pub(crate) tls: bool,
    /// Verify the server by the certificates in this file (PEM); implies --tls
    #[arg(long, value_name = "F", conflicts_with = "pin")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Trust the certificate with this SHA-256 fingerprint; implies --tls
    #[arg(long, value_name = "SHA256")]
    pub(crate) pin: Option<String>,
    /// Exit when the first connection fails or breaks
    #[arg(long)]
    pub(crate) no_retry: bool,
    /// Give up after D without a connection
    #[arg(long, value_name = "D", value_parser = time::duration, conflicts_with = "no_retry")]
    pub(crate) retry_max_time: Option<Duration>,
}

/// The account of a writer.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Account")]
pub(crate) struct IdentityArgs {
    /// The account: its complete nickname, or the name that was requested
    #[arg(short, long, value_name = "NAME")]
    pub(crate) username: Option<String>,
    /// Read the token from this file; - is standard input
    #[arg(long, value_name = "F", conflicts_with = "token")]
    pub(crate) token_file: Option<PathBuf>,
    /// The token itself; other users of this machine can see it
    #[arg(short, long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub(crate) token: Option<String>,
    /// Save accounts in this file
    #[arg(long, value_name = "F")]
    pub(crate) credential_path: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListenArgs {
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    /// Also append messages to this history file, and resume where it ends
    #[arg(long, value_name = "F")]
    pub(crate) history_path: Option<PathBuf>,
    /// Start with the last N messages
    #[arg(long, value_name = "N", conflicts_with_all = ["since", "cursor"])]
    pub(crate) last: Option<u64>,
    /// Start with the messages since T: a time, or a duration ago (2h)
    #[arg(long, value_name = "T", conflicts_with = "cursor")]
    pub(crate) since: Option<String>,
    /// Resume where the last run with this file stopped
    #[arg(long, value_name = "F", conflicts_with = "history_path")]
    pub(crate) cursor: Option<PathBuf>,
    /// Exit after N messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// Exit after D
    #[arg(long, value_name = "D", value_parser = time::duration)]
    pub(crate) timeout: Option<Duration>,
    /// Exit when no message has arrived for D
    #[arg(long, value_name = "D", value_parser = time::duration)]
    pub(crate) idle_timeout: Option<Duration>,
    /// Print control characters unchanged on a terminal
    #[arg(long)]
    pub(crate) raw: bool,
    /// Only messages of this nickname; may be repeated
    #[arg(long, value_name = "NICK", help_heading = "Selection")]
    pub(crate) from: Vec<String>,
    /// Only messages whose text matches
    #[arg(long, value_name = "REGEX", help_heading = "Selection")]
    pub(crate) grep: Option<String>,
    /// Print each message in this form, for example '{at} {nick}: {text}'
    #[arg(long, value_name = "TEMPLATE", conflicts_with = "exec")]
    pub(crate) format: Option<String>,
    /// Start a program for each message, with its values in CHAT_MESSAGE_*; ends with ; or the last word
    #[arg(
        long,
        value_name = "CMD",
        num_args = 1..,
        allow_hyphen_values = true,
        value_terminator = ";",
        value_parser = clap::value_parser!(OsString)
    )]
    pub(crate) exec: Vec<OsString>,
    /// Kill a program of --exec after D
    #[arg(long, value_name = "D", value_parser = time::duration, default_value = "60s")]
    pub(crate) exec_timeout: Duration,
}

/// The condition for a message to count as confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Confirm {
    /// It is written to the socket
    Written,
    /// The server has confirmed it
    Ack,
    /// It has also arrived on the listen port
    Echo,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SendArgs {
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    #[command(flatten)]
    pub(crate) identity: IdentityArgs,
    /// Post this text; - reads standard input, as without a text
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) message: Option<String>,
    /// The same without -m
    #[arg(value_name = "TEXT", conflicts_with = "message")]
    pub(crate) text: Option<String>,
    /// More words without -m, for a helpful error
    #[arg(hide = true)]
    pub(crate) words: Vec<String>,
    /// Post all of standard input as one message, line breaks included
    #[arg(long, help_heading = "Input", conflicts_with_all = ["null", "json_input"])]
    pub(crate) whole: bool,
    /// Messages on standard input end with a NUL byte instead of a line break
    #[arg(short = '0', long, help_heading = "Input", conflicts_with = "json_input")]
    pub(crate) null: bool,
    /// Each line of standard input is a JSON object with a text, and an id if you like
    #[arg(long, help_heading = "Input")]
    pub(crate) json_input: bool,
    /// Check account and messages, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not register -u when there is no account for it
    #[arg(long)]
    pub(crate) no_register: bool,
    /// Replace bytes of standard input that are not UTF-8 instead of refusing the line
    #[arg(long, help_heading = "Input")]
    pub(crate) lossy: bool,
    /// Condition for a message to count as confirmed
    #[arg(long, value_name = "WHEN", default_value = "ack")]
    pub(crate) confirm: Confirm,
    /// Give up after D: messages without an answer are then unconfirmed
    #[arg(long, value_name = "D", value_parser = time::duration)]
    pub(crate) timeout: Option<Duration>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RegisterArgs {
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    /// Requested nickname
    #[arg(short, long, value_name = "NAME")]
    pub(crate) username: String,
    /// Save accounts in this file
    #[arg(long, value_name = "F")]
    pub(crate) credential_path: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct AccountsArgs {
    /// File with the saved accounts
    #[arg(long, value_name = "F", global = true)]
    pub(crate) credential_path: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) action: Option<AccountsAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountsAction {
    /// List the nicknames (the default)
    List,
    /// Remove an account from the file; it remains on the server
    Remove {
        /// The complete nickname
        nickname: String,
        /// Its room, by the write port; needed if several rooms have the nickname
        #[arg(long, value_name = "HOST:PORT")]
        room: Option<String>,
    },
    /// Note that an account belongs to another address, for a server that has moved
    Move {
        /// Its whole nickname
        nickname: String,
        /// Its room, by the write port; needed if several rooms have the nickname
        #[arg(long, value_name = "HOST:PORT")]
        room: Option<String>,
        /// The new address of the room, by its write port
        #[arg(long, value_name = "HOST:PORT")]
        to: String,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct HistoryArgs {
    /// History file [default: history.txt in the data directory]
    #[arg(long, value_name = "F")]
    pub(crate) history_path: Option<PathBuf>,
    /// Only the last N matching messages
    #[arg(long, value_name = "N")]
    pub(crate) last: Option<usize>,
    /// Only messages since T: a time, or a duration ago (2h)
    #[arg(long, value_name = "T")]
    pub(crate) since: Option<String>,
    /// Only messages before T
    #[arg(long, value_name = "T")]
    pub(crate) until: Option<String>,
    /// Only matching lines
    #[arg(long, value_name = "REGEX")]
    pub(crate) grep: Option<String>,
    /// Print new lines as they are appended
    #[arg(long, conflicts_with = "until")]
    pub(crate) follow: bool,
    /// Print control characters unchanged on a terminal
    #[arg(long)]
    pub(crate) raw: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PingArgs {
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    #[command(flatten)]
    pub(crate) identity: IdentityArgs,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn command_line_is_consistent() {
        super::CliArgs::command().debug_assert();
    }
}
