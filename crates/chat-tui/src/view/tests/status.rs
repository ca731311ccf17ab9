//! The status line: it never moves the conversation, and what is shortened is never the key that helps.

use std::time::Duration;

use crossterm::event::KeyCode;

use super::evening::Evening;
use crate::app::App;
use crate::app::tests::screen;
use crate::app::tests::support::{at, chatting};
use crate::event::AppEvent;
use crate::lang::Lang;
use crate::link::{LinkSide, LinkState};

/// The rows of the conversation are the same before, during and after an outage, and while hints come and go.
#[test]
fn outage_moves_no_row() {
    for (width, height) in [(80, 24), (120, 40), (40, 12), (20, 6)] {
        let mut evening = Evening::begin(Lang::En, width, height).return_to_news();
        let areas = evening.app.chat_areas();
        let rows = |app: &App| {
            let (first, count) = (usize::from(areas.messages.y), usize::from(areas.messages.height));
            screen(app).lines().skip(first).take(count).map(str::to_owned).collect::<Vec<_>>()
        };
        let before = rows(&evening.app);
        let step = |evening: &mut Evening, what: &str| {
            assert_eq!(evening.app.chat_areas(), areas, "{what} at {width}x{height}");
            assert_eq!(rows(&evening.app), before, "{what} at {width}x{height}");
        };
        evening.break_links(9);
        step(&mut evening, "broken");
        evening.app.enter_line("/nonsense");
        // A long one covers some rows, and those above it stay.
        let covered = rows(&evening.app);
        let kept = covered.iter().zip(&before).take_while(|(now, before)| now == before).count();
        assert!(covered.len() - kept < usize::from(height) / 2, "at {width}x{height}");
        assert!(covered[kept..].iter().zip(&before[kept..]).all(|(now, before)| now != before), "at {width}x{height}");
        evening.app.hint = None;
        step(&mut evening, "after a hint");
        evening.take(AppEvent::Link(LinkSide::Listening, LinkState::Connecting { attempt: 8, after: None }));
        step(&mut evening, "one connects");
        evening.connect();
        step(&mut evening, "both are back");
    }
}

#[test]
fn status_line_keeps_the_key() {
    for width in 14..=120 {
        let mut evening = Evening::begin(Lang::Ru, width, 24);
        evening.break_links(4);
        let text = screen(&evening.app);
        assert!(text.lines().rev().nth(1).unwrap().contains("F5"), "{width}: {text}");
    }
    let line = |width, change: fn(&mut Evening)| {
        let mut evening = Evening::begin(Lang::En, width, 24).return_to_news();
        change(&mut evening);
        screen(&evening.app).lines().rev().nth(1).unwrap().trim_end().to_owned()
    };
    let waits = |evening: &mut Evening| {
        evening.enter("hello?");
        evening.break_links(4);
    };
    assert_eq!(line(80, waits), " ! connection refused · retry in 4 s (7th) · F5 now            1 waits  F1 help");
    assert_eq!(line(40, waits), " ! refused · 4 s · F5                …1");
    assert_eq!(line(20, waits), " ! 4 s  F5       …1");
    let half = |evening: &mut Evening| {
        evening.break_links(6);
        evening.take(AppEvent::Link(LinkSide::Writing, LinkState::Online));
    };
    assert_eq!(line(80, half), " ◐ not listening · connection refused · retry in 6 s (7th) · F5 now     F1 help");
    let away = |evening: &mut Evening| evening.take(AppEvent::Link(LinkSide::Writing, LinkState::LogAway));
    let line_120 = line(120, away);
    let reason = "the log of the room is away: not confirmed yet; will be sent when it is back";
    assert_eq!(line_120.trim_end_matches("F1 help").trim_end(), format!(" ◐ not sending · {reason}"));
    assert!(line(80, away).starts_with(" ◐ not sending · the log of the room is away  "), "{}", line(80, away));
    assert_eq!(line(20, away).trim(), "◐ not sending");
    assert_eq!(line(80, |_| {}), " ● online  1 ms                                                         F1 help");
    let back = |evening: &mut Evening| {
        evening.app.press(KeyCode::PageUp);
        evening.said("Sincere Ann", "one more");
    };
    assert_eq!(line(80, back), " ● online  1 ms        ↓ 1 new · Alt+U first new · Esc end              F1 help");
    assert_eq!(line(20, back), " ● 1 ms     ↓ 1 new");
}

#[test]
fn hint_ends_after_a_while() {
    let mut app = chatting(Lang::En, 80, 24);
    app.enter_line("/nonsense");
    assert!(screen(&app).contains("unknown command"));
    assert_eq!(app.next_tick(), Some(Duration::from_secs(6)));
    app.update(AppEvent::Tick, at(6));
    assert!(!screen(&app).contains("unknown command"), "{}", screen(&app));
}

/// No answer to a key is cut where the screen has space for it.
#[test]
fn hint_is_shown_whole() {
    for (lang, width, height) in [(Lang::En, 80, 24), (Lang::Ru, 80, 24), (Lang::En, 40, 12), (Lang::Ru, 40, 12)] {
        let mut app = chatting(lang, width, height);
        app.enter_line("/nonsense");
        let shown = screen(&app).split_whitespace().collect::<Vec<_>>().join(" ");
        let hint = app.hint.as_ref().unwrap().marked();
        assert!(shown.contains(&hint), "{width}x{height}: {}", screen(&app));
    }
}

#[test]
fn shows_the_round_trip() {
    let mut app = chatting(Lang::En, 100, 24);
    app.take_all([AppEvent::RoundTrip(Duration::from_millis(34))]);
    assert!(screen(&app).contains("34 ms"));
}

/// The keys of a selected message say nothing of the outage, so they are not as loud as it.
#[test]
fn keys_of_a_selection_are_quiet() {
    let mut app = Evening::begin(Lang::En, 80, 24).return_to_news().lose_the_connection().app;
    let style = |app: &App| crate::view::draw(app, crate::theme::Theme::Dark, 80, 24).buffer[(1, 22)].style();
    let loud = style(&app);
    app.control('o');
    assert!(screen(&app).contains("r retry · e edit"), "{}", screen(&app));
    assert_ne!(style(&app), loud);
}

#[test]
fn keys_of_a_selection_fit_every_width() {
    for lang in [Lang::En, Lang::Ru] {
        for width in 20..=120 {
            let mut app = Evening::begin(lang, width, 12).return_to_news().lose_the_connection().app;
            app.control('o');
            for _ in 0..2 {
                let text = screen(&app);
                let keys = text.lines().rev().nth(1).unwrap();
                assert!(keys.contains("Esc") && !keys.contains('…'), "{width}: {text}");
                app.press(KeyCode::Up);
            }
        }
    }
}
