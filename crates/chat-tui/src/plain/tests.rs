//! Tests of plain mode without pipes: lines in, lines out, and nothing that controls a terminal.

use std::time::Duration;

use chat_client::{DeclineCode, DeliveryState, Text};

use super::mode::{OutputLine, PlainMode, PlainOutcome};
use super::stdin::{InputLine, next_line};
use crate::app::Screen;
use crate::app::tests::support::{account, at, confirmed, fresh, own, page, post_id, said};
use crate::effect::Effect;
use crate::event::{AppEvent, Registered};
use crate::lang::Lang;
use crate::link::{LinkError, LinkSide, LinkState};
use crate::timeline::PageRequest;

fn plain(interactive: bool) -> PlainMode {
    PlainMode::new(fresh(Lang::En, 80, 24), interactive)
}

fn take(plain: &mut PlainMode, messages: impl IntoIterator<Item = AppEvent>) -> Vec<Effect> {
    messages.into_iter().flat_map(|message| plain.event(message, at(0))).collect()
}

fn online() -> [AppEvent; 2] {
    [AppEvent::Link(LinkSide::Listening, LinkState::Online), AppEvent::Link(LinkSide::Writing, LinkState::Online)]
}

fn messages(plain: &mut PlainMode) -> Vec<String> {
    let said = plain.take_output().into_iter();
    said.filter_map(|say| if let OutputLine::Message(line) = say { Some(line) } else { None }).collect()
}

fn reports(plain: &mut PlainMode) -> String {
    let said = plain.take_output().into_iter();
    said.filter_map(|say| if let OutputLine::Report(line) = say { Some(line + "\n") } else { None }).collect()
}

#[test]
fn asks_and_registers_a_user() {
    let mut me = plain(true);
    take(&mut me, [AppEvent::Accounts(Vec::new())]);
    assert!(reports(&mut me).contains("Type a nickname"));
    assert!(matches!(&me.line("Bob", at(0))[..], [Effect::Register { nickname, .. }] if nickname.as_str() == "Bob"));
    assert!(me.line("too early", at(0)).is_empty());
    let registered = Registered { known: account("Keen Bob", "t"), saved: Ok("creds".into()) };
    let effects = take(&mut me, [AppEvent::Registered(Ok(registered))]);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Enter(_))));
    assert!(reports(&mut me).contains("Registered as Keen Bob; the account was saved in creds."));
    let effects = take(&mut me, online());
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Send { text, .. } if text.as_str() == "too early")));
}

#[test]
fn pipe_without_answers_ends_with_a_reason() {
    let mut me = plain(false);
    let effects = take(&mut me, [AppEvent::Accounts(vec![account("Keen Bob", "a"), account("Jolly Ann", "b")])]);
    assert!(effects.contains(&Effect::Quit));
    assert_eq!(me.outcome(), PlainOutcome::Usage);
    let said = reports(&mut me);
    assert!(said.contains("2: Jolly Ann") && said.contains("--nickname") && !said.contains("Type"), "{said}");

    let mut me = plain(false);
    assert!(take(&mut me, [AppEvent::Accounts(Vec::new())]).contains(&Effect::Quit));
    let said = reports(&mut me);
    assert!(said.contains("--nickname") && !said.contains("Type") && me.outcome() == PlainOutcome::Usage, "{said}");
}

#[test]
fn line_is_confirmed_and_received() {
    let mut me = plain(false);
    take(&mut me, [AppEvent::Accounts(vec![account("Keen Bob", "a")])]);
    take(&mut me, online());
    let effects = me.line("hello", at(0));
    let Some(Effect::Send { id, .. }) = effects.first() else { panic!("{effects:?}") };
    me.end_input();
    assert!(!me.is_finished());
    take(&mut me, [confirmed(id, None)]);
    assert!(!me.is_finished(), "it has not been heard yet");
    take(&mut me, [said("Keen Bob", "hello", 1)]);
    assert!(me.is_finished());
    assert_eq!((messages(&mut me), me.outcome()), (vec!["Keen Bob: hello".to_owned()], PlainOutcome::Done));
}

