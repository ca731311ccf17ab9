//! The look of roles. Colour never carries a meaning alone: with `NO_COLOR`, or in a terminal without colours, words
//! and marks are the same.

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

/// Returns the colour of a nickname: the same in every run and for every user.
pub(crate) fn nick_colour(nickname: &str) -> u8 {
    let hash = fnv(nickname);
    u8::try_from((hash ^ (hash >> 32)) % u64::from(NICK_COLOURS)).unwrap_or(0)
}

/// FNV-1a: short, and independent of updates of the standard library.
pub(crate) fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// Converts roles to styles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Theme {
    pub(crate) colours: bool,
}

impl Theme {
    pub(crate) fn style(self, role: Role) -> Style {
        let plain = Style::new();
        let style = match role {
            Role::Text => plain,
            Role::Time | Role::Dim => plain.add_modifier(Modifier::DIM),
            Role::Nick(colour) => plain.fg(nick_palette(colour)).add_modifier(Modifier::BOLD),
            Role::OwnNick => plain.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            Role::Mention => plain.fg(Color::Yellow).add_modifier(Modifier::BOLD | Modifier::REVERSED),
            Role::Good => plain.fg(Color::Green),
            Role::Warning => plain.fg(Color::Yellow).add_modifier(Modifier::BOLD),
            Role::Error => plain.fg(Color::Red).add_modifier(Modifier::BOLD),
            Role::Day => plain.fg(Color::Cyan).add_modifier(Modifier::DIM),
            Role::Unread => plain.fg(Color::Red),
            Role::Gap => plain.fg(Color::Magenta).add_modifier(Modifier::BOLD),
            Role::Notice => plain.add_modifier(Modifier::ITALIC),
            Role::Key => plain.add_modifier(Modifier::BOLD),
            Role::Title => plain.add_modifier(Modifier::BOLD),
            Role::Status => plain.add_modifier(Modifier::REVERSED),
            Role::Selected => plain.add_modifier(Modifier::REVERSED),
            Role::Field => plain.add_modifier(Modifier::UNDERLINED),
        };
        if self.colours { style } else { Style { fg: None, bg: None, ..style } }
    }
}

/// Returns a colour that is legible on black and on white.
fn nick_palette(colour: u8) -> Color {
    match colour % NICK_COLOURS {
        0 => Color::Red,
        1 => Color::Green,
        2 => Color::Yellow,
        3 => Color::Blue,
        4 => Color::Magenta,
        5 => Color::Cyan,
        6 => Color::Indexed(166),
        7 => Color::Indexed(31),
        8 => Color::Indexed(133),
        9 => Color::Indexed(64),
        10 => Color::Indexed(137),
        _ => Color::Indexed(68),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nickname_colours_are_stable() {
        assert_eq!(nick_colour("Keen Bob"), nick_colour("Keen Bob"));
        let used: std::collections::BTreeSet<u8> =
            ["Ann", "Bob", "Eve", "Vlad", "Дан", "静か", "Keen Bob", "Jolly Ann"].map(nick_colour).into();
        assert!(used.len() >= 4, "{used:?}");
    }

    #[test]
    fn no_colours_without_colours() {
        let theme = Theme { colours: false };
        for role in [Role::Nick(3), Role::Error, Role::Mention, Role::Unread] {
            let style = theme.style(role);
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }
}
