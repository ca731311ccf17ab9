//! Tests of reading: unread messages, mentions, the title, the bare view.

use crossterm::event::{KeyCode, KeyModifiers};

use super::screen;
use super::support::{at, chatting, gap, heard, one_range, said};
use crate::app::App;
use crate::effect::Effect;
use crate::event::AppEvent;
use crate::lang::Lang;
use crate::timeline::{FileSpan, HistoryPage, PageLine, PageRequest};

/// A message of the history file, ten bytes long, with the number in its text.
fn numbered(sender: &str, number: u64, text: &str) -> crate::event::Incoming {
    let mark = FileSpan { start: number * 10, end: number * 10 + 10 };
    heard(sender, &format!("{text} {number}"), 1, None, Some(mark))
}

/// An application that has loaded 20 messages, and nothing is unread.
fn reading() -> App {
    let mut app = chatting(Lang::En, 80, 24);
    app.chat.timeline.read_again();
    app.take_all([AppEvent::ReadTo(Some(200)), AppEvent::Page(PageRequest::Tail, history(0..20))]);
    app
}

fn history(numbers: std::ops::Range<u64>) -> HistoryPage {
    let lines = numbers.clone().map(|number| PageLine {
        at: Some(app_time()),
        sender: Some("Jolly Ann".into()),
        text: format!("old {number}"),
        mark: FileSpan { start: number * 10, end: number * 10 + 10 },
    });
    HistoryPage { lines: lines.collect(), at_start: numbers.start == 0, at_end: true, end: numbers.end * 10 }
}

fn app_time() -> jiff::civil::DateTime {
    at(0).to_zoned(jiff::tz::TimeZone::UTC).datetime()
}

fn alt(app: &mut App, letter: char) -> Vec<Effect> {
    app.press_with(KeyCode::Char(letter), KeyModifiers::ALT)
}

#[test]
fn unread_mark_survives_a_reply() {
    let mut app = reading();
    app.take_all([AppEvent::Focus(false), AppEvent::Incoming(vec![numbered("Jolly Ann", 20, "new")])]);
    app.take_all([AppEvent::Focus(true)]);
    app.enter_line("a reply");
    let echo = numbered("Keen Bob", 21, "a reply");
    app.take_all([AppEvent::Incoming(vec![echo])]);
    assert_eq!(app.chat.timeline.unread().unwrap().count.all, 1);
    assert_eq!(app.chat.timeline.read_to(), Some(220), "the next run starts after it");
    app.take_all([AppEvent::Focus(false), AppEvent::Focus(true)]);
    assert_eq!(app.chat.timeline.unread(), None, "it is gone after the next absence");
}

#[test]
fn unread_mark_skips_own_messages() {
    let mut app = reading();
    app.take_all([AppEvent::Focus(false)]);
    // Another program of the same account writes in the absence.
    let lines = [numbered("Keen Bob", 20, "from my phone"), numbered("Jolly Ann", 21, "new")];
    app.take_all([AppEvent::Incoming(lines.into())]);
    let timeline = &app.chat.timeline;
    let marked: Vec<i64> = timeline.indices().filter(|&index| timeline.unread_begins_at(index)).collect();
    assert_eq!(marked.len(), 1);
    let text = format!("{:?}", timeline.item(marked[0]));
    assert!(text.contains("new 21"), "{text}");
}

#[test]
fn goes_to_the_first_unread_and_back() {
    let mut app = reading();
    app.press(KeyCode::Esc);
    app.take_all([AppEvent::Focus(false)]);
    let lines = (20..60).map(|number| numbered("Jolly Ann", number, "new")).collect();
    app.take_all([AppEvent::Incoming(lines), AppEvent::Focus(true)]);
    assert!(screen(&app).contains("new 59"));
    alt(&mut app, 'u');
    let shown = screen(&app);
    assert!(shown.contains("old 19") && shown.contains("new 20") && !shown.contains("old 18"), "{shown}");
    let visible = (20..60).filter(|number| shown.contains(&format!("new {number}"))).count();
    assert_eq!(app.chat.timeline.below(), 40 - visible, "{shown}");
    alt(&mut app, 'u');
    assert!(app.chat.timeline.follows());
    assert!(screen(&app).contains("new 59"));
}

#[test]
fn opens_at_the_first_unread_message() {
    let mut app = chatting(Lang::En, 80, 24);
    app.chat.timeline.read_again();
    app.take_all([AppEvent::ReadTo(Some(200)), AppEvent::Page(PageRequest::Tail, history(0..100))]);
    let shown = screen(&app);
    assert!(shown.contains("old 19") && shown.contains("old 20") && !shown.contains("old 99"), "{shown}");
    app.press(KeyCode::Esc);
    assert!(screen(&app).contains("old 99"));

    let mut app = chatting(Lang::En, 80, 24);
    app.chat.timeline.read_again();
    app.take_all([AppEvent::ReadTo(Some(950)), AppEvent::Page(PageRequest::Tail, history(0..100))]);
    assert!(app.chat.timeline.follows(), "five messages fit");
}

#[test]
fn title_counts_what_came_in_the_absence() {
    let mut app = reading();
    assert_eq!(app.title(), "127.0.0.1 · minechat");
    app.take_all([AppEvent::Focus(false), AppEvent::Incoming(vec![numbered("Jolly Ann", 20, "new")])]);
    assert_eq!(app.title(), "(1) 127.0.0.1 · minechat");
    app.take_all([AppEvent::Incoming(vec![numbered("Jolly Ann", 21, "Bob, look")])]);
    assert_eq!(app.title(), "(2!) 127.0.0.1 · minechat");
    app.take_all([AppEvent::Focus(true)]);
    assert_eq!(app.title(), "127.0.0.1 · minechat");
}

