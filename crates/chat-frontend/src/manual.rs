//! Manual pages and shell completions, generated from the definition of a command line. What clap does not know about a
//! program (exit codes, files, examples) comes from the program's [`Manual`].

use std::io;

use clap::Command;
use clap_complete::Shell;
use roff::{Roff, bold, roman};

/// The sections of a manual page that the command line does not define.
#[derive(Debug, Clone, Copy)]
pub struct Manual {
    /// EXIT STATUS: exit codes and their meanings.
    pub exit_status: &'static [(&'static str, &'static str)],
    /// ENVIRONMENT: variables and their meanings.
    pub environment: &'static [(&'static str, &'static str)],
    /// FILES: paths and contents.
    pub files: &'static [(&'static str, &'static str)],
    /// EXAMPLES: commands and what they do. The page of a subcommand contains those that begin with it.
    pub examples: &'static [(&'static str, &'static str)],
    /// SEE ALSO: pages, such as `chat-server(1)`.
    pub see_also: &'static [&'static str],
}

/// A manual page: `chat-listen.1` and its source.
#[derive(Debug)]
pub struct Page {
    /// The name of the file: the command with hyphens, and the section of the manual.
    pub file_name: String,
    /// The page as roff.
    pub source: Vec<u8>,
}

/// Returns the pages of a program: one for the program, one for each visible subcommand.
///
/// # Errors
/// None in practice: the pages are written into memory.
pub fn pages(command: Command, manual: &Manual) -> io::Result<Vec<Page>> {
    let mut command = command;
    command.build();
    let name = command.get_name().to_owned();
    let mut pages = Vec::new();
    for subcommand in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        if subcommand.get_name() != "help" {
            pages.push(page(subcommand.clone(), &format!("{name} {}", subcommand.get_name()), manual)?);
        }
    }
    pages.insert(0, page(command, &name, manual)?);
    Ok(pages)
}

/// Returns the completions of a program for a shell.
#[must_use]
pub fn completions(mut command: Command, shell: Shell) -> Vec<u8> {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    script
}

/// Returns the page of one command, whose words are `words`.
fn page(command: Command, words: &str, manual: &Manual) -> io::Result<Page> {
    let title = words.replace(' ', "-");
    let is_program = !words.contains(' ');
    let version = format!("minechat {}", env!("CARGO_PKG_VERSION"));
    let command = command.display_name(title.clone());
    let has_options = command.get_arguments().next().is_some();
    let has_subcommands = command.has_subcommands();
    let man = clap_mangen::Man::new(command).title(title.to_uppercase()).manual("minechat").source(version);

    let mut source = Vec::new();
    man.render_title(&mut source)?;
    man.render_name_section(&mut source)?;
    man.render_synopsis_section(&mut source)?;
    man.render_description_section(&mut source)?;
    if has_options {
        man.render_options_section(&mut source)?;
    }
    if has_subcommands {
        man.render_subcommands_section(&mut source)?;
    }
    let examples: Vec<_> =
        manual.examples.iter().filter(|(example, _)| is_program || example.contains(words)).copied().collect();
    let parent = words.split(' ').next().unwrap_or(words);
    let parent_page = format!("{parent}(1)");
    let see_also: Vec<&str> = if is_program {
        manual.see_also.to_vec()
    } else {
        std::iter::once(&*parent_page).chain(manual.see_also.iter().copied()).collect()
    };

    let mut roff = Roff::new();
    list(&mut roff, "EXIT STATUS", manual.exit_status);
    if is_program {
        list(&mut roff, "ENVIRONMENT", manual.environment);
        list(&mut roff, "FILES", manual.files);
    }
    list(&mut roff, "EXAMPLES", &examples);
    if !see_also.is_empty() {
        roff.control("SH", ["SEE ALSO"]);
        roff.text([roman(see_also.join(", "))]);
    }
    roff.to_writer(&mut source)?;
    Ok(Page { file_name: format!("{title}.1"), source })
}

/// Writes a section with a list of terms and their meanings.
fn list(roff: &mut Roff, heading: &str, items: &[(&str, &str)]) {
    if items.is_empty() {
        return;
    }
    roff.control("SH", [heading]);
    for (term, meaning) in items {
        roff.control("TP", []);
        roff.text([bold(*term)]);
        roff.text([roman(*meaning)]);
    }
}

#[cfg(test)]
mod tests;
