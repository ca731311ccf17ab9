//! What the full screen sends to a terminal and to tmux, beyond what it draws.
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use support::room::Room;
use support::terminal::{Terminal, run_raw};

#[cfg(debug_assertions)]
#[test]
fn wheel_mode_is_off_and_restored() {
    let (room, home) = (Room::open(), tempfile::tempdir().unwrap());
    let mut arguments = room.arguments();
    arguments.push("--panic-after-start".into());
    let (_, bytes) = run_raw(home.path(), &arguments);
    let place = |sequence| bytes.find(sequence).unwrap_or_else(|| panic!("no {sequence:?} in {bytes:?}"));
    let [saved, off, restored] = ["\x1b[?1007s", "\x1b[?1007l", "\x1b[?1007r"].map(place);
    assert!(saved < off && off < restored, "{bytes:?}");
}

#[test]
fn size_of_zero_is_replaced() {
    let (room, home) = (Room::open(), tempfile::tempdir().unwrap());
    let mut terminal = Terminal::start(home.path(), &room.arguments(), 80, 24);
    terminal.wait_for("Choose a nickname");
    terminal.forget_size();
    terminal.keys("Robert");
    terminal.wait_for("Robert");
}

/// Returns what a terminal with only one screen shows after these bytes, as GNU screen: the screen, and where the
/// cursor is.
fn on_one_screen(bytes: &str) -> (String, (u16, u16)) {
    let mut parser = vt100::Parser::new(24, 80, 0);
    parser.process(bytes.replace("\x1b[?1049h", "").replace("\x1b[?1049l", "").as_bytes());
    (parser.screen().contents(), parser.screen().cursor_position())
}

#[test]
fn nothing_follows_the_drawing_in_its_row() {
    let (room, home) = (Room::open(), tempfile::tempdir().unwrap());
    let mut terminal = Terminal::start(home.path(), &room.arguments(), 80, 24);
    terminal.wait_for("Choose a nickname");
    terminal.keys("Bob\r");
    terminal.wait_for("Token: ");
    terminal.keys("\r");
    terminal.wait_for("online");
    terminal.keys("a draft");
    terminal.wait_for("> a draft");
    terminal.keys("\x1bl");
    terminal.wait_for("-- ");
    let (screen, _) = on_one_screen(&terminal.bytes());
    assert!(screen.lines().any(|line| line.trim_end() == "> a draft"), "{screen}");
    terminal.keys(" ");
    terminal.wait_for("> a draft");
    terminal.keys("\x11");
    terminal.wait_exit();
    let (screen, cursor) = on_one_screen(&terminal.bytes());
    assert!(screen.contains("> a draft"), "{screen}");
    assert_eq!(cursor, (23, 0), "the prompt of the shell is below: {screen}");
}

/// Writes a `tmux` that answers with these options and takes a buffer or not. Returns the variables that select it.
fn tmux(home: &Path, passthrough: &str, takes_buffer: bool) -> [(&'static str, String); 2] {
    let bin = home.join("bin");
    std::fs::create_dir(&bin).unwrap();
    let code = u8::from(!takes_buffer);
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in\n*allow-passthrough*) echo {passthrough} ;;\n*set-clipboard*) echo external ;;\n\
         load-buffer*) cat > /dev/null; exit {code} ;;\nesac\n"
    );
    std::fs::write(bin.join("tmux"), script).unwrap();
    std::fs::set_permissions(bin.join("tmux"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    [("TMUX", "/nonexistent,1,0".to_owned()), ("PATH", path)]
}

/// Registers in a tmux of this kind, and copies the token.
fn copy_in_tmux(room: &Room, home: &Path, passthrough: &str, takes_buffer: bool) -> Terminal {
    let variables = tmux(home, passthrough, takes_buffer);
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut terminal = Terminal::start_with(home, &room.arguments(), &variables);
    terminal.wait_for("Choose a nickname");
    terminal.keys("Bob\r");
    terminal.wait_for("Token: ");
    terminal.keys("\x1bOR");
    terminal
}

#[test]
fn tmux_passes_on_what_is_wrapped() {
    let (room, home) = (Room::open(), tempfile::tempdir().unwrap());
    let mut bob = copy_in_tmux(&room, home.path(), "on", false);
    bob.wait_for_bytes("\x1bPtmux;\x1b\x1b]52;c;");
    bob.wait_for("copied to the terminal");
    bob.keys("\r");
    bob.wait_for("Bob");
    // Out of focus, so that a mention becomes a notification.
    bob.keys("\x1b[O");
    let other = tempfile::tempdir().unwrap();
    let mut arguments = room.arguments();
    arguments.extend(["--nickname", "Ann"].map(str::to_owned));
    let mut ann = Terminal::start(other.path(), &arguments, 80, 24);
    ann.wait_for("Registered as");
    ann.keys("Bob, look\r");
    bob.wait_for_bytes("\x1bPtmux;\x1b\x1b]9;chat: ");
}

#[test]
fn tmux_without_passthrough_is_said() {
    let room = Room::open();
    for (takes_buffer, says) in [(true, "copied to the tmux buffer"), (false, "not copied: tmux does not pass it on")] {
        let home = tempfile::tempdir().unwrap();
        let terminal = copy_in_tmux(&room, home.path(), "off", takes_buffer);
        terminal.wait_for(says);
        assert!(!terminal.bytes().contains("]52;c;"), "{:?}", terminal.bytes());
    }
}
