//! Tests of the application: events in, state and effects out.

mod delivery;
mod entering;
mod input;
mod reading;
mod scrolling;
pub(crate) mod support;

use chat_client::{DeliveryState, GapCause, PostId};
use chat_frontend::local_room::RoomNotice;
use crossterm::event::{KeyCode, KeyModifiers};
use proptest::prelude::*;

use self::support::{
    account, at, chatting, confirmed, fresh, gap, heard, one_range, own, page, post_id, refused, said,
};
use super::*;
use crate::effect::Effect;
use crate::event::{AppEvent, CopyResult, NoticeText, Registered};
use crate::lang::Lang;
use crate::link::{LinkError, LinkSide, LinkState};
use crate::theme::Theme;
use crate::timeline::{HistoryPage, PageRequest};

fn accounts(names: &[&str]) -> AppEvent {
    AppEvent::Accounts(names.iter().map(|name| account(name, &format!("token of {name}"))).collect())
}

fn entered(effects: &[Effect]) -> Option<&str> {
    effects.iter().find_map(|effect| match effect {
        Effect::Enter(known) => Some(known.account.nickname.as_str()),
        _ => None,
    })
}

fn sent(effects: &[Effect]) -> Vec<(PostId, String)> {
    let sent = effects.iter().filter_map(|effect| match effect {
        Effect::Send { id, text } => Some((id.clone(), text.as_str().to_owned())),
        _ => None,
    });
    sent.collect()
}

#[test]
fn shows_a_message_until_its_echo() {
    let mut app = chatting(Lang::En, 80, 24);
    let all = sent(&app.enter_line("hello"));
    assert_eq!(all.len(), 1);
    let id = &all[0].0;
    assert_eq!(app.chat.timeline.outgoing.find(id).unwrap().state, DeliveryState::Queued);
    app.take_all([own(id, DeliveryState::Written), confirmed(id, None)]);
    assert!(app.chat.timeline.outgoing.find(id).unwrap().is_confirmed());
    app.take_all([said("Keen Bob", "hello", 1)]);
    assert!(app.chat.timeline.outgoing.as_slice().is_empty());
    let last = app.chat.timeline.newest_first().next().unwrap().as_message().unwrap().clone();
    assert!(last.own && last.confirmed && last.text == "hello");
}

#[test]
fn retries_edits_and_discards_messages() {
    let mut app = chatting(Lang::En, 80, 24);
    for text in ["one", "two", "three"] {
        let id = sent(&app.enter_line(text))[0].0.clone();
        app.take_all([refused(&id)]);
    }
    app.control('o');
    let effects = app.press(KeyCode::Char('r'));
    assert!(matches!(&effects[..], [Effect::Resend { text, .. }] if text.as_str() == "three"));
    app.control('o');
    app.press(KeyCode::Esc);
    app.type_in("draft");
    app.control('o');
    assert!(app.press(KeyCode::Char('e')).is_empty(), "it is kept until there is something in its place");
    assert_eq!(app.chat.input.text(), "two");
    let effects = app.enter_line("!");
    assert!(matches!(&effects[..], [Effect::Send { text, .. }, Effect::Discard { .. }] if text.as_str() == "two!"));
    app.press(KeyCode::Up);
    app.press(KeyCode::Up);
    assert_eq!(app.chat.input.text(), "draft");
    let written = sent(&app.press(KeyCode::Enter))[0].0.clone();
    app.take_all([confirmed(&written, None), said("Keen Bob", "draft", 1)]);
    let changed =
        app.chat.timeline.outgoing.as_slice().iter().find(|own| own.text.as_str() == "two!").unwrap().id.clone();
    app.take_all([confirmed(&changed, None), said("Keen Bob", "two!", 1)]);
    app.control('o');
    app.press(KeyCode::Char('d'));
    let left: Vec<&str> = app.chat.timeline.outgoing.as_slice().iter().map(|own| own.text.as_str()).collect();
    assert_eq!(left, ["three"]);
}

