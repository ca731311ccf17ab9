//! Tests of the input line: commands, pastes and drafts.

use super::*;

#[test]
fn unknown_command_keeps_the_text() {
    let mut app = chatting(Lang::En, 80, 24);
    assert!(app.enter_line("/nick Bob").is_empty());
    assert_eq!(app.chat.input.text(), "/nick Bob");
    assert!(app.hint.as_ref().unwrap().error);
    app.control('c');
    assert_eq!(sent(&app.enter_line("//etc/passwd"))[0].1, "/etc/passwd");
    assert_eq!(app.enter_line("/quit").last(), Some(&Effect::Quit));
}

#[test]
fn shows_a_long_paste_before_sending() {
    let mut app = chatting(Lang::En, 80, 24);
    assert!(app.take_all([AppEvent::Paste("one line\n".into())]).is_empty());
    assert_eq!(app.chat.input.text(), "one line");
    app.control('c');

    let lines: String = (0..50).map(|number| format!("line {number}\r\n")).collect();
    assert!(app.take_all([AppEvent::Paste(lines.clone())]).is_empty());
    assert!(matches!(&app.dialog, Some(Dialog::Paste(paste)) if paste.lines == 50 && paste.messages == 50));
    let effects = app.press(KeyCode::Enter);
    let all = sent(&effects);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].1.lines().count(), 50);

    app.take_all([AppEvent::Paste(lines.clone())]);
    assert_eq!(sent(&app.press(KeyCode::Char('2'))).len(), 50);
    app.take_all([AppEvent::Paste(lines.clone())]);
    assert!(app.press(KeyCode::Char('3')).is_empty());
    assert_eq!(app.chat.input.text().lines().count(), 50);
    app.control('c');
    app.take_all([AppEvent::Paste(lines)]);
    assert!(app.press(KeyCode::Esc).is_empty());
    assert!(app.chat.input.is_empty());
}

#[test]
fn too_long_paste_stays_open() {
    let mut app = chatting(Lang::En, 80, 24);
    app.take_all([AppEvent::Paste(format!("{}\n", "x".repeat(20_000)))]);
    assert!(app.press(KeyCode::Char('1')).is_empty());
    assert!(matches!(app.dialog, Some(Dialog::Paste(_))));
    assert!(app.hint.is_some());
}

#[test]
fn too_long_paste_line_sends_none() {
    let mut app = chatting(Lang::En, 80, 24);
    app.take_all([AppEvent::Paste(format!("one\n\n{}\nlast\n", "x".repeat(20_000)))]);
    assert!(app.press(KeyCode::Char('2')).is_empty());
    assert!(matches!(app.dialog, Some(Dialog::Paste(_))));
    assert!(app.hint.as_ref().is_some_and(|hint| hint.text.starts_with("line 3: too long")), "{:?}", app.hint);
    assert!(app.chat.timeline.outgoing.as_slice().is_empty());
}

#[test]
fn no_dialog_replaces_a_shown_paste() {
    let mut app = chatting(Lang::En, 80, 24);
    let wrong = || AppEvent::Link(LinkSide::Writing, LinkState::Closed { cause: Some(LinkError::UnknownToken) });
    app.take_all([AppEvent::Paste("one\ntwo\n".into()), wrong(), AppEvent::Paste("three\n".into())]);
    assert!(matches!(&app.dialog, Some(Dialog::Paste(paste)) if paste.text == "one\ntwo\nthree\n" && paste.lines == 3));
    app.press(KeyCode::Char('3'));
    assert_eq!(app.chat.input.text(), "one\ntwo\nthree\n");
    assert!(matches!(app.dialog, Some(Dialog::WrongToken { .. })));
}

#[test]
fn full_queue_keeps_the_typed_text() {
    let mut app = chatting(Lang::En, 80, 24);
    let all: Vec<PostId> = (0..1024).map(|_| sent(&app.enter_line("x"))[0].0.clone()).collect();
    assert!(app.enter_line("one more").is_empty());
    assert_eq!(app.chat.input.text(), "one more");
    assert_eq!(app.hint.as_ref().unwrap().text, "1024 messages wait");
    app.take_all([confirmed(&all[0], None)]);
    assert_eq!(sent(&app.press(KeyCode::Enter))[0].1, "one more");
}

