//! Manual pages and shell completions of all programs, as the packages install them.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use chat_frontend::manual::{self, Manual};
use chat_server::command_line::Arguments as ServerArguments;
use clap::{Command, CommandFactory as _};
use clap_complete::{Generator as _, Shell};

use crate::server_manual;

/// The shells whose completions the packages install.
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

/// The programs: the definition of the command line, and what else the manual says.
fn programs() -> [(Command, Manual); 3] {
    [
        (chat_cli::command(), chat_cli::MANUAL),
        (chat_tui::command(), chat_tui::MANUAL),
        (ServerArguments::command().name("chat-server"), server_manual::MANUAL),
    ]
}

/// Writes `man/*.1` and `completions/*` below a directory.
pub(crate) fn write(directory: &Path) -> Result<()> {
    let (man, completions) = (directory.join("man"), directory.join("completions"));
    for directory in [&man, &completions] {
        fs::create_dir_all(directory).with_context(|| format!("could not create {}", directory.display()))?;
    }
    for (command, sections) in programs() {
        for shell in SHELLS {
            let path = completions.join(shell.file_name(command.get_name()));
            fs::write(&path, manual::completions(command.clone(), shell))
                .with_context(|| format!("could not write {}", path.display()))?;
        }
        for page in manual::pages(command, &sections)? {
            let path = man.join(&page.file_name);
            fs::write(&path, page.source).with_context(|| format!("could not write {}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
