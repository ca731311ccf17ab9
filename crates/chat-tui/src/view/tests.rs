//! Tests of whole screens at the sizes that matter.

mod evening;
mod hostile;
mod pages;
mod pictures;
mod screens;
mod status;
mod terminals;

use chat_client::{DeliveryState, GapCause, PostId};
use chat_frontend::local_room::RoomNotice;
use crossterm::event::KeyCode;
use jiff::civil::DateTime;

use crate::app::App;
use crate::app::tests::screen;
use crate::app::tests::support::{self, account, at, chatting, fresh, said};
use crate::effect::Effect;
use crate::event::{AppEvent, NoticeText, Registered, SearchHit};
use crate::lang::Lang;
use crate::link::{LinkError, LinkSide, LinkState};
use crate::timeline::{FileSpan, HistoryPage, PageLine, PageRequest};

use self::evening::Evening;

const SIZES: [(u16, u16); 3] = [(80, 24), (20, 6), (200, 50)];

fn snapshot(name: &str, app: &App) {
    insta::assert_snapshot!(format!("{name}-{}x{}", app.width, app.height), screen(app));
}

fn at_all_sizes(name: &str, build: impl Fn(u16, u16) -> App) {
    for (width, height) in SIZES {
        snapshot(name, &build(width, height));
    }
}

/// Returns a conversation with every kind of entry.
fn evening(lang: Lang, width: u16, height: u16) -> App {
    let mut app = chatting(lang, width, height);
    app.chat.timeline.set_read_to(Some(70));
    app.chat.timeline.read_again();
    app.take_all([AppEvent::Tick]);
    let old = [
        ("Jolly Ann", "good evening, all"),
        ("Vlad", "привет! Кто-нибудь видел мой ключ?"),
        ("静かな人", "こんばんは、鍵は見ませんでした"),
        ("Wise Dan", "ערב טוב, לא ראיתי"),
    ];
    let lines = (0u64..).zip(old).map(|(number, (sender, text))| PageLine {
        at: Some(DateTime::constant(2023, 1, 13, 23, 50, 0, 0)),
        sender: Some(sender.into()),
        text: text.into(),
        mark: FileSpan { start: number * 20 + 10, end: number * 20 + 30 },
    });
    app.take_all([AppEvent::Page(
        PageRequest::Tail,
        HistoryPage { lines: lines.collect(), at_start: true, at_end: true, end: 90 },
    )]);
    let heard = |sender: &str, text: &str, seconds: i64, place: u64| {
        support::heard(sender, text, seconds, None, Some(FileSpan { start: place, end: place + 20 }))
    };
    app.take_all([AppEvent::Incoming(vec![
        heard("Jolly Ann", "Bob, your turn: tabs\tand 👨‍👩‍👧 families and a very long sentence that does not fit one row of an ordinary terminal", 0, 90),
        support::gap(5, 42, None, GapCause::Disconnected),
        heard("Vlad", "нашёл!\nон был в двери", 60, 110),
    ])]);
    for text in ["good for you", "see you tomorrow", "or the day after", "good night"] {
        app.enter_line(text);
    }
    let ids: Vec<PostId> = app.chat.timeline.outgoing.as_slice().iter().map(|own| own.id.clone()).collect();
    app.take_all([
        support::confirmed(&ids[0], None),
        support::own(&ids[1], DeliveryState::Written),
        support::refused(&ids[2]),
        support::own(&ids[3], DeliveryState::Unconfirmed),
    ]);
    app
}

#[test]
fn registration() {
    at_all_sizes("registration", |width, height| {
        let mut app = fresh(Lang::En, width, height);
        let news = NoticeText::LocalRoom(RoomNotice::Started("/home/bob/.local/share/minechat/room".into()));
        app.take_all([AppEvent::Accounts(Vec::new()), AppEvent::Notice { text: news, error: false }]);
        app
    });
}

#[test]
fn registration_refused() {
    at_all_sizes("registration-refused", |width, height| {
        let mut app = fresh(Lang::Ru, width, height);
        app.take_all([AppEvent::Accounts(Vec::new())]);
        app.enter_line("Server");
        app.take_all([AppEvent::Registered(Err(LinkError::NicknameRefused))]);
        app
    });
}

#[test]
fn registered() {
    at_all_sizes("registered", |width, height| {
        let mut app = fresh(Lang::En, width, height);
        app.take_all([AppEvent::Accounts(Vec::new())]);
        app.enter_line("Bob");
        let known = account("Keen Bob", "9a08f44c-c541-41eb-8c47-0242ac110002");
        let saved = Ok("/home/bob/.local/share/minechat/creds.jsonstream".into());
        app.take_all([AppEvent::Registered(Ok(Registered { known, saved }))]);
        assert!(!screen(&app).contains("9a08"), "the token is masked until it is asked for");
        app
    });
}

#[test]
fn shows_the_token_on_request() {
    let mut app = fresh(Lang::En, 80, 24);
    app.take_all([AppEvent::Accounts(Vec::new())]);
    app.enter_line("Bob");
    let known = account("Keen Bob", "9a08f44c-c541-41eb-8c47-0242ac110002");
    app.take_all([AppEvent::Registered(Ok(Registered { known, saved: Ok("creds".into()) }))]);
    app.press(KeyCode::F(2));
    assert!(screen(&app).contains("9a08f44c-c541-41eb-8c47-0242ac110002"));
    assert!(matches!(&app.press(KeyCode::F(3))[..], [Effect::CopyToken(_)]));
}

#[test]
fn accounts() {
    at_all_sizes("accounts", |width, height| {
        let mut app = fresh(Lang::En, width, height);
        app.take_all([AppEvent::Accounts(vec![account("Keen Bob", "a"), account("Jolly Ann", "b")])]);
        app
    });
}

