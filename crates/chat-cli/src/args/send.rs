//! The options of `chat send`.

use std::time::Duration;

use chat_frontend::time;
use clap::ValueEnum;

use super::connection::{ConnectArgs, IdentityArgs};

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
    /// Post this text, at most 16 KiB; - reads standard input, as without a text
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
