//! What the terminal, and tmux or screen before it, can do.

use std::process::{Command, Stdio};

use crate::theme::{Theme, ThemeSetting};

/// The terminal as the environment describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Environment {
    pub(crate) theme: Theme,
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
    pub(crate) fn detect() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self::of(&variable, &tmux_option)
    }

    /// Without a screen nothing is needed.
    pub(crate) fn plain() -> Self {
        Self { theme: Theme::None, links: false, multiplexer: Multiplexer::None }
    }

    fn of(variable: &dyn Fn(&str) -> Option<String>, tmux: &dyn Fn(&str) -> Option<String>) -> Self {
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
        let setting = variable("CHAT_THEME").and_then(|name| ThemeSetting::parse(&name)).unwrap_or_default();
        Self { theme: setting.theme(variable).0, links, multiplexer }
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
    command.args(["show-options", "-gAqv", option]).stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Puts a text into the buffer of tmux. `false` where tmux did not take it.
pub(crate) fn load_tmux_buffer(text: &str) -> bool {
    use std::io::Write;

    let mut command = Command::new("tmux");
    command.args(["load-buffer", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else { return false };
    let written = child.stdin.take().is_some_and(|mut input| input.write_all(text.as_bytes()).is_ok());
    child.wait().is_ok_and(|status| status.success()) && written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)], options: &[(&str, &str)]) -> Environment {
        let find = |list: &[(&str, &str)], name: &str| {
            list.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        Environment::of(&|name| find(variables, name), &|name| find(options, name))
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

    #[test]
    fn old_terminals_get_no_links() {
        assert!(of(&[("TERM", "xterm-256color")], &[]).links);
        assert!(!of(&[("TERM", "linux")], &[]).links && !of(&[("TERM", "vt100")], &[]).links);
    }
}
