//! The table of keys and actions. The application decides what an action does on its screen.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::line_editor::Edit;

/// The action of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// A character: typed text, or a choice in a list or dialog.
    Type(char),
    Edit(Edit),
    /// Enter.
    Submit,
    NewLine,
    /// Tab, Shift+Tab.
    Next,
    Previous,
    ScrollUp,
    ScrollDown,
    /// A few rows down, or up if negative.
    ScrollBy(i16),
    PageUp,
    PageDown,
    Top,
    Bottom,
    /// Esc.
    Cancel,
    /// Ctrl+C.
    Interrupt,
    /// Ctrl+D.
    EndOrDelete,
    Quit,
    Search,
    /// Ctrl+F: one letter forward, or with an empty input line the search.
    SearchOrForward,
    /// The first unread message, and back.
    Unread,
    PreviousMention,
    NextMention,
    /// The messages in view as plain lines, to copy from.
    BareView,
    /// The mouse on, off.
    Mouse,
    /// Ctrl+X: the next key belongs to it.
    Prefix,
    Help,
    RetryNow,
    /// Choose a message.
    Select,
    RevealToken,
    CopyToken,
    Redraw,
    Suspend,
}

/// The rows that the wheel of a mouse, and Alt with a page key, scroll.
const FEW_ROWS: i16 = 3;

/// Returns the action of a key; `None` for keys without one.
pub(crate) fn action(key: KeyEvent) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.intersects(KeyModifiers::SUPER | KeyModifiers::HYPER | KeyModifiers::META) {
        // A key of the desktop, not of this program.
        return None;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    let shift = key.modifiers.contains(KeyModifiers::SHIFT);
    let edit = |edit| Some(Action::Edit(edit));
    match key.code {
        KeyCode::Enter if alt || shift => Some(Action::NewLine),
        KeyCode::Enter => Some(Action::Submit),
        KeyCode::Tab => Some(Action::Next),
        KeyCode::BackTab => Some(Action::Previous),
        KeyCode::Esc => Some(Action::Cancel),
        KeyCode::Backspace if alt || control => edit(Edit::KillWordBack),
        KeyCode::Backspace => edit(Edit::Backspace),
        KeyCode::Delete if alt || control => edit(Edit::KillWordForward),
        KeyCode::Delete => edit(Edit::Delete),
        KeyCode::Left if alt || control => edit(Edit::WordLeft),
        KeyCode::Left => edit(Edit::Left),
        KeyCode::Right if alt || control => edit(Edit::WordRight),
        KeyCode::Right => edit(Edit::Right),
        KeyCode::Up if control || shift || alt => Some(Action::ScrollUp),
        KeyCode::Down if control || shift || alt => Some(Action::ScrollDown),
        KeyCode::Up => edit(Edit::Up),
        KeyCode::Down => edit(Edit::Down),
        KeyCode::Home if control || alt => Some(Action::Top),
        KeyCode::End if control || alt => Some(Action::Bottom),
        KeyCode::Home => edit(Edit::Home),
        KeyCode::End => edit(Edit::End),
        KeyCode::PageUp if alt => Some(Action::ScrollBy(-FEW_ROWS)),
        KeyCode::PageDown if alt => Some(Action::ScrollBy(FEW_ROWS)),
        KeyCode::PageUp => Some(Action::PageUp),
        KeyCode::PageDown => Some(Action::PageDown),
        KeyCode::F(1) => Some(Action::Help),
        KeyCode::F(2) => Some(Action::RevealToken),
        KeyCode::F(3) => Some(Action::CopyToken),
        KeyCode::F(5) => Some(Action::RetryNow),
        KeyCode::Char(letter) if control => with_control(letter),
        KeyCode::Char(letter) if alt => with_alt(letter),
        KeyCode::Char(letter) => Some(Action::Type(letter)),
        _ => None,
    }
}

fn with_control(letter: char) -> Option<Action> {
    let edit = |edit| Some(Action::Edit(edit));
    match letter.to_ascii_lowercase() {
        'a' => edit(Edit::Home),
        'b' => edit(Edit::Left),
        'c' => Some(Action::Interrupt),
        'd' => Some(Action::EndOrDelete),
        'e' => edit(Edit::End),
        'f' => Some(Action::SearchOrForward),
        'h' => edit(Edit::Backspace),
        'j' => Some(Action::NewLine),
        'k' => edit(Edit::KillToEnd),
        'l' => Some(Action::Redraw),
        'n' => edit(Edit::Down),
        'o' => Some(Action::Select),
        'p' => edit(Edit::Up),
        'q' => Some(Action::Quit),
        'r' | 's' => Some(Action::Search),
        't' => edit(Edit::Transpose),
        'u' => edit(Edit::KillToStart),
        'w' => edit(Edit::KillWordBack),
        'x' => Some(Action::Prefix),
        'y' => edit(Edit::Yank),
        'z' => Some(Action::Suspend),
        // Terminals send Ctrl+_ as one of these.
        '_' | '7' | '/' => edit(Edit::Undo),
        _ => None,
    }
}

