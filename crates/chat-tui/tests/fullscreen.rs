//! Scenarios of the full screen, played through the real binary in a terminal.
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use rustix::process::Signal;
use support::room::Room;
use support::terminal::Terminal;
use support::write_history;
use tempfile::TempDir;

const ENTER: &str = "\r";

struct Person {
    _home: TempDir,
    terminal: Terminal,
}

/// Registers, and enters the chat.
fn arrive(room: &Room, name: &str) -> Person {
    let home = tempfile::tempdir().unwrap();
    let terminal = register(room, name, home.path());
    Person { _home: home, terminal }
}

fn register(room: &Room, name: &str, home: &std::path::Path) -> Terminal {
    let mut terminal = Terminal::start(home, &room.arguments(), 80, 24);
    terminal.wait_for("Choose a nickname");
    terminal.keys(&format!("{name}{ENTER}"));
    terminal.wait_for("Token: ");
    terminal.keys(ENTER);
    wait_online(&terminal);
    terminal
}

fn wait_online(terminal: &Terminal) {
    terminal.wait_until("both connections", |screen| {
        let text = screen.contents();
        text.contains("● online") || text.contains("● ") && !text.contains("│ ● ")
    });
}

#[test]
fn two_users_register_and_chat() {
    let room = Room::open();
    let (mut bob, mut ann) = (arrive(&room, "Bob"), arrive(&room, "Ann"));
    bob.terminal.keys(&format!("hello, is anybody here?{ENTER}"));
    ann.terminal.wait_for("│ hello, is anybody here?");
    bob.terminal.wait_for("✓ hello, is anybody here?");
    ann.terminal.keys(&format!("b\tI am{ENTER}"));
    bob.terminal.wait_for(": I am");
    ann.terminal.keys(&format!("/quit{ENTER}"));
    assert_eq!(ann.terminal.wait_exit().exit_code(), 0);
    ann.terminal.assert_given_back();
}

#[test]
fn reuses_an_account_and_shows_history() {
    let room = Room::open();
    let home = tempfile::tempdir().unwrap();
    let mut terminal = register(&room, "Bob", home.path());
    terminal.keys(&format!("remember me{ENTER}"));
    terminal.wait_for("✓ remember me");
    terminal.keys("\x11");
    terminal.wait_exit();
    let terminal = Terminal::start(home.path(), &room.arguments(), 80, 24);
    terminal.wait_for("Bob │ remember me");
    wait_online(&terminal);
}

#[test]
fn history_may_be_moved_or_removed() {
    for remove in [false, true] {
        let room = Room::open();
        let home = tempfile::tempdir().unwrap();
        let mut bob = register(&room, "Bob", home.path());
        let mut ann = arrive(&room, "Ann");
        for number in 0..3 {
            ann.terminal.keys(&format!("before {number} with some words{ENTER}"));
            bob.wait_for(&format!("before {number}"));
        }
        let history = home.path().join("data/history.txt");
        if remove {
            std::fs::remove_file(&history).unwrap();
        } else {
            std::fs::rename(&history, home.path().join("data/history.txt.1")).unwrap();
        }
        for text in ["after", "later"] {
            ann.terminal.keys(&format!("{text}{ENTER}"));
            bob.wait_for(&format!("│ {text}"));
        }
        bob.keys(&format!("mine{ENTER}"));
        let screen = bob.wait_for("Bob ✓ mine");
        assert_eq!(screen.matches("continuing in a new file").count(), 1, "{screen}");
        assert!(screen.contains("before 0") && screen.contains("│ after"), "{screen}");
    }
}

#[test]
fn marks_messages_since_the_last_run() {
    let room = Room::open();
    let home = tempfile::tempdir().unwrap();
    let mut bob = register(&room, "Bob", home.path());
    let mut ann = arrive(&room, "Ann");
    ann.terminal.keys(&format!("before{ENTER}"));
    bob.wait_for("Ann │ before");
    bob.keys("\x11");
    bob.wait_exit();
    ann.terminal.keys(&format!("meanwhile{ENTER}"));
    ann.terminal.wait_for("✓ meanwhile");
    let mut bob = Terminal::start(home.path(), &room.arguments(), 80, 24);
    let screen = bob.wait_for("Ann │ meanwhile");
    let lines: Vec<&str> = screen.lines().collect();
    let mark = lines.iter().position(|line| line.contains(" new since ")).expect(&screen);
    assert!(lines[mark - 1].contains("before") && lines[mark + 1].contains("meanwhile"), "{screen}");
    bob.keys(&format!("/export all.txt{ENTER}"));
    bob.wait_for("history written to");
    let exported = std::fs::read_to_string(home.path().join("all.txt")).unwrap();
    assert!(exported.contains("Ann: before") && exported.contains("Ann: meanwhile"), "{exported}");
}