#[test]
fn marks_a_look_alike() {
    let mut me = plain(true);
    take(&mut me, [AppEvent::Accounts(vec![account("Keen Bob", "a")])]);
    take(&mut me, online());
    messages(&mut me);
    take(&mut me, [said("Vlad", "hi", 1), said("Vlаd", "hi", 2), said("Кееn Воb", "hi", 3), said("Keen Bob", "hi", 4)]);
    let expected = ["Vlad: hi", "Vlаd (looks like Vlad): hi", "Кееn Воb (looks like Keen Bob): hi", "Keen Bob: hi"];
    assert_eq!(messages(&mut me), expected);
}

#[test]
fn reports_an_unconfirmed_message() {
    let mut me = plain(true);
    take(&mut me, [AppEvent::Accounts(vec![account("Keen Bob", "a")])]);
    take(&mut me, online());
    let effects = me.line("hello", at(0));
    let Some(Effect::Send { id, .. }) = effects.first() else { panic!("{effects:?}") };
    take(&mut me, [own(id, DeliveryState::Unconfirmed)]);
    assert!(reports(&mut me).contains("Message unconfirmed, it may or may not have been delivered: hello"));
    assert_eq!(me.outcome(), PlainOutcome::Unconfirmed);
    assert!(matches!(&me.line("/retry", at(0))[..], [Effect::Resend { .. }]));
}

#[test]
fn an_echo_confirms_nothing() {
    let mut me = plain(false);
    take(&mut me, [AppEvent::Accounts(vec![account("Keen Bob", "a")])]);
    take(&mut me, online());
    let effects = me.line("hello", at(0));
    let Some(Effect::Send { id, .. }) = effects.first() else { panic!("{effects:?}") };
    me.end_input();
    assert_eq!(take(&mut me, [said("Keen Bob", "hello", 1)]), [], "the writer waits for the server");
    assert!(!me.is_finished());
    let effects = take(&mut me, [own(id, DeliveryState::Unconfirmed)]);
    assert!(effects.contains(&Effect::Discard { id: id.clone() }), "other users have seen it: {effects:?}");
    assert!(reports(&mut me).contains("Message unconfirmed, it may or may not have been delivered: hello"));
    assert_eq!((me.is_finished(), me.outcome()), (true, PlainOutcome::Unconfirmed));
}

#[test]
fn wrong_token_asks_a_user() {
    let mut me = plain(true);
    take(&mut me, [AppEvent::Accounts(vec![account("Keen Bob", "a")])]);
    take(&mut me, [AppEvent::Link(LinkSide::Writing, LinkState::Closed { cause: Some(LinkError::UnknownToken) })]);
    assert!(reports(&mut me).contains("Type 1 to choose another account"));
    me.line("2", at(0));
    assert_eq!(me.app.screen, Screen::Registration);
}

#[test]
fn question_accepts_commands_and_return() {
    let mut me = plain(true);
    take(&mut me, [AppEvent::Accounts(vec![account("Keen Bob", "a"), account("Jolly Ann", "b")])]);
    reports(&mut me);
    assert!(me.line("/register", at(0)).is_empty() && me.line("7", at(0)).is_empty());
    assert!(reports(&mut me).contains("is not available here"));
    assert!(me.line("hello", at(0)).is_empty());
    assert!(reports(&mut me).contains("kept as a message"));
    me.line("n", at(0));
    for line in ["/bob", "/help", "//bob"] {
        assert!(me.line(line, at(0)).is_empty(), "no nickname: {line}");
    }
    me.line("", at(0));
    assert_eq!(me.app.screen, Screen::Accounts);
    me.line("1", at(0));
    let effects = take(&mut me, online());
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Send { text, .. } if text.as_str() == "hello")));
    me.line("/accounts", at(0));
    me.line("", at(0));
    assert_eq!(me.app.screen, Screen::Chat);
    me.line("/register", at(0));
    assert!(me.line("/quit", at(0)).contains(&Effect::Quit));
}

