//! `chat completions` and `chat man`, generated from the definition of the command line.

use chat_frontend::Exit;
use clap::CommandFactory as _;

use crate::args::CliArgs;
use crate::error::CliError;
use crate::output;

pub(super) fn completions(shell: clap_complete::Shell) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut CliArgs::command(), "chat", &mut script);
    output::print(&script).map(|_| Exit::Done)
}

pub(super) fn manual(command: Option<&str>) -> Result<Exit, CliError> {
    let mut chat = CliArgs::command();
    chat.build();
    let page = match command {
        None => chat,
        Some(name) => {
            let found = chat.find_subcommand(name).cloned();
            let found = found.ok_or_else(|| CliError::Usage(format!("there is no command {name:?}").into()))?;
            let title: &'static str = Box::leak(format!("chat-{name}").into_boxed_str());
            found.name(title)
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text).map_err(CliError::Output)?;
    output::print(&text).map(|_| Exit::Done)
}