#[test]
fn killed_server_loses_nothing() {
    let mut room = Room::open();
    let mut bob = arrive(&room, "Bob");
    bob.terminal.keys(&format!("before{ENTER}"));
    bob.terminal.wait_for("✓ before");
    room.kill();
    bob.terminal.wait_for("F5 now");
    bob.terminal.keys(&format!("meanwhile{ENTER}"));
    bob.terminal.wait_for("… meanwhile queued");
    bob.terminal.wait_for("1 waits");
    room.come_back();
    bob.terminal.keys("\x1b[15~");
    bob.terminal.wait_for("✓ meanwhile");
    wait_online(&bob.terminal);
}

#[test]
fn wrong_token_leads_to_another_account() {
    let room = Room::open();
    let home = tempfile::tempdir().unwrap();
    let mut arguments = room.arguments();
    arguments.extend(["-t".into(), "9a08f44c-c541-41eb-8c47-0242ac110002".into()]);
    let mut terminal = Terminal::start(home.path(), &arguments, 80, 24);
    terminal.wait_for("Wrong token");
    terminal.keys("2");
    terminal.wait_for("Choose a nickname");
    terminal.keys(&format!("Bob{ENTER}"));
    terminal.wait_for("Token: ");
    terminal.keys(ENTER);
    wait_online(&terminal);
}

#[test]
fn sends_a_paste_of_50_lines() {
    let room = Room::open();
    let (mut bob, ann) = (arrive(&room, "Bob"), arrive(&room, "Ann"));
    let text: String = (0..50).map(|number| format!("pasted {number}\n")).collect();
    bob.terminal.paste(&text);
    bob.terminal.wait_for("paste: 50 lines");
    assert!(!ann.terminal.screen().contains("pasted"));
    bob.terminal.keys("1");
    ann.terminal.wait_for("pasted 49");
    bob.terminal.wait_for("│ pasted 49");
}

#[test]
fn searches_100_000_lines() {
    let room = Room::open();
    let home = tempfile::tempdir().unwrap();
    write_history(home.path(), 100_000);
    let mut terminal = register(&room, "Bob", home.path());
    terminal.wait_for("this is line 99999 of many");
    terminal.keys("\x06line 4711 of");
    terminal.keys(ENTER);
    terminal.wait_for("1 found");
    terminal.keys(ENTER);
    terminal.wait_without("Search the history");
    terminal.wait_for("this is line 4711 of many");
    terminal.wait_for("this is line 4700 of many");
    terminal.keys("\x1b[6~");
    terminal.wait_for("this is line 4720 of many");
    terminal.keys("\x1b");
    terminal.wait_for("this is line 99999 of many");
}

#[test]
fn many_resizes_end_in_a_whole_screen() {
    let room = Room::open();
    let mut bob = arrive(&room, "Bob");
    bob.terminal.keys(&format!("steady{ENTER}"));
    bob.terminal.wait_for("✓ steady");
    // The unit tests draw smaller ones; the parser here does not support them.
    for turn in 0..200u16 {
        bob.terminal.resize(20 + turn * 37 % 150, 6 + turn * 17 % 60);
    }
    bob.terminal.resize(80, 24);
    bob.terminal.keys("\x0c");
    bob.terminal.wait_for("✓ steady");
    wait_online(&bob.terminal);
    bob.terminal.resize(20, 6);
    bob.terminal.wait_until("the smallest screen", |screen| {
        let text = screen.contents();
        text.contains("steady") && text.contains("●") && text.contains('>')
    });
}

#[test]
fn offline_messages_survive_a_restart() {
    let mut room = Room::open();
    let home = tempfile::tempdir().unwrap();
    let mut terminal = register(&room, "Bob", home.path());
    room.kill();
    terminal.wait_for("F5 now");
    terminal.keys(&format!("not forgotten{ENTER}"));
    terminal.wait_for("… not forgotten queued");
    terminal.signal(Signal::TERM);
    terminal.wait_exit();
    terminal.assert_given_back();
    room.come_back();
    let terminal = Terminal::start(home.path(), &room.arguments(), 80, 24);
    terminal.wait_for("✓ not forgotten");
}

#[test]
fn a_draft_survives_any_end() {
    let room = Room::open();
    for signal in [Signal::KILL, Signal::HUP, Signal::TERM] {
        let home = tempfile::tempdir().unwrap();
        let mut terminal = register(&room, "Bob", home.path());
        terminal.keys("half a sentence");
        terminal.wait_for("> half a sentence");
        if signal == Signal::KILL {
            support::wait_for_file(&home.path().join("data/outbox.draft"), "half a sentence");
        }
        terminal.signal(signal);
        terminal.wait_exit();
        let mut terminal = Terminal::start(home.path(), &room.arguments(), 80, 24);
        terminal.wait_for("> half a sentence");
        terminal.keys("\x03");
        terminal.wait_without("half a sentence");
        terminal.keys("\x11");
        terminal.wait_exit();
        assert!(!home.path().join("data/outbox.draft").exists());
    }
}

#[test]
fn signals_restore_the_terminal() {
    let room = Room::open();
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let mut bob = arrive(&room, "Bob");
        bob.terminal.signal(signal);
        assert_eq!(bob.terminal.wait_exit().exit_code(), 130);
        bob.terminal.assert_given_back();
    }
}

