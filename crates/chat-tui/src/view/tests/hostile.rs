//! Text of peers that must not reach a terminal.

use crossterm::event::KeyCode;

use crate::app::tests::screen;
use crate::app::tests::support::{account, chatting, fresh, said};
use crate::effect::Effect;
use crate::event::{AppEvent, NoticeText};
use crate::lang::Lang;
use crate::timeline::{FileSpan, HistoryPage, PageLine, PageRequest};

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
