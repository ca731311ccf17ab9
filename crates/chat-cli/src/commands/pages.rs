//! `chat completions` and `chat man`, generated from the definition of the command line.

use chat_frontend::{Exit, manual};
use clap::CommandFactory as _;

use crate::args::CliArgs;
use crate::error::CliError;
use crate::manual::MANUAL;
use crate::output;

pub(super) fn completions(shell: clap_complete::Shell) -> Result<Exit, CliError> {
    output::print(&manual::completions(CliArgs::command(), shell)).map(|_| Exit::Done)
}

pub(super) fn manual(command: Option<&str>) -> Result<Exit, CliError> {
    let file_name = command.map_or_else(|| "chat.1".to_owned(), |name| format!("chat-{name}.1"));
    let pages = manual::pages(CliArgs::command(), &MANUAL).map_err(CliError::Output)?;
    let page = pages
        .iter()
        .find(|page| page.file_name == file_name)
        .ok_or_else(|| CliError::Usage(format!("there is no command {:?}", command.unwrap_or_default()).into()))?;
    output::print(&page.source).map(|_| Exit::Done)
}