#[test]
fn mentions_are_found_in_both_directions() {
    let mut app = chatting(Lang::En, 80, 10);
    for number in 0..60 {
        let text = if number % 20 == 5 { format!("Bob, number {number}") } else { format!("number {number}") };
        app.take_all([said("Jolly Ann", &text, number)]);
    }
    for expected in ["number 45", "number 25", "number 5"] {
        alt(&mut app, 'p');
        assert!(screen(&app).contains(expected), "{expected}: {}", screen(&app));
    }
    alt(&mut app, 'p');
    assert!(app.hint.is_some());
    alt(&mut app, 'n');
    assert!(screen(&app).contains("number 25"), "{}", screen(&app));
}

#[test]
fn bare_view_has_plain_lines() {
    let mut app = chatting(Lang::En, 40, 12);
    let long = "a very long line that a screen of forty columns has to wrap two times or more";
    app.take_all([said("Jolly Ann", long, 1), said("Vlad", "one\n[17:07] Jolly Ann: two", 2)]);
    app.take_all([AppEvent::Incoming(vec![gap(5, 42, None, chat_client::GapCause::Disconnected)])]);
    let effects = alt(&mut app, 'l');
    let [Effect::BareView(text)] = &effects[..] else { panic!("{effects:?}") };
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], format!("[17:07] Jolly Ann: {long}"));
    assert_eq!(
        lines[1..3],
        ["[17:07] Vlad: one", "    [17:07] Jolly Ann: two"],
        "no line of a peer looks like a message"
    );
    assert!(lines[3].contains("gap"), "{text}");
    assert!(app.bare);
    assert_eq!(app.press(KeyCode::Char('x')), [Effect::EndBareView]);
    assert!(!app.bare && app.chat.input.is_empty(), "the key only returns");
}

#[test]
fn help_gives_a_letter_to_the_input_line() {
    let mut app = chatting(Lang::En, 80, 24);
    app.press(KeyCode::F(1));
    app.type_in("hi");
    assert!(app.dialog.is_none());
    assert_eq!(app.chat.input.text(), "hi");
}

#[test]
fn ctrl_f_searches_only_from_an_empty_line() {
    let mut app = chatting(Lang::En, 80, 24);
    app.type_in("ab");
    app.press(KeyCode::Home);
    app.control('f');
    app.type_in("-");
    assert_eq!(app.chat.input.text(), "a-b");
    app.control('c');
    for letter in ['f', 'r', 's'] {
        app.control(letter);
        assert!(matches!(app.dialog, Some(crate::app::Dialog::Search(_))), "{letter}");
        app.press(KeyCode::Esc);
    }
    app.type_in("draft");
    app.control('x');
    assert_eq!(app.control('e'), [Effect::EditExternally("draft".into())]);
    app.take_all([AppEvent::Edited(Ok("two\nlines\n".into()))]);
    assert_eq!(app.chat.input.text(), "two\nlines");
}

#[test]
fn search_begins_after_a_pause() {
    let mut app = reading();
    app.control('r');
    app.type_in("old 3");
    assert_eq!(app.next_tick(), Some(std::time::Duration::from_millis(150)));
    let later = at(0).checked_add(jiff::SignedDuration::from_millis(150)).unwrap();
    let effects = app.update(AppEvent::Tick, later);
    assert_eq!(effects, [Effect::Search { search: 1, query: "old 3".into() }]);
    assert_eq!(app.next_tick(), None);

    let hit = |number: u64| crate::event::SearchHit {
        at: Some(app_time()),
        sender: Some("Jolly Ann".into()),
        text: format!("old {number}"),
        ranges: one_range(0, 5),
        mark: FileSpan { start: number * 10, end: number * 10 + 10 },
    };
    app.take_all([AppEvent::Found { search: 1, hits: vec![hit(13), hit(3)] }]);
    let found = |app: &App, number: u64| {
        let at =
            app.chat.timeline.newest_first().find(|entry| entry.mark.is_some_and(|mark| mark.start == number * 10));
        app.chat.timeline.found_in(at.unwrap()).map(<[_]>::to_vec)
    };
    assert_eq!(found(&app, 13), Some(one_range(0, 5)), "the newest is chosen first");
    app.press(KeyCode::Up);
    assert_eq!((found(&app, 13), found(&app, 3)), (None, Some(one_range(0, 5))));
    app.press(KeyCode::Esc);
    assert!(app.chat.timeline.follows(), "back to where the reader was");
    app.control('r');
    app.enter_line("old 13");
    app.take_all([AppEvent::Found { search: 2, hits: vec![hit(13)] }]);
    app.press(KeyCode::Enter);
    assert!(app.dialog.is_none() && !app.chat.timeline.follows(), "Enter stays there");
}

#[test]
fn any_message_can_be_copied() {
    let mut app = reading();
    app.take_all([said("Jolly Ann", "see https://a.example/b, please", 1), said("Vlad", "привет", 2)]);
    app.type_in("draft");
    app.control('o');
    assert!(screen(&app).contains("▸"), "{}", screen(&app));
    assert!(app.press(KeyCode::Char('u')).is_empty(), "it has no address");
    app.press(KeyCode::Char('k'));
    assert_eq!(app.press(KeyCode::Char('u')), [Effect::Copy("https://a.example/b".into())]);
    app.control('o');
    assert_eq!(app.press(KeyCode::Char('y')), [Effect::Copy("привет".into())]);
    app.control('o');
    (0..10).for_each(|_| drop(app.press(KeyCode::Up)));
    assert!(screen(&app).contains("old 11"), "{}", screen(&app));
    app.press(KeyCode::Esc);
    assert!(app.chat.timeline.follows() && app.chat.selected.is_none());
    assert_eq!(app.chat.input.text(), "draft");
}
