use std::time::Duration;

use bytes::BytesMut;
use proptest::prelude::*;

use crate::account::Nickname;
use crate::extension::{
    DeclineCode, DeclinedPost, Extension, Nonce, NumberedMessage, RepeatablePost, ResumeAnswer, ResumeFrom,
    ResumeReply, ResumeRequest, SeqRange, StoredPost, encode_numbered,
};
use crate::ident::{Position, PostId, Seq, StreamId};
use crate::message::{Message, encode_plain};
use crate::text::Text;

fn position(seq: Seq) -> Position {
    Position { stream: StreamId::new("k3f9").unwrap(), seq }
}

fn any_extension() -> impl Strategy<Value = Extension> {
    let id = "[a-zA-Z0-9_-]{1,64}".prop_map(|s| PostId::new(&s).unwrap());
    let nonce = "[a-z0-9]{1,64}".prop_map(|s| Nonce::new(&s).unwrap());
    let text = any::<String>().prop_filter_map("blank", |s| Text::new(&s).ok());
    let nick = any::<String>().prop_filter_map("blank", |s| Nickname::new(&s).ok());
    let code = prop::sample::select(vec![
        "rate",
        "too_long",
        "blank",
        "malformed",
        "revoked",
        "storage",
        "unavailable",
        "new",
    ]);
    let from = prop_oneof![
        any::<u64>().prop_map(|n| ResumeFrom::After(position(n))),
        any::<u64>().prop_map(ResumeFrom::Last),
        any::<i64>().prop_map(ResumeFrom::AfterTime),
    ];
    prop_oneof![
        (id.clone(), text.clone()).prop_map(|(id, text)| Extension::Post(RepeatablePost { id, text: Ok(text) })),
        (id.clone(), any::<u64>()).prop_map(|(id, n)| Extension::Stored(StoredPost { id, position: position(n) })),
        (id, code, any::<Option<u32>>(), prop::option::of(text.clone())).prop_map(|(id, code, ms, reason)| {
            let retry_after = ms.map(|ms| Duration::from_millis(ms.into()));
            Extension::Declined(DeclinedPost { id, code: DeclineCode::from(code), retry_after, reason })
        }),
        (from, nonce.clone()).prop_map(|(from, nonce)| Extension::Request(ResumeRequest { from, nonce })),
        (any::<[u64; 2]>(), any::<Option<(u64, u64)>>(), nonce).prop_map(|([from, head], plain, nonce)| {
            let plain = plain.map(|(first, last)| SeqRange { first, last });
            let answer = ResumeAnswer::new(StreamId::new("k3f9").unwrap(), from, head).with_plain(plain);
            Extension::Reply(ResumeReply { answer, nonce })
        }),
        (any::<u64>(), any::<i64>(), nick, text)
            .prop_map(|(seq, at, sender, text)| Extension::Numbered(NumberedMessage { seq, at, sender, text })),
        any::<u64>().prop_map(Extension::Ping),
        any::<u64>().prop_map(Extension::Pong),
    ]
}

#[test]
fn unknown_fields_and_objects_are_ignored() {
    assert_eq!(Extension::parse(r#"{"ping": 1, "new": {"deep": []}}"#), Some(Extension::Ping(1)));
    for skipped in [r#"{"new": 1}"#, "[]", "", "{", "null", r#"{"ok": "a b"}"#, r#"{"seq": -1, "nick": "x"}"#] {
        assert_eq!(Extension::parse(skipped), None, "{skipped}");
    }
}

#[test]
fn a_decline_without_a_usable_reason_counts() {
    for reason in [r#""""#, r#"" ""#, "null"] {
        let json = format!(r#"{{"no": "a1", "code": "muted", "reason": {reason}}}"#);
        let Some(Extension::Declined(declined)) = Extension::parse(&json) else { panic!("{json}") };
        assert_eq!((declined.code, declined.reason), (DeclineCode::Muted, None), "{json}");
    }
}

#[test]
fn half_a_surrogate_pair_is_replaced() {
    let json = r#"{"seq": 2, "at": 1, "nick": "B\udc00ob", "text": "\ud800"}"#;
    let Some(Extension::Numbered(message)) = Extension::parse(json) else { panic!("it is a message") };
    assert_eq!((message.sender.as_str(), message.text.as_str()), ("B\u{fffd}ob", "\u{fffd}"));
}

#[test]
fn the_fast_encoders_equal_the_lines() {
    let text = Text::new("two\n\"lines\" Ж").unwrap();
    let message = Message::new(Nickname::new("Keen Bob").ok(), text.clone())
        .with_position(position(7))
        .with_time(1_700_000_000_123);
    let mut fast = BytesMut::from(&b"before"[..]);
    encode_plain(&mut fast, "Keen Bob", &text);
    encode_numbered(&mut fast, 7, 1_700_000_000_123, "Keen Bob", &text);
    let numbered = Extension::Numbered(NumberedMessage::of(&message).unwrap()).to_line();
    let slow = format!("before{}\n{}\n", message.to_plain().as_str(), numbered.as_str());
    assert_eq!(fast, slow.as_bytes());
    assert_eq!(
        numbered.as_str(),
        "\u{1}{\"seq\": 7, \"at\": 1700000000123, \"nick\": \"Keen Bob\", \"text\": \"two\\n\\\"lines\\\" Ж\"}"
    );
}

proptest! {
    #[test]
    fn every_line_reads_back(extension in any_extension()) {
        let line = extension.to_line();
        prop_assert_eq!(Extension::parse(line.extension().unwrap()), Some(extension));
    }

    #[test]
    fn no_json_causes_a_panic(json in "\\PC*|[{}\":,a-z0-9\\[\\]\\\\]*") {
        let _ = Extension::parse(&json);
        let _ = crate::extension::readable_id(&json);
    }
}
