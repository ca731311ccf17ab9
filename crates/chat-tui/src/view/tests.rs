//! Tests of whole screens at the sizes that matter, and of hostile text that must not reach a terminal.

mod evening;
mod pictures;
mod screens;

use std::time::Duration;

use chat_client::{DeliveryState, GapCause, PostId};
use chat_frontend::local_room::RoomNotice;
use crossterm::event::KeyCode;
use jiff::civil::DateTime;
use ratatui::style::{Color, Modifier};

use crate::app::App;
use crate::app::tests::screen;
use crate::app::tests::support::{self, account, at, chatting, fresh, said};
use crate::effect::Effect;
use crate::event::{AppEvent, NoticeText, Registered, SearchHit};
use crate::lang::Lang;
use crate::link::{LinkError, LinkSide, LinkState};
use crate::theme::Theme;
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

/// Text of peers, wherever it comes from, reaches no cell and no title unchanged.
#[test]
fn hostile_text_is_harmless_everywhere() {
    let corpus = [
        "\u{1b}[2J\u{1b}[1;1H",
        "\u{1b}]0;title\u{7}",
        "\u{9b}31m",
        "\u{202e}drow\u{2066}",
        "a\rb\u{8}c\u{7f}",
        "\u{200b}\u{feff}\u{e0041}\u{ad}",
        &format!("a{}", "\u{301}".repeat(60)),
        "\u{1}{\"ok\":1}",
        "tab\there",
    ];
    for evil in corpus {
        let mut app = chatting(Lang::En, 60, 20);
        app.chat.timeline.read_again();
        let line =
            PageLine { at: None, sender: Some(evil.into()), text: evil.into(), mark: FileSpan { start: 0, end: 9 } };
        let page = HistoryPage { lines: vec![line], at_start: true, at_end: true, end: 9 };
        let mut effects = app.take_all([AppEvent::Tick, AppEvent::Page(PageRequest::Tail, page), said(evil, evil, 1)]);
        effects.extend(app.take_all([AppEvent::Notice { text: NoticeText::File(evil.into()), error: true }]));
        app.take_all([AppEvent::Paste(format!("{evil}\n{evil}"))]);
        let with_paste = screen(&app);
        app.press(KeyCode::Esc);
        app.take_all([AppEvent::Paste(evil.into())]);
        let with_text = screen(&app);
        if chat_client::Nickname::new(evil).is_ok() {
            let mut other = fresh(Lang::En, 60, 20);
            effects.extend(other.take_all([AppEvent::Accounts(vec![account(evil, "token")])]));
            assert_harmless(&screen(&other), evil);
        }
        assert_harmless(&with_paste, evil);
        assert_harmless(&with_text, evil);
        for effect in effects {
            if let Effect::Notify(text) = effect {
                assert!(!text.chars().any(char::is_control), "{evil:?} in {text:?}");
                assert_harmless(&text, evil);
            }
        }
    }
}

fn assert_harmless(text: &str, evil: &str) {
    let bad = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    assert!(!text.chars().any(bad), "{evil:?} in {text:?}");
    let marks = text.chars().fold((0, 0), |(run, most), c| {
        let run = if c == '\u{301}' { run + 1 } else { 0 };
        (run, most.max(run))
    });
    assert!(marks.1 < 12, "a tower of {} marks", marks.1);
}

#[test]
fn colours_say_nothing_alone() {
    let app = evening(Lang::En, 80, 24);
    let draw = |theme| crate::view::draw(&app, theme, app.width, app.height).buffer;
    let (colour, mono) = (draw(Theme::Dark), draw(Theme::None));
    for (with, without) in colour.content().iter().zip(mono.content()) {
        assert_eq!(with.symbol(), without.symbol());
        assert_eq!((without.fg, without.bg), (Color::Reset, Color::Reset));
    }
    assert!(colour.content().iter().any(|cell| cell.fg != Color::Reset), "the coloured screen has colours");
    let text = screen(&app);
    for word in
        ["✓ good", "→ see", "✗ or the day after failed:", "? good night unconfirmed", " new since", "gap ╎ 37 s"]
    {
        assert!(text.contains(word), "{word}\n{text}");
    }
}

