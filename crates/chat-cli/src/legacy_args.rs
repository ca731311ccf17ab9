//! The original's spellings, translated before clap sees them: options with one dash and several
//! letters (`-hp`), and long ones with underscores (`--history_path`).

use std::ffi::OsString;

/// What the original spelled, and how `--help` spells it.
const SPELLINGS: [(&str, &str); 12] = [
    ("-host", "--host"),
    ("-hp", "--history-path"),
    ("--history_path", "--history-path"),
    ("-cp", "--credential-path"),
    ("--credential_path", "--credential-path"),
    ("-lh", "--host"),
    ("--listen_host", "--host"),
    ("-lp", "--listen-port"),
    ("--listen_port", "--listen-port"),
    ("-wp", "--write-port"),
    ("--write_port", "--write-port"),
    ("--token_file", "--token-file"),
];

/// Options whose value may look like an option: the word behind them is left alone.
const TAKES_ANY_VALUE: [&str; 6] = ["-m", "--message", "-t", "--token", "-u", "--username"];

/// Rewrites a whole command line. Words behind `--` and values are left as they are.
pub(crate) fn translate(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut out: Vec<OsString> = Vec::new();
    let mut words = words.peekable();
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
        if TAKES_ANY_VALUE.contains(&text) {
            out.push(word);
            out.extend(words.next());
            continue;
        }
        if text == "-l" || text == "--logging" {
            // A flag here; in the original's manner it may have a value behind it.
            let value = words.next_if(|next| next.to_str().is_some_and(is_truth_value));
            let value = value.as_ref().and_then(|value| value.to_str()).unwrap_or("true").to_ascii_lowercase();
            let on = !matches!(value.as_str(), "false" | "0" | "no" | "off");
            out.push(format!("--logging={on}").into());
            continue;
        }
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        out.push(match (SPELLINGS.iter().find(|(old, _)| *old == name), value) {
            (Some((_, new)), None) => (*new).into(),
            (Some((_, new)), Some(value)) => format!("{new}={value}").into(),
            (None, _) => word,
        });
    }
    out
}

fn is_truth_value(word: &str) -> bool {
    matches!(word.to_ascii_lowercase().as_str(), "true" | "false" | "1" | "0" | "yes" | "no" | "on" | "off")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(line: &str) -> String {
        let words = translate(line.split(' ').map(OsString::from));
        words.iter().map(|word| word.to_str().expect("text")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn one_dash_and_underscores_become_the_modern_spelling() {
        assert_eq!(
            translated("chat listen -host h -p 1 -hp f --history_path=g -l True"),
            "chat listen --host h -p 1 --history-path f --history-path=g --logging=true"
        );
        assert_eq!(translated("chat send -cp=c -l"), "chat send --credential-path=c --logging=true");
        assert_eq!(translated("chat -l listen"), "chat --logging=true listen");
        assert_eq!(translated("chat listen -l False"), "chat listen --logging=false");
    }

    #[test]
    fn values_and_what_stands_behind_two_dashes_are_left_alone() {
        assert_eq!(translated("chat send -m -hp -t -cp"), "chat send -m -hp -t -cp");
        assert_eq!(translated("chat history -- -hp"), "chat history -- -hp");
    }
}
