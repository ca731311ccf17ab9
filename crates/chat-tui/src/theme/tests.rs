//! The contrast of every style is computed, on the backgrounds that its palette is for.

use ratatui::style::{Color, Modifier, Style};

use super::detect::luminance;
use super::role::NICK_COLOURS;
use super::*;

fn roles() -> impl Iterator<Item = Role> {
    let others = [
        Role::Text,
        Role::Time,
        Role::Rule,
        Role::OwnNick,
        Role::Mention,
        Role::MentionWord,
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
        Role::StatusAside,
        Role::Trouble,
        Role::Selected,
        Role::Field,
    ];
    (0..NICK_COLOURS).map(Role::Nick).chain(others)
}

fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let of = |colour: [u8; 3]| luminance(colour.map(|part| f64::from(part) / 255.0)) + 0.05;
    let (one, other) = (of(one), of(other));
    one.max(other) / one.min(other)
}

const BLACK: [u8; 3] = [0; 3];
const WHITE: [u8; 3] = [255; 3];
/// Backgrounds of GNOME, old and new, of Solarized and of terminals with a grey one.
const DARK_GROUNDS: [[u8; 3]; 3] = [BLACK, [0x17, 0x14, 0x21], [0x2e, 0x34, 0x36]];
const LIGHT_GROUNDS: [[u8; 3]; 3] = [WHITE, [0xee; 3], [0xfd, 0xf6, 0xe3]];

/// The least contrast that a style may have on its ground: ornaments may be faint, text and signs may not.
fn least(theme: Theme, role: Role, ground: [u8; 3]) -> f64 {
    match role {
        // The drawing is complete without it.
        Role::Rule => 1.5,
        // On the greys between, which are neither dark nor light.
        _ if ground == [0x2e, 0x34, 0x36] => 4.1,
        _ if ground == [0xee; 3] => 4.0,
        _ if ground == [0xfd, 0xf6, 0xe3] => 4.3,
        _ if theme == Theme::Neutral => 4.0,
        _ => 4.5,
    }
}

#[test]
fn every_style_is_legible_on_its_grounds() {
    let grounds =
        [(Theme::Dark, &DARK_GROUNDS[..]), (Theme::Light, &LIGHT_GROUNDS[..]), (Theme::Neutral, &[BLACK, WHITE][..])];
    for (theme, grounds) in grounds {
        for role in roles() {
            let style = theme.style(role);
            let indexed = |colour: Option<Color>| match colour {
                Some(Color::Indexed(index)) => Some(rgb(index)),
                None => None,
                other => panic!("{role:?} has {other:?}, which terminals disagree about"),
            };
            assert!(!style.add_modifier.contains(Modifier::DIM), "{theme:?} {role:?}: a colour is known");
            match (indexed(style.fg), indexed(style.bg)) {
                (None, None) => {}
                (Some(text), Some(ground)) => {
                    let found = contrast(text, ground);
                    assert!(found >= 4.5, "{theme:?} {role:?}: {found:.1}");
                }
                (Some(text), None) => {
                    assert!(!style.add_modifier.contains(Modifier::REVERSED), "{role:?} has an unknown ground");
                    for &ground in grounds {
                        let (found, least) = (contrast(text, ground), least(theme, role, ground));
                        assert!(found >= least, "{theme:?} {role:?} on {ground:02x?}: {found:.2}");
                    }
                }
                (None, Some(_)) => panic!("{role:?} has a ground and no text colour"),
            }
        }
    }
}

#[test]
fn none_has_no_colour() {
    for role in roles() {
        let style = Theme::None.style(role);
        assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
    }
}

/// The colours of a VGA, which the Linux console has.
fn vga(index: u8) -> [u8; 3] {
    let bright = if index & 8 != 0 { 0x55 } else { 0 };
    let part = |bit: u8| if index & bit != 0 { 0xaa + bright } else { bright };
    // A dark yellow would be one.
    if index == 3 { [0xaa, 0x55, 0] } else { [part(1), part(2), part(4)] }
}

