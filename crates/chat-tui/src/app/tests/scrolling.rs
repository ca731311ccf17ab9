//! Tests of scrolling, search and the pages of the history.

use super::*;

#[test]
fn scrolled_view_keeps_its_place() {
    let mut app = chatting(Lang::En, 80, 24);
    for number in 0..100 {
        app.take_all([said("Jolly Ann", &number.to_string(), number)]);
    }
    app.press(KeyCode::PageUp);
    let text = screen(&app);
    for number in 100..130 {
        app.take_all([said("Jolly Ann", &number.to_string(), number)]);
    }
    assert_eq!(app.chat.timeline.below(), 30);
    let after = screen(&app);
    let rows = |text: &str| text.lines().take(20).collect::<Vec<_>>().join("\n");
    assert_eq!(rows(&text), rows(&after));
    assert!(after.contains("↓ 30 new"));
    app.press(KeyCode::Esc);
    assert_eq!(app.chat.timeline.below(), 0);
    assert!(screen(&app).contains("│ 129"));
}

#[test]
fn scrolling_and_search_request_pages() {
    let mut app = chatting(Lang::En, 80, 24);
    app.chat.timeline.read_again();
    assert_eq!(app.take_all([AppEvent::Tick]), [Effect::ReadPage(PageRequest::Tail)]);
    app.take_all([AppEvent::Page(PageRequest::Tail, page(9_600..10_000, 10_000))]);
    let effects = app.press_with(KeyCode::Home, KeyModifiers::CONTROL);
    assert_eq!(effects, [Effect::ReadPage(PageRequest::Before(96_000))]);
    app.take_all([AppEvent::Page(PageRequest::Before(96_000), page(9_200..9_600, 10_000))]);

    app.control('f');
    let effects = app.enter_line("line 17");
    assert_eq!(effects, [Effect::Search { search: 1, query: "line 17".into() }]);
    let hit = crate::event::SearchHit {
        at: None,
        sender: None,
        text: "line 17".into(),
        ranges: one_range(0, 7),
        mark: crate::timeline::FileSpan { start: 170, end: 180 },
    };
    let found = [AppEvent::Found { search: 1, hits: vec![hit] }, AppEvent::Searched { search: 1, percent: 100 }];
    assert_eq!(app.take_all(found), [Effect::ReadPage(PageRequest::Around(170))]);
    assert_eq!(app.press(KeyCode::Enter), []);
    app.take_all([AppEvent::Page(PageRequest::Around(170), page(0..217, 10_000))]);
    assert!(screen(&app).contains("line 17\n"), "{}", screen(&app));
    assert!(app.press(KeyCode::Esc).contains(&Effect::ReadPage(PageRequest::Tail)));
    app.take_all([AppEvent::Page(PageRequest::Tail, page(9_600..10_000, 10_000))]);
    assert!(screen(&app).contains("line 9999\n"));
}

#[test]
fn ignores_results_of_earlier_searches() {
    let mut app = chatting(Lang::En, 80, 24);
    app.control('f');
    app.enter_line("a");
    app.enter_line("b");
    let hit = crate::event::SearchHit {
        at: None,
        sender: None,
        text: "a".into(),
        ranges: Vec::new(),
        mark: crate::timeline::FileSpan { start: 0, end: 1 },
    };
    app.take_all([AppEvent::Found { search: 1, hits: vec![hit] }]);
    assert!(matches!(&app.dialog, Some(Dialog::Search(search)) if search.hits.is_empty()));
    assert_eq!(app.press(KeyCode::Esc), [Effect::StopSearch]);
}

#[test]
fn remembers_the_read_position() {
    let mut app = chatting(Lang::En, 80, 24);
    app.chat.timeline.read_again();
    app.take_all([AppEvent::Tick, AppEvent::Page(PageRequest::Tail, page(0..9, 9))]);
    let effects = app.control('q');
    assert_eq!(effects, [Effect::Remember(90), Effect::Quit]);
}

#[test]
fn wheel_scrolls_and_keeps_the_draft() {
    let mut app = chatting(Lang::En, 80, 24);
    for number in 0..100 {
        app.take_all([said("Jolly Ann", &format!("number {number}"), number)]);
    }
    app.enter_line("sent before");
    app.type_in("half a sentence");
    let shown = screen(&app);
    app.take_all([AppEvent::Wheel(-3)]);
    assert_eq!(app.chat.input.text(), "half a sentence");
    assert!(!app.chat.timeline.follows() && screen(&app) != shown);
    app.take_all([AppEvent::Wheel(3)]);
    assert!(app.chat.timeline.follows());
    app.take_all([AppEvent::Resize { width: 40, height: 12 }]);
    app.press(KeyCode::F(1));
    app.take_all([AppEvent::Wheel(3)]);
    assert!(matches!(app.dialog, Some(Dialog::Help { scroll: 3 })), "{:?}", app.dialog);
}

#[test]
fn search_explains_a_bad_expression() {
    let mut app = chatting(Lang::Ru, 80, 24);
    app.enter_line("/search /[/");
    app.take_all([AppEvent::SearchFailed { search: 1, reason: "unclosed character class".into() }]);
    let text = screen(&app);
    assert!(text.contains("неверное регулярное выражение: не закрыта скобка ["), "{text}");
    assert!(!text.contains("найдено"), "{text}");
}