fn with_alt(letter: char) -> Option<Action> {
    let edit = |edit| Some(Action::Edit(edit));
    match letter {
        'b' => edit(Edit::WordLeft),
        'f' => edit(Edit::WordRight),
        'd' => edit(Edit::KillWordForward),
        'l' => Some(Action::BareView),
        'm' => Some(Action::Mouse),
        'n' => Some(Action::NextMention),
        'p' => Some(Action::PreviousMention),
        'r' => edit(Edit::KillAll),
        'u' => Some(Action::Unread),
        '<' => Some(Action::Top),
        '>' => Some(Action::Bottom),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Option<Action> {
        action(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn three_keys_type_a_line_break() {
        for (code, modifiers) in [
            (KeyCode::Enter, KeyModifiers::ALT),
            (KeyCode::Enter, KeyModifiers::SHIFT),
            (KeyCode::Char('j'), KeyModifiers::CONTROL),
        ] {
            assert_eq!(key(code, modifiers), Some(Action::NewLine));
        }
        assert_eq!(key(KeyCode::Enter, KeyModifiers::NONE), Some(Action::Submit));
    }

    /// Returns the names of keys in the tables of `docs/tui.md`.
    fn documented() -> Vec<&'static str> {
        let text = include_str!("../../../docs/tui.md");
        let tables = text.split("## Keys").nth(1).and_then(|rest| rest.split("## Commands").next()).unwrap();
        let quoted = tables.split('`').skip(1).step_by(2).filter(|name| !name.starts_with('$'));
        quoted.flat_map(str::split_whitespace).filter(|name| !["Ctrl", "Alt", "Shift"].contains(name)).collect()
    }

    fn parse(name: &str) -> KeyEvent {
        let mut modifiers = KeyModifiers::NONE;
        let mut key = name;
        for (prefix, modifier) in
            [("Ctrl+", KeyModifiers::CONTROL), ("Alt+", KeyModifiers::ALT), ("Shift+", KeyModifiers::SHIFT)]
        {
            if let Some(rest) = key.strip_prefix(prefix) {
                (key, modifiers) = (rest, modifiers | modifier);
            }
        }
        let code = match key {
            "Enter" => KeyCode::Enter,
            "Tab" if modifiers == KeyModifiers::SHIFT => KeyCode::BackTab,
            "Tab" => KeyCode::Tab,
            "Esc" => KeyCode::Esc,
            "Home" => KeyCode::Home,
            "End" => KeyCode::End,
            "PgUp" => KeyCode::PageUp,
            "PgDn" => KeyCode::PageDown,
            "↑" => KeyCode::Up,
            "↓" => KeyCode::Down,
            "←" => KeyCode::Left,
            "→" => KeyCode::Right,
            _ => match key.strip_prefix('F').and_then(|number| number.parse().ok()) {
                Some(number) => KeyCode::F(number),
                None => {
                    let (letter, rest) = key.split_at(key.chars().next().map_or(0, char::len_utf8));
                    assert!(rest.is_empty(), "`{name}` is not a key");
                    KeyCode::Char(letter.chars().next().unwrap().to_ascii_lowercase())
                }
            },
        };
        KeyEvent::new(code, modifiers)
    }

    #[test]
    fn documented_keys_work() {
        let names = documented();
        assert!(names.len() > 50, "{names:?}");
        for name in names {
            assert!(action(parse(name)).is_some(), "{name} has no action");
        }
    }

    #[test]
    fn working_keys_are_documented() {
        let keys: Vec<KeyEvent> = documented().into_iter().map(parse).collect();
        for modifiers in [KeyModifiers::CONTROL, KeyModifiers::ALT] {
            for letter in 'a'..='z' {
                // Ctrl+H is what some terminals send for Backspace.
                let key = KeyEvent::new(KeyCode::Char(letter), modifiers);
                let known = keys.contains(&key) || (letter, modifiers) == ('h', KeyModifiers::CONTROL);
                assert!(action(key).is_none() || known, "{key:?} is not in docs/tui.md");
            }
        }
    }

    #[test]
    fn types_capitals() {
        assert_eq!(key(KeyCode::Char('Я'), KeyModifiers::SHIFT), Some(Action::Type('Я')));
    }
}