#[test]
fn mention_notifies_with_a_clean_name() {
    let mut app = chatting(Lang::En, 80, 24);
    let effects = app.take_all([said("E\u{1b}]0;x\u{7}ve", "bob, look\nhere", 1)]);
    let Some(Effect::Notify(text)) = effects.first() else { panic!("{effects:?}") };
    assert!(text.ends_with("bob, look") && !text.contains(['\u{1b}', '\u{7}']), "{text:?}");
    assert!(app.take_all([said("Eve", "bobby", 1)]).is_empty());
}

#[test]
fn gap_settles_confirmed_messages() {
    let mut app = chatting(Lang::En, 80, 24);
    let id = sent(&app.enter_line("hello"))[0].0.clone();
    app.take_all([confirmed(&id, None)]);
    let gap = gap(10, 70, Some(3), GapCause::Disconnected);
    app.take_all([AppEvent::Incoming(vec![gap])]);
    assert!(app.chat.timeline.outgoing.as_slice().is_empty());
    let text = screen(&app);
    assert!(text.contains("✓ hello"), "{text}");
    assert!(text.contains("17:07 – 17:08 not connected: 3 messages are missing"), "{text}");
}

#[test]
fn matches_an_echo_before_its_receipt() {
    let mut app = chatting(Lang::En, 80, 24);
    let numbered = |seq| heard("Keen Bob", "yes", 1, Some(("s", seq)), None);
    let left = sent(&app.enter_line("yes"))[0].0.clone();
    app.take_all([own(&left, DeliveryState::Unconfirmed)]);
    let id = sent(&app.enter_line("yes"))[0].0.clone();
    app.take_all([own(&id, DeliveryState::Written), AppEvent::Incoming(vec![numbered(7)])]);
    assert!(app.chat.timeline.outgoing.find(&left).is_some());
    app.take_all([confirmed(&id, Some(("s", 7)))]);
    let text = screen(&app);
    assert_eq!((text.matches("✓ yes").count(), text.matches("? yes").count()), (1, 1), "{text}");
    assert_eq!(text.matches("yes").count(), 2, "{text}");
}

#[test]
fn matches_a_numbered_echo_after_a_gap() {
    let mut app = chatting(Lang::En, 80, 24);
    let id = sent(&app.enter_line("hello"))[0].0.clone();
    app.take_all([confirmed(&id, Some(("new", 2)))]);
    let gap = gap(10, 70, None, GapCause::OtherStream);
    let echo = heard("Keen Bob", "hello", 1, Some(("new", 2)), None);
    app.take_all([AppEvent::Incoming(vec![gap, echo])]);
    assert_eq!(screen(&app).matches("✓ hello").count(), 1, "{}", screen(&app));
}

#[test]
fn one_port_online_wakes_the_other() {
    let waiting = || LinkState::Waiting { attempt: 3, retry_at: at(20), cause: LinkError::ConnectionRefused };
    let mut app = chatting(Lang::En, 80, 24);
    app.take_all([AppEvent::Link(LinkSide::Listening, waiting()), AppEvent::Link(LinkSide::Writing, waiting())]);
    assert!(app.enter_line("are you there?").contains(&Effect::RetryNow), "Enter tries at once");
    let effects = app.take_all([AppEvent::Link(LinkSide::Listening, LinkState::Online)]);
    assert_eq!(effects, [Effect::RetryNow]);
    assert_eq!(app.take_all([AppEvent::Link(LinkSide::Listening, LinkState::Online)]), []);
    assert_eq!(app.take_all([AppEvent::Link(LinkSide::Writing, LinkState::Online)]), []);
}

#[test]
fn adjacent_gaps_are_one() {
    let mut app = chatting(Lang::En, 80, 24);
    let gaps = [(10, 20, Some(1)), (30, 40, Some(2)), (50, 60, Some(3))];
    for (since, until, missed) in gaps {
        app.take_all([AppEvent::Incoming(vec![gap(since, until, missed, GapCause::Disconnected)])]);
    }
    let text = screen(&app);
    assert!(text.contains("6 messages are missing"), "{text}");
    assert_eq!(text.matches("gap ╎").count(), 1, "{text}");
    app.take_all([
        said("Jolly Ann", "between", 61),
        AppEvent::Incoming(vec![gap(70, 80, None, GapCause::Disconnected)]),
    ]);
    assert_eq!(screen(&app).matches("gap ╎").count(), 2, "{}", screen(&app));
}