#[test]
fn reports_what_cannot_be_sent() {
    let mut me = plain(false);
    take(&mut me, [AppEvent::Accounts(vec![account("Keen Bob", "a")])]);
    take(&mut me, online());
    assert!(me.line("", at(0)).is_empty());
    assert_eq!(me.outcome(), PlainOutcome::Done);
    assert!(me.line(&"x".repeat(20_000), at(0)).is_empty());
    assert!(reports(&mut me).contains("too long"));
    assert_eq!(me.outcome(), PlainOutcome::Usage);
}

#[test]
fn drops_an_endless_line() {
    let mut input = b"one\r\n".to_vec();
    input.extend(std::iter::repeat_n(b'x', 300_000));
    input.extend(b"\ntwo \xff\nlast");
    let mut input = std::io::BufReader::with_capacity(100, &input[..]);
    let lines: Vec<InputLine> = std::iter::from_fn(|| next_line(&mut input).unwrap()).collect();
    let text = |text: &str| InputLine::Text(text.into());
    assert_eq!(lines, [text("one"), InputLine::TooLong, InputLine::NotUtf8("two \u{fffd}".into()), text("last")]);
    let mut me = plain(false);
    me.input(InputLine::TooLong, at(0));
    assert_eq!(me.outcome(), PlainOutcome::Usage);
    assert!(reports(&mut me).contains("too long"));
}

#[test]
fn shows_history_once_in_a_terminal() {
    let mut me = plain(true);
    take(&mut me, [AppEvent::Accounts(vec![account("Keen Bob", "a")])]);
    take(
        &mut me,
        [AppEvent::Page(PageRequest::Tail, page(0..30, 30)), AppEvent::Page(PageRequest::Tail, page(0..30, 30))],
    );
    let lines = messages(&mut me);
    assert_eq!((lines.len(), lines[0].as_str()), (20, "[13.01.23 12:00] Jolly Ann: line 10"));
}

#[test]
fn no_line_controls_a_terminal() {
    let evil = "\u{1b}]0;x\u{7}\u{202e}a\nb\u{9b}2J\u{200b}";
    let mut me = plain(true);
    take(&mut me, [AppEvent::Accounts(vec![account("Keen Bob", "a")])]);
    take(&mut me, online());
    take(&mut me, [said(evil, evil, 1), AppEvent::Exported(Err(evil.into()))]);
    me.line(&format!("/{evil}"), at(0));
    for say in me.take_output() {
        let (OutputLine::Message(line) | OutputLine::Report(line)) = say;
        assert!(!line.chars().any(|c| c.is_control() || matches!(c, '\u{202e}' | '\u{200b}')), "{line:?}");
    }
}

#[test]
fn a_line_ends_a_countdown() {
    let mut me = plain(true);
    take(&mut me, [AppEvent::Accounts(vec![account("Keen Bob", "token")])]);
    take(&mut me, online());
    let waiting = LinkState::Waiting { attempt: 3, retry_at: at(20), cause: LinkError::ConnectionRefused };
    take(&mut me, [AppEvent::Link(LinkSide::Writing, waiting)]);
    let effects = me.line("hello", at(0));
    assert!(matches!(&effects[..], [Effect::Send { .. }, Effect::RetryNow]), "{effects:?}");
}

/// Returns plain mode in the chat, with one line sent and the input at its end.
fn sent(text: &str) -> PlainMode {
    let mut me = plain(false);
    take(&mut me, [AppEvent::Accounts(vec![account("Keen Bob", "token")])]);
    take(&mut me, online());
    assert!(matches!(&me.line(text, at(0))[..], [Effect::Send { .. }]));
    me.end_input();
    reports(&mut me);
    me
}

#[test]
fn echo_is_not_a_confirmation() {
    let mut me = sent("hello");
    take(&mut me, [said("Keen Bob", "hello", 1)]);
    assert!(!me.is_finished(), "the server has not confirmed it");
    take(&mut me, [own(&post_id("typed-1"), DeliveryState::Unconfirmed)]);
    assert!(me.is_finished());
    assert_eq!(me.outcome(), PlainOutcome::Unconfirmed);
    assert!(reports(&mut me).contains("unconfirmed, it may or may not have been delivered: hello"));

    let mut me = sent("hello");
    take(&mut me, [said("Keen Bob", "hello", 1)]);
    me.give_up(30);
    assert_eq!(me.outcome(), PlainOutcome::Unconfirmed);
    assert!(reports(&mut me).contains("hello"));
}