#[cfg(debug_assertions)]
#[test]
fn panic_restores_the_terminal() {
    let room = Room::open();
    let home = tempfile::tempdir().unwrap();
    let mut arguments = room.arguments();
    arguments.push("--panic-after-start".into());
    let mut terminal = Terminal::start(home.path(), &arguments, 80, 24);
    assert_ne!(terminal.wait_exit().exit_code(), 0);
    terminal.wait_for("asked to panic");
    terminal.assert_given_back();
}

#[test]
fn continue_redraws_the_screen() {
    let room = Room::open();
    let mut bob = arrive(&room, "Bob");
    bob.terminal.keys(&format!("still here{ENTER}"));
    bob.terminal.wait_for("✓ still here");
    bob.terminal.signal(Signal::TSTP);
    bob.terminal.wait_stopped();
    bob.terminal.assert_given_back();
    bob.terminal.signal(Signal::CONT);
    bob.terminal.wait_until("the screen again", |screen| {
        screen.alternate_screen() && screen.contents().contains("✓ still here")
    });
    bob.terminal.keys(&format!("and typing{ENTER}"));
    bob.terminal.wait_for("✓ and typing");
}

#[test]
fn ctrl_z_stops_and_fg_resumes() {
    let room = Room::open();
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start_in_shell(home.path(), &room.arguments());
    terminal.wait_for("Choose a nickname");
    terminal.keys("\x1a");
    terminal.wait_for("stopped");
    terminal.assert_given_back();
    terminal.keys("\n");
    terminal.wait_until("the screen again", |screen| {
        screen.alternate_screen() && screen.contents().contains("Choose a nickname")
    });
    terminal.keys(&format!("Bob{ENTER}"));
    terminal.wait_for("Token: ");
    terminal.keys("\x03");
    terminal.wait_for("over");
    terminal.assert_given_back();
    assert!(terminal.screen().contains("stopped"));
}

#[test]
fn closed_terminal_ends_the_program() {
    let room = Room::open();
    let mut bob = arrive(&room, "Bob");
    bob.terminal.close();
    bob.terminal.wait_exit();
}

#[test]
fn no_terminal_sequence_becomes_text() {
    let room = Room::open();
    let mut bob = arrive(&room, "Bob");
    bob.terminal.keys(&format!("said before{ENTER}"));
    bob.terminal.wait_for("✓ said before");
    bob.terminal.keys("draft");
    bob.terminal.wait_for("> draft");
    // The wheel, a late answer, a key of the desktop, and Alt with an arrow in the older form.
    bob.terminal.keys("\x1b[A\x1b[A\x1b[A");
    bob.terminal.keys("\x1b]11;rgb:0000/0000/0000\x1b\\");
    bob.terminal.keys("\x1b[107;9u");
    bob.terminal.keys("\x1b\x1b[D");
    // A line break in two reads.
    bob.terminal.keys("\x05\x1b");
    bob.terminal.keys("\r");
    bob.terminal.keys("second line");
    let screen = bob.terminal.wait_for("second line");
    let rows: Vec<&str> = screen.lines().map(str::trim_end).collect();
    assert!(rows.ends_with(&["> draft", "  second line"]), "{screen}");
}

#[test]
fn asks_about_several_lines_in_one_read() {
    let room = Room::open();
    let mut bob = arrive(&room, "Bob");
    bob.terminal.keys("one\rtwo\r");
    bob.terminal.wait_for("paste: 2 lines, 8 bytes");
    // A key that is not text: right after a paste that would be its next piece.
    bob.terminal.keys("\x1b");
    bob.terminal.wait_without("paste: 2 lines");
}

#[test]
fn an_answer_with_the_question_is_none() {
    let room = Room::open();
    let mut bob = arrive(&room, "Bob");
    bob.terminal.keys("\x1b[200~three\nfour\x1b[201~\r");
    let screen = bob.terminal.wait_for("paste: 2 lines, 10 bytes");
    assert!(!screen.contains("queued") && !screen.contains("sent"), "{screen}");
    bob.terminal.keys("1");
    bob.terminal.wait_for("✓ three");
}

#[test]
fn pieces_of_a_paste_answer_nothing() {
    let room = Room::open();
    let mut bob = arrive(&room, "Bob");
    bob.terminal.keys("\x1b[200~one\rtwo");
    // Shown without its end, after a pause.
    bob.terminal.wait_for("paste: 2 lines, 7 bytes");
    bob.terminal.keys("\r2 eggs\r\x1b[201~");
    let screen = bob.terminal.wait_for("paste: 3 lines, 15 bytes");
    assert!(!screen.contains("queued") && !screen.contains("✓"), "{screen}");
    bob.terminal.keys("1");
    bob.terminal.wait_for("Bob ✓ one");
    bob.terminal.wait_for("│ 2 eggs");
}

#[test]
fn endless_paste_times_out() {
    let room = Room::open();
    let mut bob = arrive(&room, "Bob");
    bob.terminal.keys("\x1b[200~no end");
    bob.terminal.wait_for("> no end");
    bob.terminal.keys("\x03");
    bob.terminal.wait_without("no end");
}
