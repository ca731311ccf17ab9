//! The command line, as `--help` shows it. The spellings of the original are translated before.

mod connection;
mod listen;
mod named;
mod send;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub(crate) use self::connection::{ConnectArgs, IdentityArgs};
pub(crate) use self::listen::ListenArgs;
pub(crate) use self::named::{Named, parse};
pub(crate) use self::send::{Confirm, SendArgs};

/// A line chat for scripts: receive messages, post them, search the history.
#[derive(Debug, Parser)]
#[command(name = "chat", version, about, propagate_version = true)]
pub(crate) struct CliArgs {
    #[command(flatten)]
    pub(crate) common: CommonArgs,
    #[command(subcommand)]
    pub(crate) command: CliCommand,
}

/// Options of every command. The help of a command shows its own first.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of every command")]
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
    Listen(Named<ListenArgs>),
    /// Post one message, or each line of standard input
    Send(Named<SendArgs>),
    /// Create an account and save it
    Register(Named<RegisterArgs>),
    /// List the saved accounts, add or remove one
    Accounts(Named<AccountsArgs>),
    /// Read a history file
    History(Named<HistoryArgs>),
    /// Check both ports, of every node, and report problems
    Ping(Named<PingArgs>),
    /// Log in, and print the nickname of the account
    Whoami(Named<PingArgs>),
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

#[derive(Debug, clap::Args)]
pub(crate) struct RegisterArgs {
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    /// Requested nickname, up to 40 characters; the server may put a word before it
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
    /// Save the account of a token; a token that it had in this room is replaced
    Add(AddAccountArgs),
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
pub(crate) struct AddAccountArgs {
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    /// Read the token from this file; - is standard input
    #[arg(long, value_name = "F", help_heading = "Account")]
    pub(crate) token_file: PathBuf,
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
