//! Options that are described to clap only for the commands that the command line names.

use std::cell::RefCell;
use std::ffi::OsString;

use clap::error::Error;
use clap::{ArgMatches, Args, Command, FromArgMatches, Id, Parser};

thread_local! {
    /// The words of the command line while it is parsed; `None` describes every command.
    static WORDS: RefCell<Option<Vec<OsString>>> = const { RefCell::new(None) };
}

/// The options of a command.
#[derive(Debug)]
pub(crate) struct Named<T>(pub(crate) T);

/// Parses a command line. To describe the options of all commands takes as long as everything else that happens before the
/// first connection, so at first clap knows only those of commands that the line names.
///
/// # Errors
/// What clap finds with all of them described: it suggests options of other commands.
pub(crate) fn parse<P: Parser>(words: &[OsString]) -> Result<P, Error> {
    WORDS.replace(Some(words.to_vec()));
    let parsed = P::try_parse_from(words);
    WORDS.replace(None);
    parsed.or_else(|_| P::try_parse_from(words))
}

/// Returns whether the options of a command are described: a word of the command line is its name, even if the word is
/// something else there.
fn is_described(command: &Command) -> bool {
    WORDS.with_borrow(|words| words.as_ref().is_none_or(|words| words.iter().any(|word| word == command.get_name())))
}

impl<T: Args> Args for Named<T> {
    fn group_id() -> Option<Id> {
        T::group_id()
    }

    fn augment_args(command: Command) -> Command {
        if is_described(&command) { T::augment_args(command) } else { command }
    }

    fn augment_args_for_update(command: Command) -> Command {
        T::augment_args_for_update(command)
    }
}

impl<T: FromArgMatches> FromArgMatches for Named<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches_mut(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::args::CliArgs;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    /// Without this all of it would be slow, and nothing else would show it.
    #[test]
    fn describes_only_what_is_named() {
        WORDS.replace(Some(words("chat send x")));
        let command = CliArgs::command();
        WORDS.replace(None);
        let options = |name: &str| command.find_subcommand(name).map(|command| command.get_arguments().count());
        assert_eq!(options("listen"), Some(0));
        assert!(options("send") > Some(10));
        assert!(CliArgs::command().find_subcommand("listen").map(|command| command.get_arguments().count()) > Some(10));
    }

    #[test]
    fn parses_as_with_all_of_them() {
        for line in [
            "chat send -m x --timeout 1s",
            "chat --json listen --count 3",
            "chat --profile send listen --count 3",
            "chat listen --last 3 --json",
            "chat accounts add --token-file f",
            "chat accounts --credential-path f remove x",
            "chat accounts",
            "chat history --last 2",
            "chat man send",
            "chat whoami --port 3",
            "chat --last 3",
            "chat --grep x send",
            "chat send --lsat 3",
            "chat sen",
            "chat",
            "chat --help",
            "chat listen -h",
            "chat help accounts add",
            "chat --version",
        ] {
            let words = words(line);
            let all = CliArgs::try_parse_from(&words);
            let quick = parse::<CliArgs>(&words);
            assert_eq!(format!("{quick:?}"), format!("{all:?}"), "{line}");
        }
    }
}
