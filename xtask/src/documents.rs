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

/// What a document is, which decides where a package installs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A page of section 1.
    Page,
    /// Completions of a shell.
    Completions(Shell),
}

/// A generated document.
#[derive(Debug)]
pub(crate) struct Document {
    /// The program that it documents.
    pub(crate) program: String,
    pub(crate) kind: Kind,
    /// The name under which a package installs it.
    pub(crate) file_name: String,
    pub(crate) content: Vec<u8>,
}

/// The programs: the definition of the command line, and what else the manual says.
fn programs() -> [(Command, Manual); 4] {
    [
        (chat_cli::command(), chat_cli::MANUAL),
        (chat_tui::command(), chat_tui::MANUAL),
        (chat_web::command(), chat_web::MANUAL),
        (ServerArguments::command().name("chat-server"), server_manual::MANUAL),
    ]
}

/// Returns the documents of all programs.
pub(crate) fn all() -> Result<Vec<Document>> {
    let mut documents = Vec::new();
    for (command, sections) in programs() {
        let program = command.get_name().to_owned();
        for shell in SHELLS {
            let file_name = match shell {
                Shell::Bash => program.clone(),
                _ => shell.file_name(&program),
            };
            let content = manual::completions(command.clone(), shell);
            documents.push(Document { program: program.clone(), kind: Kind::Completions(shell), file_name, content });
        }
        for page in manual::pages(command, &sections)? {
            let (file_name, content) = (page.file_name, page.source);
            documents.push(Document { program: program.clone(), kind: Kind::Page, file_name, content });
        }
    }
    Ok(documents)
}

/// Writes `man/*.1` and `completions/*` below a directory.
pub(crate) fn write(directory: &Path) -> Result<()> {
    for document in all()? {
        let path = directory.join(match document.kind {
            Kind::Page => format!("man/{}", document.file_name),
            Kind::Completions(shell) => format!("completions/{}", shell.file_name(&document.program)),
        });
        let parent = path.parent().context("a document has a directory")?;
        fs::create_dir_all(parent).with_context(|| format!("could not create {}", parent.display()))?;
        fs::write(&path, document.content).with_context(|| format!("could not write {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
