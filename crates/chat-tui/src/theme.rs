//! How roles look. Colour never carries a meaning alone: without colours the words and marks are the same.

use ratatui::style::{Color, Modifier, Style};

/// The role of a piece of text, which determines its look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Text,
    Time,
    /// A nickname; the number picks its colour.
    Nick(u8),
    OwnNick,
    Mention,
    /// Marks and secondary text.
    Dim,
    Good,
    Warning,
    Error,
    Day,
    Unread,
    Gap,
    Notice,
    Key,
    Title,
    Status,
    Selected,
    Field,
}

/// The number of colours for nicknames.
pub(crate) const NICK_COLOURS: u8 = 12;

/// Returns the colour of a nickname, which is the same in every run and for all users.
pub(crate) fn nick_colour(nickname: &str) -> u8 {
    let hash = fnv(nickname);
    u8::try_from((hash ^ (hash >> 32)) % u64::from(NICK_COLOURS)).unwrap_or(0)
}

/// FNV-1a: short, and independent of updates of the standard library.
pub(crate) fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// Turns roles into styles. A style names both of its colours or only a foreground that is legible on black and on
/// white, because the background of the terminal is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    /// Attributes only.
    Mono,
    /// The fixed colours of the 256. The basic sixteen are whatever the user has made of them.
    Full,
}

impl Theme {
    /// Returns the theme for this environment.
    pub(crate) fn of(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let term = variable("TERM").unwrap_or_default();
        let has_256 = ["256color", "direct", "kitty", "alacritty", "foot", "wezterm", "ghostty"]
            .iter()
            .any(|part| term.contains(part));
        let has_more = variable("COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit");
        let is_old = term.starts_with("vt") || term.ends_with("-mono") || term.ends_with("-m");
        match variable("NO_COLOR") {
            None if (has_256 || has_more) && !is_old => Self::Full,
            _ => Self::Mono,
        }
    }

    pub(crate) fn style(self, role: Role) -> Style {
        match self {
            Self::Full => full(role),
            Self::Mono => mono(role),
        }
    }
}

fn full(role: Role) -> Style {
    let plain = Style::new();
    let colour = |index| plain.fg(Color::Indexed(index));
    match role {
        Role::Time | Role::Dim | Role::Day => colour(243),
        Role::Nick(number) => {
            let index = NICK_PALETTE[usize::from(number) % NICK_PALETTE.len()];
            colour(index).add_modifier(Modifier::BOLD)
        }
        Role::Mention => plain.fg(Color::Indexed(16)).bg(Color::Indexed(221)).add_modifier(Modifier::BOLD),
        Role::Good => colour(28),
        Role::Warning | Role::Gap => colour(130).add_modifier(Modifier::BOLD),
        Role::Error | Role::Unread => colour(161).add_modifier(Modifier::BOLD),
        _ => mono(role),
    }
}

fn mono(role: Role) -> Style {
    let with = |modifier| Style::new().add_modifier(modifier);
    match role {
        Role::Text | Role::Good => Style::new(),
        Role::Time | Role::Dim | Role::Day => with(Modifier::DIM),
        Role::OwnNick => with(Modifier::BOLD | Modifier::UNDERLINED),
        Role::Mention => with(Modifier::BOLD | Modifier::REVERSED),
        Role::Nick(_) | Role::Warning | Role::Error | Role::Unread | Role::Gap | Role::Key | Role::Title => {
            with(Modifier::BOLD)
        }
        Role::Notice => with(Modifier::ITALIC),
        Role::Status | Role::Selected => with(Modifier::REVERSED),
        Role::Field => with(Modifier::UNDERLINED),
    }
}

/// The colours of nicknames.
const NICK_PALETTE: [u8; 12] = [28, 29, 30, 63, 64, 98, 130, 131, 132, 162, 163, 97];

#[cfg(test)]
mod tests {
    use super::*;

    fn roles() -> impl Iterator<Item = Role> {
        let others = [
            Role::Text,
            Role::Time,
            Role::OwnNick,
            Role::Mention,
            Role::Dim,
            Role::Good,
            Role::Warning,
            Role::Error,
            Role::Day,
            Role::Unread,
            Role::Gap,
            Role::Notice,
            Role::Key,
            Role::Title,
            Role::Status,
            Role::Selected,
            Role::Field,
        ];
        (0..NICK_COLOURS).map(Role::Nick).chain(others)
    }

    /// The fixed colours of xterm: a cube and a ramp of greys.
    fn rgb(index: u8) -> [f64; 3] {
        let level = |step: u8| if step == 0 { 0.0 } else { f64::from(step) * 40.0 + 55.0 };
        match index {
            16..=231 => [level((index - 16) / 36), level((index - 16) / 6 % 6), level((index - 16) % 6)],
            232.. => [f64::from(index - 232) * 10.0 + 8.0; 3],
            _ => panic!("{index} is a colour that the user defines"),
        }
    }

    fn luminance(rgb: [f64; 3]) -> f64 {
        let [r, g, b] = rgb.map(|value| {
            let value = value / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn styles_are_legible_on_black_and_white() {
        for role in roles() {
            let style = Theme::Full.style(role);
            let indexed = |colour: Option<Color>| match colour {
                Some(Color::Indexed(index)) => Some(rgb(index)),
                None => None,
                other => panic!("{role:?} has {other:?}, which terminals disagree about"),
            };
            match (indexed(style.fg), indexed(style.bg)) {
                (None, None) => {}
                (Some(text), Some(ground)) => assert!(contrast(text, ground) >= 4.5, "{role:?}"),
                (Some(text), None) => {
                    assert!(
                        !style.add_modifier.contains(Modifier::REVERSED),
                        "{role:?} has a ground that is not known"
                    );
                    for ground in [[0.0; 3], [255.0; 3]] {
                        let found = contrast(text, ground);
                        assert!(found >= 4.0, "{role:?} on {ground:?}: {found:.1}");
                    }
                }
                (None, Some(_)) => panic!("{role:?} has a ground and no text colour"),
            }
        }
    }

    #[test]
    fn mono_has_no_colour() {
        for role in roles() {
            let style = Theme::Mono.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
        }
    }

    #[test]
    fn old_terminals_get_no_colours() {
        let of = |variables: &[(&str, &str)]| {
            Theme::of(&|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(of(&[("TERM", "xterm-256color")]), Theme::Full);
        assert_eq!(of(&[("TERM", "xterm"), ("COLORTERM", "truecolor")]), Theme::Full);
        assert_eq!(of(&[("TERM", "xterm-256color"), ("NO_COLOR", "1")]), Theme::Mono);
        for term in ["vt100", "vt220", "linux", "xterm-mono", "xterm-m", "xterm", ""] {
            assert_eq!(of(&[("TERM", term)]), Theme::Mono, "{term}");
        }
    }

    #[test]
    fn nicknames_keep_their_colours() {
        let used: std::collections::BTreeSet<u8> =
            ["Ann", "Bob", "Eve", "Vlad", "Дан", "静か", "Keen Bob", "Jolly Ann"].map(nick_colour).into();
        assert!(used.len() >= 4, "{used:?}");
    }
}