#[test]
fn shows_the_round_trip() {
    let mut app = chatting(Lang::En, 100, 24);
    app.take_all([AppEvent::RoundTrip(Duration::from_millis(34))]);
    assert!(screen(&app).contains("34 ms"));
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

#[test]
fn long_address_is_one_link_on_all_rows() {
    let mut app = chatting(Lang::En, 80, 24);
    let address = format!("https://a.example/{}", "0123456789".repeat(14));
    app.take_all([said("Jolly Ann", &format!("see {address} there"), 1)]);
    let linked = |app: &App| {
        let drawing = super::draw(app, Theme::Dark, 80, 24);
        let cells = |link: &crate::drawing::ScreenLink| {
            assert_eq!(link.address, address);
            link.columns.clone().map(|x| drawing.buffer[(x, link.row)].symbol()).collect::<String>()
        };
        drawing.links.iter().map(cells).collect::<Vec<_>>()
    };
    let rows = linked(&app);
    assert!(rows.len() > 1 && rows.concat() == address, "{rows:?}");
    app.press(KeyCode::F(1));
    assert!(linked(&app).iter().all(|text| address.contains(text.as_str())), "a window covers its links");
}

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
        step(&mut evening, "a hint");
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
    assert_eq!(line(80, |_| {}), " ● online  1 ms                                                         F1 help");
    let back = |evening: &mut Evening| {
        evening.app.press(KeyCode::PageUp);
        evening.said("Sincere Ann", "one more");
    };
    assert_eq!(line(80, back), " ● online  1 ms        ↓ 1 new · Esc end                                F1 help");
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

/// Wherever colours differ, so does the drawing without them, row by row.
#[test]
fn nothing_is_said_by_colour_alone() {
    let drawn = |app: &App, theme| crate::view::draw(app, theme, app.width, app.height).buffer;
    let all: Vec<_> = screens::screens().into_iter().map(|screen| (screen.name, screen.app)).collect();
    for (one, first) in &all {
        let (colour, plain) = (drawn(first, Theme::Dark), drawn(first, Theme::None));
        for (other, second) in all.iter().filter(|(_, app)| (app.width, app.height) == (first.width, first.height)) {
            let (colour_too, plain_too) = (drawn(second, Theme::Dark), drawn(second, Theme::None));
            let width = usize::from(first.width);
            for y in 0..usize::from(first.height) {
                let row = |buffer: &ratatui::buffer::Buffer| buffer.content()[y * width..(y + 1) * width].to_vec();
                let differ = row(&colour) != row(&colour_too);
                assert_eq!(differ, row(&plain) != row(&plain_too), "row {y} of {one} and {other}");
            }
        }
    }
}

/// What the painter writes is what a terminal shows, on each screen and in each theme.
#[test]
fn a_parser_reads_every_screen() {
    for screen in screens::screens() {
        for theme in [Theme::Dark, Theme::Light, Theme::Neutral, Theme::None] {
            let app = &screen.app;
            let drawing = crate::view::draw(app, theme, app.width, app.height);
            let mut painter = crate::painter::Painter::new(Vec::new(), false);
            painter.paint(drawing.clone()).unwrap();
            let mut parser = vt100::Parser::new(app.height, app.width, 0);
            parser.process(painter.out());
            let at = |x, y| parser.screen().cell(y, x).unwrap().clone();
            let colour = |colour| match colour {
                Color::Indexed(index) => vt100::Color::Idx(index),
                _ => vt100::Color::Default,
            };
            for y in 0..app.height {
                for x in 0..app.width {
                    let (wanted, cell) = (&drawing.buffer[(x, y)], at(x, y));
                    if cell.is_wide_continuation() {
                        continue;
                    }
                    let place = format!("{x},{y} of {} at {}x{} {theme:?}", screen.name, app.width, app.height);
                    let shown = if cell.contents().is_empty() { " " } else { cell.contents() };
                    assert_eq!(shown, wanted.symbol(), "{place}");
                    assert_eq!((cell.fgcolor(), cell.bgcolor()), (colour(wanted.fg), colour(wanted.bg)), "{place}");
                    let has = |modifier| wanted.modifier.contains(modifier);
                    let (bold, reversed) = (has(Modifier::BOLD), has(Modifier::REVERSED));
                    assert_eq!((cell.bold(), cell.inverse()), (bold, reversed), "{place}");
                }
            }
        }
    }
}

#[test]
fn signs_have_an_ascii_form() {
    let app = Evening::begin(Lang::En, 80, 24).return_to_news().lose_the_connection().app;
    let mut drawing = crate::view::draw(&app, Theme::None, app.width, app.height);
    drawing.use_ascii();
    let signs = |symbol: &str| symbol.chars().all(|c| c.is_ascii() || c.is_alphabetic() || c == '🍵');
    assert!(drawing.buffer.content().iter().all(|cell| signs(cell.symbol())), "{:?}", drawing.buffer);
}