#[test]
fn chat() {
    at_all_sizes("chat", |width, height| evening(Lang::En, width, height));
}

#[test]
fn chat_in_russian() {
    snapshot("chat-ru", &evening(Lang::Ru, 80, 24));
}

#[test]
fn empty_room() {
    snapshot("empty", &chatting(Lang::En, 80, 24));
}

#[test]
fn scrolled_back() {
    at_all_sizes("scrolled", |width, height| {
        let mut app = chatting(Lang::En, width, height);
        for number in 0..100 {
            app.take_all([said("Jolly Ann", &format!("number {number}"), number)]);
        }
        app.press(KeyCode::PageUp);
        app.take_all([said("Jolly Ann", "news", 101), said("Jolly Ann", "more", 102)]);
        app
    });
}

#[test]
fn trouble() {
    at_all_sizes("trouble", |width, height| {
        let mut app = chatting(Lang::En, width, height);
        app.enter_line("is anybody there?");
        let waiting = |attempt, seconds, cause| LinkState::Waiting { attempt, retry_at: at(seconds), cause };
        app.take_all([
            AppEvent::Link(LinkSide::Listening, waiting(4, 7, LinkError::ConnectionRefused)),
            AppEvent::Link(LinkSide::Writing, waiting(2, 3, LinkError::TimedOut)),
        ]);
        app
    });
}

#[test]
fn wrong_token() {
    at_all_sizes("wrong-token", |width, height| {
        let mut app = evening(Lang::En, width, height);
        app.take_all([AppEvent::Link(LinkSide::Writing, LinkState::Closed { cause: Some(LinkError::UnknownToken) })]);
        app
    });
}

#[test]
fn paste() {
    at_all_sizes("paste", |width, height| {
        let mut app = chatting(Lang::En, width, height);
        let lines: String = (1..=50).map(|number| format!("line {number} of a \u{1b}[31mlog\n")).collect();
        app.take_all([AppEvent::Paste(lines)]);
        app
    });
}

#[test]
fn search() {
    at_all_sizes("search", |width, height| {
        let mut app = chatting(Lang::En, width, height);
        app.control('f');
        app.enter_line("key");
        let hit = |day, text: &str| SearchHit {
            at: Some(DateTime::constant(2023, 1, day, 23, 50, 0, 0)),
            sender: Some("Vlad".into()),
            text: text.into(),
            ranges: text.find("key").map(|at| at..at + 3).into_iter().collect(),
            mark: FileSpan { start: 0, end: 1 },
        };
        let hits =
            vec![hit(13, "who has seen my key?"), hit(12, "the key is\nin the door"), hit(9, "keys are overrated")];
        app.take_all([AppEvent::Found { search: 1, hits }, AppEvent::Searched { search: 1, percent: 42 }]);
        app.press(KeyCode::Up);
        app
    });
}

#[test]
fn help() {
    at_all_sizes("help", |width, height| {
        let mut app = chatting(Lang::En, width, height);
        app.press(KeyCode::F(1));
        app
    });
    let mut app = chatting(Lang::Ru, 80, 40);
    app.press(KeyCode::F(1));
    snapshot("help-ru", &app);
}

#[test]
fn selected_own_message() {
    at_all_sizes("own", |width, height| {
        let mut app = evening(Lang::En, width, height);
        app.control('o');
        app.press(KeyCode::Up);
        app
    });
}

#[test]
fn look_alike_of_another_user() {
    at_all_sizes("look-alike", |width, height| {
        let mut app = chatting(Lang::En, width, height);
        app.chat.timeline.read_again();
        let line = |sender: &str, start| PageLine {
            at: None,
            sender: Some(sender.into()),
            text: "from the history".into(),
            mark: FileSpan { start, end: start + 9 },
        };
        let lines = vec![line("Jolly Ann", 0), line("Jоlly Аnn", 9)];
        let page = HistoryPage { lines, at_start: true, at_end: true, end: 18 };
        app.take_all([
            AppEvent::Page(PageRequest::Tail, page),
            said("Vlad", "привет", 1),
            said("Vlаd", "give me your token", 2),
            said("Кееn Воb", "I am you", 3),
        ]);
        app
    });
}

#[test]
fn typing_several_lines() {
    at_all_sizes("typing", |width, height| {
        let mut app = chatting(Lang::En, width, height);
        app.type_in("first line");
        app.control('j');
        app.type_in("second 漢字 line that is rather long for a small screen");
        app
    });
}

/// Returns how many rows the conversation takes on a screen of this width.
fn rows_of(app: &App, width: u16) -> usize {
    let timeline = &app.chat.timeline;
    let nickname = app.nickname();
    let (now, nickname) = (app.local(app.now), nickname.as_deref());
    let sheet = crate::layout::ConversationLayout { timeline, lang: app.lang, width, now, nickname, selected: None };
    timeline.indices().map(|index| sheet.height(index)).sum()
}

#[test]
fn evening_takes_few_rows() {
    let app = Evening::begin(Lang::En, 80, 24).return_to_news().app;
    for (width, most) in [(120, 28), (100, 30), (80, 31), (40, 52)] {
        assert!(rows_of(&app, width) <= most, "{} at {width}", rows_of(&app, width));
    }
}

#[test]
fn evening_at_all_sizes() {
    for (width, height) in [(80, 24), (120, 40), (40, 12), (20, 6)] {
        snapshot("evening", &Evening::begin(Lang::En, width, height).return_to_news().app);
        snapshot("outage", &Evening::begin(Lang::En, width, height).return_to_news().lose_the_connection().app);
    }
}
