//! Tests of accounts, registration, and of entering and leaving the room.

use super::*;

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
fn an_empty_room_says_how_others_join() {
    let mut app = chatting(Lang::En, 80, 24);
    assert!(screen(&app).contains("chat-tui --share 127.0.0.1"), "{}", screen(&app));
    app.place = "chat.example".into();
    assert!(screen(&app).contains("Others join with: chat-tui -lh chat.example"), "{}", screen(&app));
    let started = NoticeText::LocalRoom(RoomNotice::Started("room".into()));
    app.take_all([AppEvent::Notice { text: started, error: false }]);
    assert!(app.local_room);
}
