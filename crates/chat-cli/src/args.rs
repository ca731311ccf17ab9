//! The command line, as `--help` shows it. The original's spellings are translated before this.

use std::path::PathBuf;
use std::time::Duration;

use chat_frontend::time;
use clap::{Parser, Subcommand, ValueEnum};

/// A line chat for scripts: listen to a room, post to it, look back.
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
    /// Print one JSON object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Take this profile of config.toml
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) profile: Option<String>,
    /// Write a log to standard error; it never holds a token
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
    /// Print messages as they come
    Listen(ListenArgs),
    /// Post one message, or each line of standard input
    Send(SendArgs),
    /// Create an account and keep it
    Register(RegisterArgs),
    /// List the kept accounts, or remove one
    Accounts(AccountsArgs),
    /// Read a history file
    History(HistoryArgs),
    /// Check both ports and say what is wrong
    Ping(PingArgs),
    /// Print shell completions
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man {
        /// The page of this command; without it, the page of `chat`
        command: Option<String>,
    },
}

/// Where the room is and how patient to be.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectArgs {
    /// Name or address of the server [default: 127.0.0.1]
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,
    /// The port of this command: the listen port for `listen`, the write port for all others
    #[arg(short, long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
    /// The listen port [default: 5000]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) listen_port: Option<u16>,
    /// The write port [default: 5050]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) write_port: Option<u16>,
    /// The ports speak TLS: verify the server by this machine's root certificates
    #[arg(long)]
    pub(crate) tls: bool,
    /// Verify the server by the certificates in this file (PEM); says --tls too
    #[arg(long, value_name = "F", conflicts_with = "pin")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Trust the certificate with this SHA-256 fingerprint; says --tls too
    #[arg(long, value_name = "SHA256")]
    pub(crate) pin: Option<String>,
    /// End when the first connection fails or breaks
    #[arg(long)]
    pub(crate) no_retry: bool,
    /// Give up when there was no connection for so long
    #[arg(long, value_name = "D", value_parser = time::duration, conflicts_with = "no_retry")]
    pub(crate) retry_max_time: Option<Duration>,
}

/// Which account writes.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Account")]
pub(crate) struct IdentityArgs {
    /// The account: its whole nickname, else the name that was asked for
    #[arg(short, long, value_name = "NAME")]
    pub(crate) username: Option<String>,
    /// Read the token from this file; - is standard input
    #[arg(long, value_name = "F", conflicts_with = "token")]
    pub(crate) token_file: Option<PathBuf>,
    /// The token itself; others on this machine can see it
    #[arg(short, long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub(crate) token: Option<String>,
    /// Keep accounts in this file
    #[arg(long, value_name = "F")]
    pub(crate) credential_path: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListenArgs {
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    /// Also append each message to this history file, and go on where it ends
    #[arg(long, value_name = "F")]
    pub(crate) history_path: Option<PathBuf>,
    /// Begin with the last N messages
    #[arg(long, value_name = "N", conflicts_with_all = ["since", "cursor"])]
    pub(crate) last: Option<u64>,
    /// Begin with what was posted since T: a time, or so long ago (2h)
    #[arg(long, value_name = "T", conflicts_with = "cursor")]
    pub(crate) since: Option<String>,
    /// Go on where the last run with this file stopped
    #[arg(long, value_name = "F", conflicts_with = "history_path")]
    pub(crate) cursor: Option<PathBuf>,
    /// End after N messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// End after D in all
    #[arg(long, value_name = "D", value_parser = time::duration)]
    pub(crate) timeout: Option<Duration>,
    /// End when no message has come for D
    #[arg(long, value_name = "D", value_parser = time::duration)]
    pub(crate) idle_timeout: Option<Duration>,
    /// On a terminal, print what was written unchanged
    #[arg(long)]
    pub(crate) raw: bool,
}

/// When a message counts as confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Confirm {
    /// Its bytes are handed to the system
    Written,
    /// The server has answered that it has it
    Ack,
    /// It has also come back on the listen port
    Echo,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SendArgs {
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    #[command(flatten)]
    pub(crate) identity: IdentityArgs,
    /// Post this text; - reads standard input, line by line
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) message: Option<String>,
    /// When a message counts as confirmed
    #[arg(long, value_name = "WHEN", default_value = "ack")]
    pub(crate) confirm: Confirm,
    /// Give up after D: what has no answer then is unconfirmed
    #[arg(long, value_name = "D", value_parser = time::duration)]
    pub(crate) timeout: Option<Duration>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RegisterArgs {
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    /// The nickname to ask for
    #[arg(short, long, value_name = "NAME")]
    pub(crate) username: String,
    /// Keep accounts in this file
    #[arg(long, value_name = "F")]
    pub(crate) credential_path: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct AccountsArgs {
    /// The file with the kept accounts
    #[arg(long, value_name = "F", global = true)]
    pub(crate) credential_path: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) action: Option<AccountsAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountsAction {
    /// List the nicknames (the same as no action)
    List,
    /// Remove an account from the file; it stays on the server
    Remove {
        /// Its whole nickname
        nickname: String,
        /// The room it is of, by its write port; needed where several rooms have the nickname
        #[arg(long, value_name = "HOST:PORT")]
        room: Option<String>,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct HistoryArgs {
    /// The file [default: history.txt in the data directory]
    #[arg(long, value_name = "F")]
    pub(crate) history_path: Option<PathBuf>,
    /// Only the last N messages that fit
    #[arg(long, value_name = "N")]
    pub(crate) last: Option<usize>,
    /// Only from T on: a time, or so long ago (2h)
    #[arg(long, value_name = "T")]
    pub(crate) since: Option<String>,
    /// Only before T
    #[arg(long, value_name = "T")]
    pub(crate) until: Option<String>,
    /// Only lines that match
    #[arg(long, value_name = "REGEX")]
    pub(crate) grep: Option<String>,
    /// Go on with what is appended
    #[arg(long, conflicts_with = "until")]
    pub(crate) follow: bool,
    /// On a terminal, print what was written unchanged
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
    fn the_command_line_is_consistent() {
        super::CliArgs::command().debug_assert();
    }
}
