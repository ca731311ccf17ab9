//! The screens that are drawn as pictures and compared with and without colours.

use crossterm::event::{KeyCode, KeyModifiers};
use jiff::civil::DateTime;

use super::evening::Evening;
use crate::app::App;
use crate::app::tests::support::{account, fresh};
use crate::event::{AppEvent, Registered, SearchHit};
use crate::lang::Lang;
use crate::link::{LinkError, LinkSide, LinkState};
use crate::theme::Theme;
use crate::timeline::FileSpan;

/// One screen.
pub(super) struct Screen {
    pub(super) name: &'static str,
    pub(super) app: App,
    /// The themes of its pictures.
    pub(super) themes: &'static [Theme],
}

/// Returns every screen, some at several sizes.
pub(super) fn screens() -> Vec<Screen> {
    const DARK: &[Theme] = &[Theme::Dark];
    const BOTH: &[Theme] = &[Theme::Dark, Theme::Light];
    const ALL: &[Theme] = &[Theme::Dark, Theme::Light, Theme::None];
    let screen = |name, themes, app| Screen { name, app, themes };
    let chat = |width, height| Evening::begin(Lang::En, width, height).return_to_news();
    let outage = |width, height| chat(width, height).lose_the_connection().app;
    vec![
        screen("registration", DARK, registration(80, 24)),
        screen("registration", DARK, registration(20, 6)),
        screen("registered", DARK, registered(80, 24)),
        screen("registered", DARK, registered(20, 6)),
        screen("accounts", DARK, accounts(80, 24)),
        screen("empty", DARK, empty(80, 24)),
        screen("chat", ALL, chat(80, 24).app),
        screen("chat", DARK, chat(120, 40).app),
        screen("chat", DARK, chat(40, 12).app),
        screen("chat", DARK, chat(20, 6).app),
        screen("outage", ALL, outage(80, 24)),
        screen("outage", DARK, outage(40, 12)),
        screen("outage", DARK, outage(20, 6)),
        screen("scrolled", DARK, scrolled(80, 24)),
        screen("choose", BOTH, choose(80, 24)),
        screen("search", BOTH, search(80, 24)),
        screen("paste", DARK, paste(80, 24)),
        screen("paste", DARK, paste(20, 6)),
        screen("help", DARK, help(80, 24)),
        screen("help", DARK, help(20, 6)),
        screen("wrong-token", DARK, wrong_token(80, 24)),
        screen("wrong-token", DARK, wrong_token(20, 6)),
    ]
}

fn registration(width: u16, height: u16) -> App {
    let mut app = fresh(Lang::En, width, height);
    app.take_all([AppEvent::Accounts(Vec::new())]);
    app.type_in("lea");
    app
}

pub(super) fn registered(width: u16, height: u16) -> App {
    let mut app = registration(width, height);
    app.press(KeyCode::Enter);
    let known = account("Nimble lea", "9a08f44c-c541-41eb-8c47-0242ac110002");
    let saved = Ok("/home/lea/.local/share/minechat/creds.jsonstream".into());
    app.take_all([AppEvent::Registered(Ok(Registered { known, saved }))]);
    app
}

fn accounts(width: u16, height: u16) -> App {
    let mut app = fresh(Lang::En, width, height);
    app.take_all([AppEvent::Accounts(vec![account("Nimble lea", "a"), account("Grumpy lea", "b")])]);
    app
}

fn empty(width: u16, height: u16) -> App {
    crate::app::tests::support::chatting(Lang::En, width, height)
}

fn scrolled(width: u16, height: u16) -> App {
    let mut evening = Evening::begin(Lang::En, width, height).return_to_news();
    evening.app.press(KeyCode::PageUp);
    evening.said("Peaceful Vlad", "кто за чай? 🍵");
    evening.app.type_in("half a sentence that I was writing");
    evening.app
}

fn choose(width: u16, height: u16) -> App {
    let mut app = Evening::begin(Lang::En, width, height).return_to_news().lose_the_connection().app;
    app.control('o');
    app
}

fn search(width: u16, height: u16) -> App {
    let mut app = Evening::begin(Lang::En, width, height).return_to_news().app;
    app.control('f');
    app.enter_line("ring");
    let hit = |minute, sender: &str, text: &str| SearchHit {
        at: Some(DateTime::constant(2026, 11, 28, 17, minute, 0, 0)),
        sender: Some(sender.into()),
        text: text.into(),
        ranges: text.match_indices("ring").map(|(at, found)| at..at + found.len()).collect(),
        mark: FileSpan { start: 0, end: 1 },
    };
    let hits = vec![
        hit(16, "Earnest Маша", "нашла! было две версии ring, 0.16 и 0.17"),
        hit(15, "Sincere Ann", "lea: did you see https://docs.example.org/ring ? it explains the flag"),
        hit(
            15,
            "Peaceful Vlad",
            "Маша, покажи Cargo.lock — у меня была похожая история, когда в зависимостях оказались две версии одной библиотеки, и одна из них собиралась без нужного флага; помогло cargo update -p ring и полная пересборка с нуля",
        ),
    ];
    app.take_all([AppEvent::Found { search: 1, hits }, AppEvent::Searched { search: 1, percent: 41 }]);
    app.press(KeyCode::Down);
    app
}

fn paste(width: u16, height: u16) -> App {
    let mut app = Evening::begin(Lang::En, width, height).return_to_news().app;
    let text = "fn main() {\n    let rows = vec![1, 2, 3];\n    println!(\"{}\", rows[3]);\n}\n";
    app.take_all([AppEvent::Paste(text.into())]);
    app
}

fn help(width: u16, height: u16) -> App {
    let mut app = Evening::begin(Lang::En, width, height).return_to_news().app;
    app.press_with(KeyCode::F(1), KeyModifiers::NONE);
    app
}

fn wrong_token(width: u16, height: u16) -> App {
    let mut evening = Evening::begin(Lang::En, width, height).return_to_news();
    let cause = Some(LinkError::UnknownToken);
    evening.take(AppEvent::Link(LinkSide::Writing, LinkState::Closed { cause }));
    evening.app
}
