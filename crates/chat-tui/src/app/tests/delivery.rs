//! Tests of own messages on servers without extensions.

use chat_client::GapCause;

use super::support::{at, chatting, confirmed, gap, said};
use super::{screen, sent};
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