#[test]
fn own_lines_of_another_program_are_not_new() {
    let mut app = chatting(Lang::En, 80, 24);
    for number in 0..100 {
        app.take_all([said("Jolly Ann", &format!("number {number}"), number)]);
    }
    app.press(KeyCode::PageUp);
    app.take_all([said("Keen Bob", "from my phone", 101)]);
    assert_eq!(app.chat.timeline.below(), 0);
    app.take_all([said("Jolly Ann", "new", 102)]);
    assert_eq!(app.chat.timeline.below(), 1);
}

pub(crate) fn screen(app: &App) -> String {
    let buffer = crate::view::draw(app, Theme::Dark, app.width, app.height).buffer;
    let mut text = String::new();
    for y in 0..app.height {
        let mut row = String::new();
        let mut skip = 0;
        for x in 0..app.width {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            skip = crate::width::text_width(symbol).saturating_sub(1);
            row.push_str(symbol);
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

fn any_message() -> impl Strategy<Value = AppEvent> {
    let codes = vec![
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Tab,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Left,
        KeyCode::PageUp,
        KeyCode::PageDown,
        KeyCode::Home,
        KeyCode::Backspace,
        KeyCode::F(1),
        KeyCode::F(2),
        KeyCode::Char('1'),
        KeyCode::Char('n'),
        KeyCode::Char('r'),
        KeyCode::Char('/'),
        KeyCode::Char('漢'),
        KeyCode::Char('\u{301}'),
        KeyCode::Char('o'),
        KeyCode::Char('f'),
        KeyCode::Char('y'),
    ];
    let modifiers = vec![KeyModifiers::NONE, KeyModifiers::NONE, KeyModifiers::CONTROL, KeyModifiers::ALT];
    let key = (proptest::sample::select(codes), proptest::sample::select(modifiers))
        .prop_map(|(code, modifiers)| AppEvent::Key(crossterm::event::KeyEvent::new(code, modifiers)));
    prop_oneof![
        8 => key,
        1 => ".{0,20}".prop_map(AppEvent::Paste),
        1 => "(a\n){0,40}".prop_map(AppEvent::Paste),
        2 => (0u16..120, 0u16..60).prop_map(|(width, height)| AppEvent::Resize { width, height }),
        3 => (".{0,10}", "(.|\n){0,80}").prop_map(|(sender, text)| said(&sender, &text, 5)),
        1 => Just(AppEvent::Link(LinkSide::Writing, LinkState::Closed { cause: Some(LinkError::UnknownToken) })),
        1 => Just(AppEvent::Link(LinkSide::Listening, LinkState::Waiting { attempt: 3, retry_at: at(9), cause: LinkError::Lost })),
        1 => Just(own(&post_id("typed-1"), DeliveryState::Unconfirmed)),
        1 => Just(AppEvent::Page(PageRequest::Tail, page(100..300, 300))),
        1 => Just(AppEvent::Page(PageRequest::Tail, HistoryPage { lines: Vec::new(), at_start: true, at_end: true, end: 0 })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    /// Any events on a screen of any size: no panic, and no cell that controls a terminal.
    #[test]
    fn no_event_breaks_the_screen(messages in proptest::collection::vec(any_message(), 0..40)) {
        let mut app = chatting(Lang::Ru, 80, 24);
        for message in messages {
            app.update(message, at(6));
            let drawing = crate::view::draw(&app, Theme::Dark, app.width, app.height);
            // A resize may reach the terminal before the application.
            crate::view::draw(&app, Theme::None, app.height / 2 + 1, app.width / 2 + 1);
            for cell in drawing.buffer.content() {
                prop_assert!(!cell.symbol().chars().any(char::is_control), "{:?}", cell.symbol());
            }
        }
    }
}
