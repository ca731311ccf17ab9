//! Tests of the application: events in, state and effects out.

mod delivery;
mod reading;
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
fn shows_early_notices_in_the_chat() {
    for names in [&["Keen Bob"][..], &["Keen Bob", "Jolly Ann"]] {
        let mut app = fresh(Lang::En, 80, 24);
        let news = NoticeText::InTheClear("chat.example:5050".into());
        app.take_all([AppEvent::Notice { text: news, error: false }, accounts(names)]);
        app.press(KeyCode::Char('1'));
        assert_eq!(app.screen, Screen::Chat);
        let notices =
            app.chat.timeline.newest_first().filter(|entry| format!("{entry:?}").contains("without encryption"));
        assert_eq!(notices.count(), 1);
    }
}

#[test]
fn number_of_accounts_decides_the_start() {
    let mut none = fresh(Lang::En, 80, 24);
    none.take_all([accounts(&[])]);
    assert_eq!(none.screen, Screen::Registration);

    let mut one = fresh(Lang::En, 80, 24);
    let effects = one.take_all([accounts(&["Keen Bob"])]);
    assert_eq!((one.screen, entered(&effects)), (Screen::Chat, Some("Keen Bob")));

    let mut two = fresh(Lang::En, 80, 24);
    two.take_all([accounts(&["Keen Bob", "Jolly Ann"])]);
    assert_eq!(two.screen, Screen::Accounts);
    two.press(KeyCode::Down);
    assert_eq!(entered(&two.press(KeyCode::Enter)), Some("Jolly Ann"));
}

#[test]
fn removes_only_the_confirmed_account() {
    let mut app = fresh(Lang::En, 80, 24);
    app.take_all([accounts(&["Keen Bob", "Jolly Ann"])]);
    for other in [KeyCode::Char('x'), KeyCode::Char('n'), KeyCode::Char('1'), KeyCode::Enter, KeyCode::Down] {
        app.press(KeyCode::Char('d'));
        assert!(app.accounts.removing);
        assert!(app.press(other).is_empty(), "{other:?}");
        assert!(app.press(KeyCode::Char('y')).is_empty(), "{other:?}");
        assert_eq!(app.screen, Screen::Accounts, "{other:?}");
    }
    // The same keys in a Russian layout.
    app.press(KeyCode::Char('в'));
    let effects = app.press(KeyCode::Char('н'));
    let gone = account("Jolly Ann", "token of Jolly Ann").account;
    assert_eq!(effects, [Effect::ForgetAccount(gone)]);
    app.press(KeyCode::Char('т'));
    assert_eq!(app.screen, Screen::Registration);
}

#[test]
fn asks_about_an_ambiguous_name() {
    let mut app = fresh(Lang::En, 80, 24);
    app.wanted.as_mut().unwrap().nickname = Some("Bob".into());
    app.take_all([accounts(&["Ann", "Keen Bob", "Jolly Bob"])]);
    assert_eq!(app.screen, Screen::Accounts);

    let mut app = fresh(Lang::En, 80, 24);
    app.wanted.as_mut().unwrap().nickname = Some("Keen Bob".into());
    assert_eq!(entered(&app.take_all([accounts(&["Ann", "Keen Bob", "Jolly Bob"])])), Some("Keen Bob"));
}

#[test]
fn registers_once_and_offers_the_chat() {
    let mut app = fresh(Lang::En, 80, 24);
    app.take_all([accounts(&[])]);
    assert!(app.press(KeyCode::Enter).is_empty());
    assert!(matches!(app.registration.step, RegistrationStep::Refused(_)));
    let effects = app.enter_line("Bob");
    assert!(matches!(&effects[..], [Effect::Register { nickname, only_missing: false }] if nickname.as_str() == "Bob"));
    assert!(app.press(KeyCode::Enter).is_empty(), "it is asked already");
    let registered = Registered { known: account("Keen Bob", "t"), saved: Ok("creds".into()) };
    app.take_all([AppEvent::Registered(Ok(registered))]);
    assert_eq!(app.registration.focus, Focus::EnterChat);
    assert_eq!(entered(&app.press(KeyCode::Enter)), Some("Keen Bob"));
}

