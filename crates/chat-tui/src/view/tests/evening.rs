//! One evening of conversation, as a reference for the look of the screens: two days, two scripts, a long address, code,
//! mentions, messages of the reader.

use std::time::Duration;

use chat_client::{DeliveryState, GapCause, PostId};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::app::tests::support::{self, account};
use crate::app::{App, PostIds, Start};
use crate::event::{AppEvent, Incoming};
use crate::lang::Lang;
use crate::link::{LinkSide, LinkState};
use crate::timeline::{FileSpan, HistoryPage, PageLine, PageRequest};

/// The long address of the evening.
pub(super) const ADDRESS: &str = "https://ci.example.org/evening/builds/20261128-1437/artifacts/aarch64-unknown-linux-musl/release.log?from=1200&to=1480#step-7";

/// An application and the clock of its evening.
pub(super) struct Evening {
    pub(super) app: App,
    now: Timestamp,
    place: u64,
}

fn on(day: i8, hour: i8, minute: i8) -> Timestamp {
    DateTime::constant(2026, 11, day, hour, minute, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp()
}

impl Evening {
    /// Opens the chat as Nimble lea, with the history of the evening up to 17:15.
    pub(super) fn begin(lang: Lang, width: u16, height: u16) -> Self {
        let now = on(28, 17, 15);
        let mut app = App::new(Start {
            lang,
            zone: TimeZone::UTC,
            now: on(28, 17, 14),
            width,
            height,
            place: "127.0.0.1".into(),
            register: false,
            nickname: None,
            token: None,
        });
        app.chat.ids = PostIds::Counted(0);
        let mut evening = Self { app, now, place: 0 };
        evening.take(AppEvent::Accounts(vec![account("Nimble lea", "9a08f44c-c541-41eb-8c47-0242ac110002")]));
        let lines = [
            (27, 23, 38, "Peaceful Vlad", "всем спокойной ночи, завтра к восьми на вокзал"),
            (27, 23, 39, "Sincere Ann", "night! don't forget the tickets"),
            (27, 23, 41, "Nimble lea", "they are in the shared folder"),
            (27, 23, 52, "Earnest Маша", "а я ещё час посижу, добью отчёт"),
            (28, 17, 15, "Sincere Ann", "good evening to all"),
            (28, 17, 15, "Peaceful Vlad", "привет! Кто-нибудь собирал новую версию на arm64?"),
            (28, 17, 15, "Sincere Ann", &format!("yes, took 14 minutes: {ADDRESS}")),
            (28, 17, 15, "Earnest Маша", "у меня падает вот так:"),
            (28, 17, 15, "Sincere Ann", "ok"),
            (
                28,
                17,
                15,
                "Peaceful Vlad",
                "Маша, покажи Cargo.lock — у меня была похожая история, когда в зависимостях оказались две версии одной библиотеки, и одна из них собиралась без нужного флага; помогло cargo update -p ring и полная пересборка с нуля",
            ),
            (28, 17, 15, "Earnest Маша", "секунду"),
            (
                28,
                17,
                15,
                "Earnest Маша",
                "thread 'main' panicked at src/main.rs:42:17:\nindex out of bounds: the len is 3 but the index is 3\n    let row = rows[i];  // i == rows.len()",
            ),
        ];
        let lines: Vec<PageLine> = lines
            .into_iter()
            .map(|(day, hour, minute, sender, text)| PageLine {
                at: Some(DateTime::constant(2026, 11, day, hour, minute, 0, 0)),
                sender: Some(sender.into()),
                text: text.into(),
                mark: evening.next_place(),
            })
            .collect();
        let page = HistoryPage { lines, at_start: true, at_end: true, end: evening.place };
        evening.take(AppEvent::Page(PageRequest::Tail, page));
        evening.connect();
        evening.own("off by one, use rows.get(i)");
        evening.said("Peaceful Vlad", "+1");
        evening.said("Sincere Ann", "lea: did you see https://docs.example.org/ring ? it explains the flag");
        evening.own("yes, reading it now — на русском тоже есть");
        evening
    }

    /// The four messages that came while the reader was away.
    pub(super) fn return_to_news(mut self) -> Self {
        self.take(AppEvent::Focus(false));
        self.now = on(28, 17, 16);
        self.said("Earnest Маша", "нашла! было две версии ring, 0.16 и 0.17");
        self.said("Earnest Маша", "спасибо, Влад");
        self.said("Peaceful Vlad", "не за что :)");
        self.said("Sincere Ann", "lea, Маша: tea in the kitchen in 10 minutes?");
        self.take(AppEvent::Focus(true));
        self
    }

    /// A lost connection, and three messages that have not arrived.
    pub(super) fn lose_the_connection(mut self) -> Self {
        self.now = on(28, 17, 17);
        self.said("Peaceful Vlad", "кто за чай? 🍵");
        self.own("me, in a minute");
        self.take(AppEvent::Incoming(vec![Incoming::Gap(chat_client::Gap::new(
            (self.now - jiff::SignedDuration::from_secs(6)).into(),
            self.now.into(),
            None,
            GapCause::Disconnected,
        ))]));
        self.said("Peaceful Vlad", "я переподключился, что-то пропустил?");
        self.said("Sincere Ann", "no, the router was restarted");
        for text in ["then see you at eight, platform 3", "and bring the map", "и захватите паспорт"] {
            self.enter(text);
        }
        let ids: Vec<PostId> = self.app.chat.timeline.outgoing.as_slice().iter().map(|own| own.id.clone()).collect();
        self.take(support::own(&ids[0], DeliveryState::Unconfirmed));
        self.take(support::refused(&ids[1]));
        self.now += jiff::SignedDuration::from_secs(5);
        self.break_links(4);
        self
    }

    pub(super) fn connect(&mut self) {
        self.take(AppEvent::Link(LinkSide::Listening, LinkState::Online));
        self.take(AppEvent::Link(LinkSide::Writing, LinkState::Online));
        self.take(AppEvent::RoundTrip(Duration::from_millis(1)));
    }

    /// Both connections wait for this many seconds.
    pub(super) fn break_links(&mut self, seconds: i64) {
        for side in [LinkSide::Listening, LinkSide::Writing] {
            let retry_at = self.now + jiff::SignedDuration::from_secs(seconds);
            let cause = crate::link::LinkError::ConnectionRefused;
            self.take(AppEvent::Link(side, LinkState::Waiting { attempt: 7, retry_at, cause }));
        }
    }

    pub(super) fn said(&mut self, sender: &str, text: &str) {
        let mark = self.next_place();
        let Incoming::Message { message, .. } = support::heard(sender, text, 0, None, None) else { return };
        self.take(AppEvent::Incoming(vec![Incoming::Message { message, at: self.now, mark: Some(mark) }]));
    }

    /// A message of the reader that arrives.
    pub(super) fn own(&mut self, text: &str) {
        self.enter(text);
        self.said("Nimble lea", text);
    }

    pub(super) fn enter(&mut self, text: &str) {
        self.app.now = self.now;
        self.app.enter_line(text);
    }

    pub(super) fn take(&mut self, event: AppEvent) {
        self.app.update(event, self.now);
    }

    fn next_place(&mut self) -> FileSpan {
        let start = self.place;
        self.place += 20;
        FileSpan { start, end: self.place }
    }
}
