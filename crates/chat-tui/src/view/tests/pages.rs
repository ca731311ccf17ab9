//! The screens around the chat and the drawers: nothing that is needed is cut, at any size.

use crossterm::event::KeyCode;
use jiff::civil::DateTime;

use crate::app::App;
use crate::app::tests::screen;
use crate::app::tests::support::{account, at, chatting, fresh, said};
use crate::event::{AppEvent, Registered, SearchHit};
use crate::lang::{Lang, Phrase};
use crate::timeline::FileSpan;

fn last_row(app: &App) -> String {
    screen(app).lines().last().unwrap_or_default().to_owned()
}

#[test]
fn keys_are_never_cut() {
    for lang in [Lang::En, Lang::Ru] {
        for (width, height) in (20..=120).flat_map(|width| [(width, 6), (width, 24)]) {
            let mut app = fresh(lang, width, height);
            app.take_all([AppEvent::Accounts(Vec::new())]);
            assert!(!last_row(&app).contains('…'), "registration: {}", screen(&app));
            let mut app = fresh(lang, width, height);
            app.take_all([AppEvent::Accounts(vec![account("Keen Bob", "a"), account("Jolly Ann", "b")])]);
            assert!(!last_row(&app).contains('…'), "accounts: {}", screen(&app));
            app.press(KeyCode::Char('d'));
            assert!(last_row(&app).contains('y') && !last_row(&app).contains('…'), "remove: {}", screen(&app));
            let mut app = chatting(lang, width, height);
            app.control('r');
            let keys = screen(&app).lines().rev().nth(1).unwrap().to_owned();
            assert!(keys.contains("Esc") && !keys.contains('…'), "search: {}", screen(&app));
            let mut app = chatting(lang, width, height);
            app.take_all([AppEvent::Paste("one\ntwo".into())]);
            assert!(last_row(&app).contains("Esc") && !last_row(&app).contains('…'), "paste: {}", screen(&app));
        }
    }
}

#[test]
fn new_nickname_is_shown_whole() {
    for lang in [Lang::En, Lang::Ru] {
        let mut app = fresh(lang, 20, 6);
        app.take_all([AppEvent::Accounts(Vec::new())]);
        app.type_in("lea");
        app.press(KeyCode::Enter);
        let known = account("Snappy leandra", "a");
        app.take_all([AppEvent::Registered(Ok(Registered { known, saved: Ok("creds".into()) }))]);
        assert!(screen(&app).contains("Snappy leandra"), "{}", screen(&app));
    }
}

/// The buttons are never outside the page nor on the row of the keys.
#[test]
fn buttons_are_whole_at_any_size() {
    for lang in [Lang::En, Lang::Ru] {
        for (width, height) in (20..=100).flat_map(|width| (6..=24).map(move |height| (width, height))) {
            let mut app = fresh(lang, width, height);
            app.take_all([AppEvent::Accounts(Vec::new())]);
            let text = screen(&app);
            let button = format!("▸ {}", app.text(Phrase::Register).lines().next().unwrap());
            assert!(text.lines().any(|row| row.trim() == button), "{width}x{height}: {text}");
            let mut app = super::screens::registered(width, height);
            app.lang = lang;
            let text = screen(&app);
            for label in [Phrase::EnterChat, Phrase::Again] {
                let label = app.text(label);
                let is_button = |row: &str| label.lines().any(|form| row.trim().trim_start_matches("▸ ") == form);
                assert!(text.lines().any(is_button), "{width}x{height}: {text}");
            }
            assert!(!last_row(&app).contains('…'), "registered: {text}");
        }
    }
}

fn found(count: u64, app: &mut App) {
    let hit = |number| SearchHit {
        at: Some(DateTime::constant(2023, 1, 9, 23, 50, 0, 0)),
        sender: Some("Vlad".into()),
        text: "a key".into(),
        ranges: crate::app::tests::support::one_range(2, 5),
        mark: FileSpan { start: number, end: number + 1 },
    };
    app.take_all([AppEvent::Found { search: 1, hits: (0..count).map(hit).collect() }]);
}

