//! Which palette fits the terminal: by setting, by what the terminal answers about its background, by the environment.

use super::palette::Theme;

/// The setting `theme`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ThemeSetting {
    /// By the background of the terminal.
    #[default]
    Auto,
    Dark,
    Light,
    Neutral,
    None,
}

/// The background of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Background {
    Dark,
    Light,
}

/// How many colours a terminal has, as far as its environment tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colours {
    None,
    Sixteen,
    Many,
}

impl ThemeSetting {
    /// Parses the value of the setting.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "auto" => Self::Auto,
            "dark" => Self::Dark,
            "light" => Self::Light,
            "neutral" => Self::Neutral,
            "none" => Self::None,
            _ => return None,
        })
    }

    /// Returns the theme before the terminal has answered, and whether its answer matters.
    pub(crate) fn theme(self, variable: &dyn Fn(&str) -> Option<String>) -> (Theme, bool) {
        let fixed = match self {
            Self::Auto if variable("NO_COLOR").is_some() => Theme::None,
            Self::Auto => match colours_of_terminal(variable) {
                Colours::None => Theme::None,
                Colours::Sixteen => Theme::Basic,
                Colours::Many => return (Background::from_environment(variable).into(), true),
            },
            Self::Dark => Theme::Dark,
            Self::Light => Theme::Light,
            Self::Neutral => Theme::Neutral,
            Self::None => Theme::None,
        };
        (fixed, false)
    }
}

impl Background {
    /// Reads the answer to the question about the background: `rgb:ffff/ffff/dddd`, with one to four digits each.
    pub(crate) fn parse(answer: &[u8]) -> Option<Self> {
        let answer = std::str::from_utf8(answer).ok()?;
        let colour = answer.strip_prefix("rgb:").or_else(|| answer.strip_prefix("rgba:"))?;
        let parts: Vec<f64> = colour.split('/').map(channel).collect::<Option<_>>()?;
        let [red, green, blue, ..] = parts[..] else { return None };
        Some(Self::of([red, green, blue]))
    }

    /// Returns what a background of this colour is, each part from 0 to 1: dark where white is more legible on it than
    /// black.
    fn of(colour: [f64; 3]) -> Self {
        /// Where both have the same contrast.
        const MIDDLE: f64 = 0.179;
        if luminance(colour) < MIDDLE { Self::Dark } else { Self::Light }
    }

    /// Reads `COLORFGBG`, which rxvt and some others set: the number of the background is the last part.
    fn from_environment(variable: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let colours = variable("COLORFGBG")?;
        let ground: u8 = colours.rsplit(';').next()?.parse().ok()?;
        Some(if matches!(ground, 0..=6 | 8) { Self::Dark } else { Self::Light })
    }
}

impl From<Option<Background>> for Theme {
    fn from(background: Option<Background>) -> Self {
        match background {
            Some(Background::Dark) => Self::Dark,
            Some(Background::Light) => Self::Light,
            None => Self::Neutral,
        }
    }
}

/// Returns the relative luminance of a colour of sRGB, as WCAG defines it.
pub(super) fn luminance(colour: [f64; 3]) -> f64 {
    let [red, green, blue] =
        colour.map(|part| if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn channel(digits: &str) -> Option<f64> {
    let length = u32::try_from(digits.len()).ok().filter(|length| (1..=4).contains(length))?;
    let most = 16u32.pow(length) - 1;
    Some(f64::from(u32::from_str_radix(digits, 16).ok()?) / f64::from(most))
}

/// Returns how many colours the terminal has.
fn colours_of_terminal(variable: &dyn Fn(&str) -> Option<String>) -> Colours {
    let term = variable("TERM").unwrap_or_default();
    let is_old = ["vt", "ansi", "dumb", "sun", "unknown"].iter().any(|old| term.starts_with(old));
    if term.is_empty() || is_old || term.ends_with("-mono") || term.ends_with("-m") {
        return Colours::None;
    }
    let has_256 = ["256color", "direct", "kitty", "alacritty", "foot", "wezterm", "ghostty"]
        .iter()
        .any(|part| term.contains(part));
    let has_more = variable("COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit");
    if has_256 || has_more { Colours::Many } else { Colours::Sixteen }
}
