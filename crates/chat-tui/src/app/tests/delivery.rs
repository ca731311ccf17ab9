//! Tests of what becomes of own messages.

use std::time::Duration;

use chat_client::{DeclineCode, DeliveryState, GapCause, Text};

use super::support::{at, chatting, confirmed, gap, own, said};
use super::{App, screen, sent};
use crate::event::AppEvent;
use crate::lang::Lang;

#[test]
fn message_that_waited_is_shown_once() {
    let mut app = chatting(Lang::En, 80, 24);
    let id = sent(&app.enter_line("hello"))[0].0.clone();
    // Both connections are back at 70; the message that waited is confirmed after that, and its echo follows the gap.
    app.update(confirmed(&id, None), at(71));
    app.update(AppEvent::Incoming(vec![gap(10, 70, None, GapCause::Disconnected)]), at(72));
    app.update(said("Keen Bob", "hello", 72), at(72));
    let text = screen(&app);
    assert_eq!(text.matches("hello").count(), 1, "{text}");
    assert!(app.chat.timeline.outgoing.as_slice().is_empty());
}

/// A mute is named with its reason and its end, beside the message and in the status line.
#[test]
fn mute_says_until_when() {
    let refused = |app: &mut App, retry_after: Option<Duration>, reason: Option<&str>| {
        app.enter_line("hello?");
        let id = app.chat.timeline.outgoing.as_slice().last().unwrap().id.clone();
        let reason = reason.map(|reason| Text::new(reason).unwrap());
        app.take_all([own(&id, DeliveryState::Refused { code: DeclineCode::Muted, retry_after, reason })]);
        screen(app)
    };
    // The clock of the tests is at 17:07 on 14 January.
    let mut app = chatting(Lang::En, 120, 24);
    let text = refused(&mut app, Some(Duration::from_secs(600)), Some("flood\nof links"));
    let said = "an operator has muted you until 17:17 on 14 January: flood of links";
    assert!(text.contains(&format!("hello? failed: {said}")), "{text}");
    assert!(text.contains(&format!("! {said}")), "{text}");
    let text = refused(&mut app, Some(Duration::from_secs(86_400)), None);
    assert!(text.contains("muted you until 17:07 on 15 January"), "{text}");
    let text = refused(&mut app, None, None);
    assert!(text.contains("hello? failed: an operator has muted you\n"), "no end is known: {text}");
    refused(&mut app, Some(Duration::MAX), None);
    let mut app = chatting(Lang::Ru, 120, 24);
    let text = refused(&mut app, Some(Duration::from_secs(600)), Some("реклама"));
    assert!(text.contains("ошибка: модератор запретил вам писать до 17:17 14 января: реклама"), "{text}");
    // Sent once more, it waits for another answer.
    app.take_all([AppEvent::Tick]);
    let id = app.chat.timeline.outgoing.as_slice()[0].id.clone();
    app.resend(&id);
    assert_eq!(app.chat.timeline.outgoing.as_slice()[0].refused_until, None);
}