/// The drawer is as tall as its hits need, and the conversation has the rest.
#[test]
fn search_has_no_empty_rows() {
    for (width, height) in [(80, 24), (40, 12), (20, 6)] {
        let mut app = chatting(Lang::En, width, height);
        app.take_all([said("Jolly Ann", "hello", 1)]);
        app.control('r');
        app.enter_line("key");
        for count in [0, 1, 2, 50] {
            let mut app_now = chatting(Lang::En, width, height);
            app_now.control('r');
            app_now.enter_line("key");
            found(count, &mut app_now);
            let areas = app_now.chat_areas();
            let shown = screen(&app_now).lines().filter(|row| row.contains("a key")).count();
            let list = usize::from(areas.input.height) - 3;
            assert_eq!(shown, list.min(usize::try_from(count).unwrap()), "{}", screen(&app_now));
            assert!(areas.messages.height >= height / 3, "{areas:?}");
            assert!(list <= 1.max(usize::try_from(count).unwrap()), "{count} hits in {list} rows");
        }
    }
}

#[test]
fn resize_keeps_an_open_drawer_whole() {
    let mut app = chatting(Lang::En, 80, 24);
    app.take_all([said("Jolly Ann", "hello", 1), AppEvent::Paste("one\ntwo\nthree\n".into())]);
    for (width, height) in [(20, 6), (1, 1), (10, 2), (300, 3), (80, 24)] {
        app.take_all([AppEvent::Resize { width, height }]);
        let areas = app.chat_areas();
        assert_eq!(areas.messages.height + areas.input.height + areas.header.map_or(0, |row| row.height), height);
        assert_eq!(screen(&app).lines().count(), usize::from(height));
    }
    assert!(screen(&app).contains("3│ three") && screen(&app).contains("4 discard"), "{}", screen(&app));
}

#[test]
fn empty_room_shows_whole_sentences() {
    let app = chatting(Lang::En, 20, 6);
    let text = screen(&app);
    assert!(text.contains("No messages yet."), "{text}");
    assert!(!text.contains("--share"), "{text}");
}

#[test]
fn placeholder_ends_with_the_first_message() {
    let mut app = chatting(Lang::En, 80, 24);
    assert!(screen(&app).contains("> write a message"));
    app.type_in("h");
    assert!(!screen(&app).contains("write a message"));
    app.press(KeyCode::Enter);
    assert!(!screen(&app).contains("write a message"), "one was sent");
    let id = app.chat.timeline.outgoing.as_slice()[0].id.clone();
    app.take_all([crate::app::tests::support::confirmed(&id, None), said("Keen Bob", "h", 1)]);
    assert!(!screen(&app).contains("write a message"), "and has arrived");
}

#[test]
fn letter_closes_the_help_and_is_typed() {
    let mut app = chatting(Lang::En, 80, 24);
    app.press(KeyCode::F(1));
    assert!(screen(&app).contains("Alt+M /mouse"), "{}", screen(&app));
    app.press(KeyCode::Char('x'));
    assert!(app.dialog.is_none() && app.chat.input.text() == "x");
}

#[test]
fn status_line_names_the_way_to_the_first_new_message() {
    let mut app = chatting(Lang::En, 80, 24);
    let mut place = 0;
    let mut hear = |app: &mut App, text: &str| {
        place += 20;
        let mark = Some(FileSpan { start: place, end: place + 20 });
        let heard = crate::app::tests::support::heard("Jolly Ann", text, 1, None, mark);
        app.update(AppEvent::Incoming(vec![heard]), at(1));
    };
    hear(&mut app, "read");
    app.take_all([AppEvent::Focus(false)]);
    for number in 0..60 {
        hear(&mut app, &format!("number {number}"));
    }
    app.take_all([AppEvent::Focus(true)]);
    app.press(KeyCode::PageUp);
    hear(&mut app, "one more");
    assert!(screen(&app).contains("new · Alt+U first new · Esc end"), "{}", screen(&app));
    app.press_with(KeyCode::Char('u'), crossterm::event::KeyModifiers::ALT);
    assert!(screen(&app).contains("number 0"), "{}", screen(&app));
}