/// Returns text and background as the Linux console draws them, which has no attributes but colours: dim is dark grey, an
/// underline is cyan, and bold changes the brightness of the text after it was reversed.
fn on_the_console(style: Style) -> (u8, u8) {
    let has = |modifier| style.add_modifier.contains(modifier);
    let mut text = match style.fg {
        Some(Color::Indexed(index @ 0..=15)) => index,
        None => 7,
        other => panic!("{other:?} is not a colour of the console"),
    };
    if has(Modifier::UNDERLINED) {
        text = 6;
    } else if has(Modifier::DIM) {
        text = 8;
    }
    let (text, ground) = if has(Modifier::REVERSED) { (text & 8, text & 7) } else { (text, 0) };
    (if has(Modifier::BOLD) { text | 8 } else { text }, ground)
}

#[test]
fn basic_is_legible_on_the_console() {
    for role in roles() {
        let (text, ground) = on_the_console(Theme::Basic.style(role));
        let found = contrast(vga(text), vga(ground));
        let least = if role == Role::Rule { 2.5 } else { 4.0 };
        assert!(found >= least, "{role:?}: {found:.2}");
    }
}

fn themed(setting: ThemeSetting, variables: &[(&str, &str)]) -> (Theme, bool) {
    setting.theme(&|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
}

#[test]
fn automatic_theme_follows_the_environment() {
    let auto = |variables: &[(&str, &str)]| themed(ThemeSetting::Auto, variables);
    let many = ("TERM", "xterm-256color");
    assert_eq!(auto(&[many]), (Theme::Neutral, true));
    assert_eq!(auto(&[many, ("COLORFGBG", "15;0")]), (Theme::Dark, true));
    assert_eq!(auto(&[many, ("COLORFGBG", "0;default;15")]), (Theme::Light, true));
    assert_eq!(auto(&[many, ("NO_COLOR", "1")]), (Theme::None, false));
    for term in ["linux", "xterm", "screen", "rxvt"] {
        assert_eq!(auto(&[("TERM", term)]), (Theme::Basic, false), "{term}");
    }
    for term in ["vt100", "vt220", "xterm-mono", "xterm-m", "dumb", ""] {
        assert_eq!(auto(&[("TERM", term)]), (Theme::None, false), "{term}");
    }
    assert_eq!(auto(&[("TERM", "xterm"), ("COLORTERM", "truecolor")]), (Theme::Neutral, true));
}

#[test]
fn old_terminals_ignore_colorterm() {
    for term in ["vt100", "vt220", "xterm-mono", "xterm-256color-m"] {
        let variables = [("TERM", term), ("COLORTERM", "truecolor")];
        assert_eq!(themed(ThemeSetting::Auto, &variables), (Theme::None, false), "{term}");
    }
}

#[test]
fn setting_wins() {
    for (text, theme) in
        [("dark", Theme::Dark), ("light", Theme::Light), ("neutral", Theme::Neutral), ("none", Theme::None)]
    {
        let setting = ThemeSetting::parse(text).unwrap();
        assert_eq!(themed(setting, &[("TERM", "xterm-256color"), ("NO_COLOR", "1")]), (theme, false), "{text}");
    }
    assert_eq!(ThemeSetting::parse("blue"), None);
}

#[test]
fn background_is_read_from_the_answer() {
    for (answer, background) in [
        ("rgb:0000/0000/0000", Background::Dark),
        ("rgb:1717/1414/2121", Background::Dark),
        ("rgb:ffff/ffff/ffff", Background::Light),
        ("rgb:fd/f6/e3", Background::Light),
        ("rgba:0000/2b2b/3636/ffff", Background::Dark),
        ("rgb:f/f/f", Background::Light),
    ] {
        assert_eq!(Background::parse(answer.as_bytes()), Some(background), "{answer}");
    }
    for answer in ["", "rgb:", "rgb:00/00", "rgb:00000/0/0", "#000000", "rgb:gg/00/00"] {
        assert_eq!(Background::parse(answer.as_bytes()), None, "{answer}");
    }
}

#[test]
fn nicknames_keep_their_colours() {
    let used: std::collections::BTreeSet<u8> =
        ["Ann", "Bob", "Eve", "Vlad", "Дан", "静か", "Keen Bob", "Jolly Ann"].map(nick_colour).into();
    assert!(used.len() >= 4, "{used:?}");
}