#[test]
fn reports_an_outage_in_two_lines() {
    let mut me = sent("hello");
    take(&mut me, [confirmed(&post_id("typed-1"), None)]);
    for attempt in 1..20 {
        for side in [LinkSide::Listening, LinkSide::Writing] {
            let cause = if attempt == 1 { LinkError::Lost } else { LinkError::ConnectionRefused };
            let retry_at = at(i64::from(attempt));
            take(
                &mut me,
                [
                    AppEvent::Link(side, LinkState::Waiting { attempt, retry_at, cause }),
                    AppEvent::Link(side, LinkState::Connecting { attempt: attempt + 1, after: None }),
                ],
            );
        }
    }
    let broken = reports(&mut me);
    assert_eq!(broken.lines().count(), 1, "{broken}");
    me.line("meanwhile", at(0));
    assert_eq!(reports(&mut me), "Message queued: meanwhile\n");
    take(&mut me, online());
    assert_eq!(reports(&mut me), "listening: online; writing: online\n");
}

#[test]
fn missed_messages_show_their_time() {
    let mut me = sent("hello");
    take(&mut me, [said("Jolly Ann", "now", 0), said("Jolly Ann", "before", -90)]);
    assert_eq!(messages(&mut me), ["Jolly Ann: now", "[14.01.23 17:05] Jolly Ann: before"]);
}

#[test]
fn arrow_keys_are_not_text() {
    let mut me = plain(true);
    take(&mut me, [AppEvent::Accounts(vec![account("Keen Bob", "token")])]);
    take(&mut me, online());
    assert_eq!(me.input(InputLine::Text("\u{1b}[A".into()), at(0)), []);
    let effects = me.input(InputLine::Text("a\u{1b}[Db\u{1b}OC".into()), at(0));
    assert!(matches!(&effects[..], [Effect::Send { text, .. }] if text.as_str() == "ab"), "{effects:?}");
}

#[test]
fn signs_are_said_in_words() {
    let mut me = plain(true);
    take(&mut me, [AppEvent::ReadTo(Some(20)), AppEvent::Accounts(vec![account("Keen Bob", "t")])]);
    take(&mut me, [AppEvent::Page(PageRequest::Tail, page(0..4, 4))]);
    let output = me.take_output();
    let at = output.iter().position(|line| *line == OutputLine::Report("New messages:".into())).unwrap();
    assert!(matches!(&output[at + 1], OutputLine::Message(line) if line.ends_with("line 2")), "{output:?}");
    take(&mut me, online());
    take(&mut me, [said("Jolly Ann", "Bob, look", 1), said("Jolly Ann", "hi", 2)]);
    assert_eq!(messages(&mut me), ["To you, Jolly Ann: Bob, look", "Jolly Ann: hi"]);
    // Programs read a pipe, so its lines have messages only.
    let mut pipe = plain(false);
    take(&mut pipe, [AppEvent::Accounts(vec![account("Keen Bob", "t")])]);
    take(&mut pipe, online());
    take(&mut pipe, [said("Jolly Ann", "Bob, look", 1)]);
    assert_eq!(messages(&mut pipe), ["Jolly Ann: Bob, look"]);
}

#[test]
fn mute_says_until_when_in_words() {
    let mut me = plain(true);
    take(&mut me, [AppEvent::Accounts(vec![account("Keen Bob", "a")])]);
    take(&mut me, online());
    let effects = me.line("hello?", at(0));
    let Some(Effect::Send { id, .. }) = effects.first() else { panic!("{effects:?}") };
    me.take_output();
    let (retry_after, reason) = (Some(Duration::from_secs(600)), Text::new("flood").ok());
    let state = DeliveryState::Refused { code: DeclineCode::Muted, retry_after, reason };
    // An hour after the last event: the time counts from the refusal.
    me.event(own(id, state), at(3_600));
    let said = reports(&mut me);
    assert_eq!(said, "Message failed, an operator has muted you until 18:17 on 14 January: flood: hello?\n");
    me.line("/search x", at(3_600));
    assert_eq!(reports(&mut me), "", "it is said once");
}
