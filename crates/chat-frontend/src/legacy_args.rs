//! The spellings of the original programs, translated before clap parses them: options with one dash and several
//! letters (`-hp`), long options with underscores (`--history_path`), and flags with a value (`-l True`).

use std::ffi::OsString;

use chat_client::display;
use clap::Parser;

/// The options of a program, for translating a command line.
#[derive(Debug, Clone, Copy)]
pub struct Spellings {
    /// The original's option and the modern one.
    pub options: &'static [(&'static str, &'static str)],
    /// Options whose value may look like an option; the word after them stays as it is.
    pub any_value: &'static [&'static str],
    /// Flags that the original lets a truth value follow, and the modern long option.
    pub flags: &'static [(&'static str, &'static str)],
}

impl Spellings {
    /// Rewrites a command line. Values and the words after `--` stay as they are.
    pub fn translate(&self, words: impl Iterator<Item = OsString>) -> Vec<OsString> {
        let mut words = words.peekable();
        // The program's own name is no option, whatever it looks like.
        let mut out: Vec<OsString> = words.next().into_iter().collect();
        while let Some(word) = words.next() {
            let Some(text) = word.to_str() else {
                out.push(word);
                continue;
            };
            if text == "--" {
                out.push(word);
                out.extend(words);
                break;
            }
            if self.any_value.contains(&text) {
                out.push(word);
                out.extend(words.next());
                continue;
            }
            if let Some((_, flag)) = self.flags.iter().find(|(old, _)| *old == text) {
                let value = words.next_if(|next| next.to_str().is_some_and(is_truth_value));
                let value = value.as_ref().and_then(|value| value.to_str()).unwrap_or("true").to_ascii_lowercase();
                let on = !matches!(value.as_str(), "false" | "0" | "no" | "off");
                out.push(format!("{flag}={on}").into());
                continue;
            }
            let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
            let modern = match self.options.iter().find(|(old, _)| *old == name) {
                Some((_, new)) => (*new).to_owned(),
                None if name.starts_with("--") => name.replace('_', "-"),
                None => {
                    out.push(word);
                    continue;
                }
            };
            out.push(match value {
                Some(value) => format!("{modern}={value}").into(),
                None => modern.into(),
            });
        }
        out
    }
}

/// Returns the error that clap has for these words with the control characters in them made visible: clap quotes the
/// arguments as they are, and they may steer the terminal.
pub fn safe_error<P: Parser>(error: &clap::Error, words: &[OsString]) -> clap::Error {
    let clean = words.iter().map(|word| display::clean_for_terminal(&word.to_string_lossy()).into_owned());
    match P::try_parse_from(clean) {
        Err(error) => error,
        Ok(_) if words.iter().any(|word| word.to_str().is_none()) => {
            clap::Error::raw(error.kind(), "an argument is not UTF-8 text\n")
        }
        // The control characters themselves were the fault.
        Ok(_) => clap::Error::raw(error.kind(), "an argument contains control characters\n"),
    }
}

fn is_truth_value(word: &str) -> bool {
    matches!(word.to_ascii_lowercase().as_str(), "true" | "false" | "1" | "0" | "yes" | "no" | "on" | "off")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPELLINGS: Spellings = Spellings {
        options: &[("-host", "--host"), ("-hp", "--history-path"), ("-cp", "--credential-path")],
        any_value: &["-m", "-t"],
        flags: &[("-l", "--logging"), ("--logging", "--logging")],
    };

    fn translated(line: &str) -> String {
        let words = SPELLINGS.translate(line.split(' ').map(OsString::from));
        words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn rewrites_dashes_and_underscores() {
        assert_eq!(
            translated("chat listen -host h -p 1 -hp f --history_path=my_file -l True"),
            "chat listen --host h -p 1 --history-path f --history-path=my_file --logging=true"
        );
        assert_eq!(translated("chat send -cp=c -l"), "chat send --credential-path=c --logging=true");
        assert_eq!(translated("chat -l listen"), "chat --logging=true listen");
        assert_eq!(translated("chat listen -l False"), "chat listen --logging=false");
    }

    #[test]
    fn leaves_values_alone() {
        assert_eq!(translated("chat send -m -hp -t -cp"), "chat send -m -hp -t -cp");
        assert_eq!(translated("chat history -- -hp"), "chat history -- -hp");
        assert_eq!(translated("-hp --nick a_b"), "-hp --nick a_b");
    }
}
