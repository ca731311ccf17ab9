//! The palettes: a style for each role.
//!
//! The numbers are indices of the 256 colours from 16 on, whose values are fixed; the first sixteen are whatever the user
//! has made of them. No style is "dim" where a colour is known, because terminals draw it from "as text" to "half".

use ratatui::style::{Color, Modifier, Style};

use super::role::Role;

/// The looks of all roles, for one kind of background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    Dark,
    Light,
    /// Legible on black and on white, where the background is not known.
    Neutral,
    /// For terminals with eight or sixteen colours: only names are coloured. Dim text is dark grey on the Linux console,
    /// and so is bold text that is reversed; neither is used.
    Basic,
    /// Attributes only.
    None,
}

/// What differs between the palettes of 256 colours.
struct Palette {
    dim: u8,
    rule: u8,
    names: [u8; 12],
    bad: u8,
    good: u8,
    warning: u8,
    gap: u8,
    day: u8,
    /// Text, secondary text and background of the status line; `None` reverses the colours of the terminal.
    bar: Option<(u8, u8, u8)>,
    /// Text and background of what is selected; `None` reverses.
    selected: Option<(u8, u8)>,
}

const DARK: Palette = Palette {
    dim: 246,
    rule: 240,
    names: [174, 173, 179, 143, 107, 72, 73, 110, 147, 140, 175, 180],
    bad: 203,
    good: 114,
    warning: 221,
    gap: 215,
    day: 110,
    bar: Some((252, 248, 236)),
    selected: Some((16, 110)),
};

const LIGHT: Palette = Palette {
    dim: 242,
    rule: 250,
    names: [124, 94, 58, 22, 23, 24, 25, 61, 54, 90, 125, 130],
    bad: 124,
    good: 22,
    warning: 94,
    gap: 94,
    day: 25,
    bar: Some((236, 240, 254)),
    selected: Some((231, 25)),
};

const NEUTRAL: Palette = Palette {
    dim: 243,
    rule: 243,
    names: [28, 29, 30, 63, 64, 98, 130, 131, 132, 162, 163, 97],
    bad: 161,
    good: 28,
    warning: 130,
    gap: 130,
    day: 243,
    bar: None,
    selected: None,
};

/// Black on yellow, the same in each palette: a mention, and the status line in trouble.
const LOUD: (u8, u8) = (16, 221);

/// The bright colours of terminals with sixteen.
const BASIC_NAMES: [Color; 6] = [
    Color::Indexed(9),
    Color::Indexed(10),
    Color::Indexed(11),
    Color::Indexed(12),
    Color::Indexed(13),
    Color::Indexed(14),
];

impl Theme {
    pub(crate) fn style(self, role: Role) -> Style {
        match (self, role) {
            (Self::Dark, _) => DARK.style(role),
            (Self::Light, _) => LIGHT.style(role),
            (Self::Neutral, _) => NEUTRAL.style(role),
            (Self::Basic, Role::Nick(number)) => {
                let colour = BASIC_NAMES[usize::from(number) % BASIC_NAMES.len()];
                Style::new().fg(colour).add_modifier(Modifier::BOLD)
            }
            (Self::Basic, Role::Time | Role::Dim | Role::Notice | Role::Day) => Style::new(),
            (Self::Basic, Role::Mention) => Style::new().reversed(),
            (Self::Basic, Role::Trouble) => Style::new().reversed().underlined(),
            (Self::Basic | Self::None, _) => attributes(role),
        }
    }
}

impl Palette {
    fn style(&self, role: Role) -> Style {
        let colour = |index| Style::new().fg(Color::Indexed(index));
        let pair = |(text, ground)| colour(text).bg(Color::Indexed(ground));
        match role {
            Role::Time | Role::Dim | Role::Notice => colour(self.dim),
            Role::Rule => colour(self.rule),
            Role::Nick(number) => colour(self.names[usize::from(number) % self.names.len()]).bold(),
            Role::OwnNick => Style::new().bold(),
            Role::Mention | Role::Trouble => pair(LOUD).bold(),
            Role::Error | Role::Unread => colour(self.bad).bold(),
            Role::Good => colour(self.good),
            Role::Warning => colour(self.warning).bold(),
            Role::Gap => colour(self.gap),
            Role::Day => colour(self.day),
            Role::Status => self.bar.map_or(attributes(role), |(text, _, ground)| pair((text, ground))),
            Role::StatusAside => self.bar.map_or(attributes(role), |(_, aside, ground)| pair((aside, ground))),
            Role::Selected => self.selected.map_or(attributes(role), pair),
            Role::Text | Role::MentionWord | Role::Key | Role::Title | Role::Field => attributes(role),
        }
    }
}

/// Returns the style of a role without colours.
fn attributes(role: Role) -> Style {
    let with = |modifier| Style::new().add_modifier(modifier);
    match role {
        Role::Text | Role::Good => Style::new(),
        Role::Time | Role::Dim | Role::Notice | Role::Rule | Role::Day => with(Modifier::DIM),
        Role::OwnNick => with(Modifier::BOLD | Modifier::UNDERLINED),
        Role::Mention | Role::Trouble => with(Modifier::BOLD | Modifier::REVERSED),
        Role::Nick(_)
        | Role::MentionWord
        | Role::Warning
        | Role::Error
        | Role::Unread
        | Role::Gap
        | Role::Key
        | Role::Title => with(Modifier::BOLD),
        Role::Status | Role::StatusAside | Role::Selected => with(Modifier::REVERSED),
        Role::Field => with(Modifier::UNDERLINED),
    }
}

/// The fixed colours of xterm: a cube and a ramp of greys.
#[cfg(test)]
pub(crate) fn rgb(index: u8) -> [u8; 3] {
    let level = |step: u8| if step == 0 { 0 } else { step * 40 + 55 };
    match index {
        16..=231 => [level((index - 16) / 36), level((index - 16) / 6 % 6), level((index - 16) % 6)],
        232.. => [(index - 232) * 10 + 8; 3],
        _ => panic!("{index} is a colour that the user defines"),
    }
}