#[test]
fn refused_nickname_can_be_changed() {
    let mut app = fresh(Lang::En, 80, 24);
    app.take_all([accounts(&[])]);
    app.enter_line("Server");
    app.take_all([AppEvent::Registered(Err(LinkError::NicknameRefused))]);
    assert!(matches!(&app.registration.step, RegistrationStep::Refused(why) if why.contains("refused")));
    app.type_in("2");
    assert_eq!((app.registration.field.text(), &app.registration.step), ("Server2", &RegistrationStep::Typing));
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
fn wrong_token_asks_and_never_retries() {
    let mut app = chatting(Lang::En, 80, 24);
    app.take_all([AppEvent::Link(LinkSide::Writing, LinkState::Closed { cause: Some(LinkError::UnknownToken) })]);
    assert!(matches!(app.dialog, Some(Dialog::WrongToken { .. })));
    assert!(app.control('r').is_empty());
    app.press(KeyCode::Char('1'));
    assert_eq!(app.screen, Screen::Accounts);
    assert!(app.dialog.is_none());
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
fn mention_notifies_with_a_clean_name() {
    let mut app = chatting(Lang::En, 80, 24);
    let effects = app.take_all([said("E\u{1b}]0;x\u{7}ve", "bob, look\nhere", 1)]);
    let Some(Effect::Notify(text)) = effects.first() else { panic!("{effects:?}") };
    assert!(text.ends_with("bob, look") && !text.contains(['\u{1b}', '\u{7}']), "{text:?}");
    assert!(app.take_all([said("Eve", "bobby", 1)]).is_empty());
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
    app.press(KeyCode::F(1));
    app.take_all([AppEvent::Wheel(3)]);
    assert!(matches!(app.dialog, Some(Dialog::Help { scroll: 3 })), "{:?}", app.dialog);
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
    assert!(screen(&app).contains("Paste: 1 line, 500 bytes"), "{}", screen(&app));
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
fn registers_the_name_of_the_command_line() {
    let start = |names: &[&str]| {
        let mut app = fresh(Lang::En, 80, 24);
        app.wanted.as_mut().unwrap().nickname = Some("Bob".into());
        let effects = app.take_all([accounts(names)]);
        (app, effects)
    };
    let (mut app, effects) = start(&[]);
    let started = NoticeText::LocalRoom(RoomNotice::Started("room".into()));
    app.take_all([AppEvent::Notice { text: started, error: false }]);
    assert!(effects.iter().any(
        |effect| matches!(effect, Effect::Register { nickname, only_missing: true } if nickname.as_str() == "Bob")
    ));
    let registered = Registered { known: account("Keen Bob", "token"), saved: Ok("creds".into()) };
    assert_eq!(entered(&app.take_all([AppEvent::Registered(Ok(registered))])), Some("Keen Bob"));
    let nothing = HistoryPage { lines: Vec::new(), at_start: true, at_end: true, end: 0 };
    app.take_all([AppEvent::Page(PageRequest::Tail, nothing)]);
    assert!(app.screen == Screen::Chat && screen(&app).contains("Registered as Keen Bob"), "{}", screen(&app));
    assert!(screen(&app).contains("No server was running"), "{}", screen(&app));

    let (mut app, _) = start(&[]);
    app.take_all([AppEvent::Registered(Err(LinkError::NicknameRefused))]);
    assert!(app.screen == Screen::Registration && screen(&app).contains("refused"), "{}", screen(&app));
    let (_, effects) = start(&["Keen Bob"]);
    assert_eq!(entered(&effects), Some("Keen Bob"));
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
fn search_explains_a_bad_expression() {
    let mut app = chatting(Lang::Ru, 80, 24);
    app.enter_line("/search /[/");
    app.take_all([AppEvent::SearchFailed { search: 1, reason: "unclosed character class".into() }]);
    let text = screen(&app);
    assert!(text.contains("неверное регулярное выражение: не закрыта скобка ["), "{text}");
    assert!(!text.contains("найдено"), "{text}");
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

#[test]
fn leaving_others_behind_is_asked_about() {
    let mut app = chatting(Lang::En, 80, 24);
    app.take_all([AppEvent::Guests(2)]);
    assert_eq!(app.control('q'), []);
    assert!(screen(&app).contains("2 other programs are"), "{}", screen(&app));
    app.press(KeyCode::Enter);
    assert!(app.dialog.is_none() && !app.quitting, "the first choice is to stay");
    app.control('q');
    assert_eq!(app.control('q').last(), Some(&Effect::Quit));
    let mut app = chatting(Lang::En, 80, 24);
    app.take_all([AppEvent::Guests(1), AppEvent::Quit]);
    assert!(app.quitting, "a signal is not a question");
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
fn an_empty_room_says_how_others_join() {
    let mut app = chatting(Lang::En, 80, 24);
    assert!(screen(&app).contains("chat-tui --share 127.0.0.1"), "{}", screen(&app));
    app.place = "chat.example".into();
    assert!(screen(&app).contains("Others join with: chat-tui -lh chat.example"), "{}", screen(&app));
    let started = NoticeText::LocalRoom(RoomNotice::Started("room".into()));
    app.take_all([AppEvent::Notice { text: started, error: false }]);
    assert!(app.local_room);
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