#[test]
fn never_loses_a_paste() {
    let two = || AppEvent::Paste("one\ntwo\n".into());
    let mut app = chatting(Lang::En, 80, 24);
    app.press(KeyCode::F(1));
    app.take_all([two()]);
    assert!(matches!(&app.dialog, Some(Dialog::Paste(paste)) if paste.lines == 2), "{:?}", app.dialog);

    let mut app = fresh(Lang::En, 80, 24);
    app.take_all([two(), accounts(&["Keen Bob", "Jolly Ann"]), two()]);
    assert!(app.dialog.is_none());
    app.press(KeyCode::Enter);
    assert!(matches!(&app.dialog, Some(Dialog::Paste(paste)) if paste.lines == 4), "{:?}", app.dialog);
}

#[test]
fn short_paste_goes_to_the_input_line() {
    let mut app = chatting(Lang::En, 80, 24);
    app.take_all([AppEvent::Paste("x".repeat(500))]);
    assert!(screen(&app).contains("paste: 1 line, 500 bytes"), "{}", screen(&app));
}

#[test]
fn commands_are_found_in_any_case() {
    let mut app = chatting(Lang::En, 80, 24);
    app.take_all([said("Jolly Ann", "hi", 1), said("Vlad", "привет", 2)]);
    app.enter_line("/WHO");
    assert!(screen(&app).contains("written lately: Vlad, Jolly Ann"), "{}", screen(&app));
    app.enter_line("/nick Robert");
    assert!(app.hint.as_ref().unwrap().text.contains("/register"));
    app.chat.input.clear();
    assert_eq!(app.enter_line("/copy 2"), [Effect::Copy("hi".into())]);
    app.take_all([AppEvent::Copied(CopyResult::Blocked)]);
    assert!(app.hint.as_ref().unwrap().error, "{:?}", app.hint);
    app.type_in("/se");
    app.press(KeyCode::Tab);
    assert_eq!(app.chat.input.text(), "/search ");
    app.chat.input.clear();
    assert_eq!(app.enter_line("/QUIT").last(), Some(&Effect::Quit));
}

#[test]
fn a_draft_survives_a_restart() {
    let mut app = fresh(Lang::En, 80, 24);
    app.take_all([AppEvent::Draft("half a sentence".into()), accounts(&["Keen Bob"])]);
    assert_eq!(app.chat.input.text(), "half a sentence");
}

#[test]
fn the_draft_is_what_was_typed() {
    let mut app = chatting(Lang::En, 80, 24);
    assert_eq!(app.changed_draft(), None);
    app.enter_line("sent");
    assert_eq!(app.changed_draft(), None, "it is not a draft any more");
    app.type_in("half");
    assert_eq!(app.changed_draft().as_deref(), Some("half"));
    app.press(KeyCode::Up);
    assert_eq!(app.chat.input.text(), "sent");
    assert_eq!(app.changed_draft(), None);
    app.type_in("!");
    assert_eq!(app.changed_draft().as_deref(), Some("sent!"));
}

#[test]
fn export_completes_file_names() {
    let mut app = chatting(Lang::En, 80, 24);
    app.type_in("/export no");
    assert_eq!(app.press(KeyCode::Tab), [Effect::ListPaths("no".into())]);
    let paths = |names: &[&str]| AppEvent::Paths {
        typed: "no".into(),
        paths: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    app.take_all([paths(&["notes.txt", "november/"])]);
    assert_eq!(app.chat.input.text(), "/export notes.txt");
    assert!(screen(&app).contains("[notes.txt] november/"), "{}", screen(&app));
    app.press(KeyCode::Tab);
    assert_eq!(app.chat.input.text(), "/export november/", "the next one");
    assert_eq!(app.press(KeyCode::Enter), [Effect::Export(Some("november/".into()))]);
}

#[test]
fn late_paths_complete_no_other_text() {
    let mut app = chatting(Lang::En, 80, 24);
    app.type_in("/export no");
    app.press(KeyCode::Tab);
    app.type_in("w");
    app.take_all([AppEvent::Paths { typed: "no".into(), paths: vec!["notes.txt".into()] }]);
    assert_eq!(app.chat.input.text(), "/export now");
}

#[test]
fn mouse_is_taken_on_request_only() {
    let mut app = chatting(Lang::En, 80, 24);
    assert_eq!(app.press_with(KeyCode::Char('m'), KeyModifiers::ALT), [Effect::Mouse(true)]);
    assert!(screen(&app).contains("the wheel scrolls"), "{}", screen(&app));
    assert_eq!(app.enter_line("/mouse"), [Effect::Mouse(false)]);
    assert_eq!(app.enter_line("/reconnect"), [Effect::RetryNow]);
}
