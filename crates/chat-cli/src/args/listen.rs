//! The options of `chat listen`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use chat_frontend::time;

use super::connection::ConnectArgs;

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
