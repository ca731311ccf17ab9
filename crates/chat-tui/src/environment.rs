//! What the terminal, and tmux or screen before it, can do.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::drawing::Glyphs;
use crate::theme::{Theme, ThemeSetting};

/// How long tmux may take to answer: the screen waits for it.
const TMUX_TIMEOUT: Duration = Duration::from_millis(300);

/// The terminal as the environment describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Environment {
    pub(crate) theme: Theme,
    pub(crate) glyphs: Glyphs,
    /// It answers questions, or ignores those that it does not know.
    pub(crate) answers: bool,
    /// Its background decides about the theme.
    pub(crate) follows_background: bool,
    /// It ignores links that it does not know.
    pub(crate) links: bool,
    pub(crate) multiplexer: Multiplexer,
}

/// A program between this one and the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Multiplexer {
    None,
    Tmux {
        /// It passes on what is wrapped.
        passthrough: bool,
        /// It takes the clipboard from programs.
        clipboard: bool,
    },
    Screen,
}

impl Environment {
    /// Reads the environment, and asks tmux where it runs.
    pub(crate) fn detect(theme: ThemeSetting) -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self::of(theme, &variable, &tmux_option)
    }

    fn of(
        theme: ThemeSetting,
        variable: &dyn Fn(&str) -> Option<String>,
        tmux: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let term = variable("TERM").unwrap_or_default();
        let multiplexer = if variable("TMUX").is_some() {
            let is = |option: &str, wanted: &[&str]| tmux(option).is_some_and(|value| wanted.contains(&value.as_str()));
            Multiplexer::Tmux {
                passthrough: is("allow-passthrough", &["on", "all"]),
                clipboard: is("set-clipboard", &["on"]),
            }
        } else if variable("STY").is_some() {
            Multiplexer::Screen
        } else {
            Multiplexer::None
        };
        // The Linux console and old hardware print what they do not know.
        let links = !["linux", "vt", "ansi", "sun", "screen"].iter().any(|old| term.starts_with(old));
        // These have no signs beyond the characters of their time.
        let has_signs = !["linux", "vt", "ansi", "sun", "cons"].iter().any(|old| term.starts_with(old));
        let glyphs = if has_signs { Glyphs::Unicode } else { Glyphs::Ascii };
        let (theme, follows_background) = theme.theme(variable);
        Self { theme, glyphs, answers: has_signs, follows_background, links, multiplexer }
    }
}

impl Multiplexer {
    /// Wraps a sequence for the terminal behind the multiplexer; `None` where it does not get through.
    pub(crate) fn wrap(self, sequence: &str) -> Option<String> {
        match self {
            Self::None => Some(sequence.to_owned()),
            Self::Tmux { passthrough: true, .. } => {
                Some(format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b")))
            }
            Self::Tmux { passthrough: false, .. } => None,
            Self::Screen => Some(format!("\x1bP{sequence}\x1b\\")),
        }
    }
}

fn tmux_option(option: &str) -> Option<String> {
    let mut command = Command::new("tmux");
    command.args(["show-options", "-gAqv", option]);
    let answer = ask(command, "", TMUX_TIMEOUT)?;
    Some(answer.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Puts a text into the buffer of tmux. `false` where tmux did not take it.
pub(crate) fn load_tmux_buffer(text: &str) -> bool {
    let mut command = Command::new("tmux");
    command.args(["load-buffer", "-"]);
    ask(command, text, TMUX_TIMEOUT).is_some()
}

/// Returns the output of a program; `None` if it fails, or does not end its output in time. It is ended then.
fn ask(mut command: Command, input: &str, timeout: Duration) -> Option<String> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let (mut stdin, mut stdout) = (child.stdin.take()?, child.stdout.take()?);
    let input = input.to_owned();
    let (sender, output) = mpsc::channel();
    // In a thread of its own, which a program that hangs cannot hold up longer than it holds its pipes.
    std::thread::spawn(move || {
        // A program that reads nothing may have what it needs.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let mut text = String::new();
        let read = stdout.read_to_string(&mut text);
        // An error means that the caller has stopped waiting.
        let _ = sender.send(read.map(|_| text));
    });
    let answer = output.recv_timeout(timeout);
    if answer.is_err() {
        // An error means that it has ended.
        let _ = child.kill();
    }
    let succeeded = child.wait().is_ok_and(|status| status.success());
    answer.ok()?.ok().filter(|_| succeeded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)], options: &[(&str, &str)]) -> Environment {
        let find = |list: &[(&str, &str)], name: &str| {
            list.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        Environment::of(ThemeSetting::Auto, &|name| find(variables, name), &|name| find(options, name))
    }

    #[test]
    fn tmux_is_asked() {
        let tmux = [("TMUX", "/tmp/tmux"), ("TERM", "tmux-256color")];
        let with = of(&tmux, &[("allow-passthrough", "on"), ("set-clipboard", "external")]).multiplexer;
        assert_eq!(with, Multiplexer::Tmux { passthrough: true, clipboard: false });
        assert_eq!(with.wrap("\x1b]9;hi\x07").unwrap(), "\x1bPtmux;\x1b\x1b]9;hi\x07\x1b\\");
        let without = of(&tmux, &[("allow-passthrough", "off"), ("set-clipboard", "on")]).multiplexer;
        assert_eq!(without, Multiplexer::Tmux { passthrough: false, clipboard: true });
        assert_eq!(without.wrap("\x1b]9;hi\x07"), None);
        assert_eq!(of(&[("TERM", "xterm")], &[]).multiplexer.wrap("x").unwrap(), "x");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_hangs_is_ended() {
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        assert_eq!(ask(shell("exec sleep 600"), "", Duration::ZERO), None);
        let patient = Duration::from_secs(20);
        assert_eq!(ask(shell("tr a b"), "a", patient).unwrap(), "b");
        assert_eq!(ask(shell("echo no; exit 1"), "", patient), None);
        assert_eq!(ask(Command::new("/nonexistent"), "", patient), None);
    }

    #[test]
    fn old_terminals_are_not_asked() {
        for term in ["linux", "vt100", "vt220", "ansi", "cons25"] {
            let old = of(&[("TERM", term)], &[]);
            assert_eq!((old.answers, old.glyphs), (false, Glyphs::Ascii), "{term}");
        }
        for term in ["xterm-256color", "screen", "tmux-256color", "foot"] {
            let new = of(&[("TERM", term)], &[]);
            assert_eq!((new.answers, new.glyphs), (true, Glyphs::Unicode), "{term}");
        }
    }

    #[test]
    fn old_terminals_get_no_links() {
        assert!(of(&[("TERM", "xterm-256color")], &[]).links);
        assert!(!of(&[("TERM", "linux")], &[]).links && !of(&[("TERM", "vt100")], &[]).links);
    }
}
