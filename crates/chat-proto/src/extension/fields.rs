//! Parses the JSON of an extension line into the fields of all extensions, before it is known which one it is.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::Deserialize;
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};

use crate::ident::{PostId, Seq};

/// A string of the line. It is copied only if it contains an escape. A type of its own, because `serde` copies each
/// string of an `Option<Cow<str>>`.
#[derive(Deserialize)]
pub(super) struct JsonText<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for JsonText<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// The known fields. Other fields are ignored.
#[derive(Deserialize)]
pub(super) struct ExtensionFields<'a> {
    #[serde(borrow, default)]
    pub(super) id: Option<JsonText<'a>>,
    #[serde(borrow, default)]
    pub(super) text: Option<JsonText<'a>>,
    #[serde(borrow, default)]
    pub(super) ok: Option<JsonText<'a>>,
    #[serde(borrow, default)]
    pub(super) no: Option<JsonText<'a>>,
    #[serde(borrow, default)]
    pub(super) code: Option<JsonText<'a>>,
    pub(super) retry_after_ms: Option<u64>,
    #[serde(borrow, default)]
    pub(super) stream: Option<JsonText<'a>>,
    pub(super) seq: Option<Seq>,
    pub(super) at: Option<i64>,
    #[serde(borrow, default)]
    pub(super) nick: Option<JsonText<'a>>,
    pub(super) removed: Option<Seq>,
    pub(super) expired: Option<Seq>,
    #[serde(borrow, default)]
    pub(super) by: Option<JsonText<'a>>,
    #[serde(borrow, default)]
    pub(super) reason: Option<JsonText<'a>>,
    pub(super) from: Option<Seq>,
    pub(super) head: Option<Seq>,
    pub(super) plain: Option<(Seq, Seq)>,
    #[serde(borrow, default)]
    pub(super) nonce: Option<JsonText<'a>>,
    #[serde(borrow, default)]
    pub(super) resume: Option<ResumeFields<'a>>,
    pub(super) ping: Option<u64>,
    pub(super) pong: Option<u64>,
}

/// The fields of the object in `resume`.
#[derive(Deserialize)]
pub(super) struct ResumeFields<'a> {
    #[serde(borrow, default)]
    pub(super) stream: Option<JsonText<'a>>,
    pub(super) after: Option<Seq>,
    pub(super) last: Option<u64>,
    pub(super) after_time: Option<i64>,
}

impl ExtensionFields<'_> {
    /// Parses the fields and passes them to `parse`. Returns `None` if the JSON is damaged, has a name twice, or has a
    /// value of a type that the protocol does not allow.
    pub(super) fn read<T>(json: &str, parse: impl FnOnce(&ExtensionFields<'_>) -> Option<T>) -> Option<T> {
        match serde_json::from_str(json) {
            Ok(fields) => parse(&fields),
            // `serde_json` refuses half a surrogate pair, which JavaScript sends for damaged text.
            Err(_) => parse(&serde_json::from_str(&replace_lone_surrogates(json)?).ok()?),
        }
    }
}

/// Replaces each escape of half a surrogate pair by U+FFFD. Returns `None` when there is none.
///
/// A backslash outside of a string is not valid JSON, so strings need not be recognised.
fn replace_lone_surrogates(json: &str) -> Option<String> {
    let bytes = json.as_bytes();
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(offset) = bytes.get(at..).and_then(|rest| memchr::memchr(b'\\', rest)) {
        let start = at + offset;
        match escaped_unit(bytes, start) {
            Some(0xd800..=0xdbff) if matches!(escaped_unit(bytes, start + 6), Some(0xdc00..=0xdfff)) => {
                at = start + 12;
            }
            Some(0xd800..=0xdfff) => {
                out.push_str(&json[copied..start]);
                out.push_str("\\ufffd");
                at = start + 6;
                copied = at;
            }
            // Another escape. The character after the backslash starts no escape, even if it is a backslash.
            _ => at = start + 2,
        }
    }
    if copied == 0 {
        return None;
    }
    out.push_str(&json[copied..]);
    Some(out)
}

/// Returns the UTF-16 unit of an escape such as `\u00e9` that starts at `at`.
fn escaped_unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Returns the last valid `id` of an object that may be damaged after it. A post with an id is always answered, even if
/// nothing else in it can be parsed.
pub(crate) fn readable_id(json: &str) -> Option<PostId> {
    let replaced = replace_lone_surrogates(json);
    let mut found = None;
    let mut reader = serde_json::Deserializer::from_str(replaced.as_deref().unwrap_or(json));
    // An error only means that nothing more can be parsed; the ids before it are found.
    let _ = reader.deserialize_map(IdVisitor { found: &mut found });
    found
}

struct IdVisitor<'a> {
    found: &'a mut Option<PostId>,
}

impl<'de> Visitor<'de> for IdVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(name) = fields.next_key::<String>()? {
            if name != "id" {
                fields.next_value::<IgnoredAny>()?;
            } else if let serde_json::Value::String(id) = fields.next_value()?
                && let Ok(id) = PostId::new(&id)
            {
                *self.found = Some(id);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_lone_surrogates() {
        for (json, expected) in [
            (r#""\ud800""#, Some(r#""\ufffd""#)),
            (r#""\udc00\ud800""#, Some(r#""\ufffd\ufffd""#)),
            (r#""é\ud83d\ude00\uD83D""#, Some(r#""é\ud83d\ude00\ufffd""#)),
            (r#""\ud83d\ude00""#, None),
            (r#""\\ud800""#, None),
            (r#""\ud8""#, None),
            ("\\", None),
            ("\"\\é", None),
        ] {
            assert_eq!(replace_lone_surrogates(json).as_deref(), expected, "{json}");
        }
    }

    #[test]
    fn strings_without_escapes_are_not_copied() {
        let json = r#"{"id": "7", "text": "caf\u00e9", "resume": {"stream": "s"}}"#;
        let fields: ExtensionFields<'_> = serde_json::from_str(json).unwrap();
        let is_borrowed = |text: Option<JsonText<'_>>| matches!(text.unwrap().0, Cow::Borrowed(_));
        assert!(is_borrowed(fields.id) && !is_borrowed(fields.text));
        assert!(is_borrowed(fields.resume.unwrap().stream));
    }

    #[test]
    fn finds_an_id_before_damage() {
        for json in [
            r#"{"id": "a"}"#,
            r#"{"text": "\ud800", "id": "a", "id": "not an id", "id": 5"#,
            r#"{"id": "b", "id": "a", "text": "torn"#,
            r#"{"id": "a"x"#,
        ] {
            assert_eq!(readable_id(json), PostId::new("a").ok(), "{json}");
        }
        for json in ["", "[]", r#"{"id": "#, r#"{"id": "a b"}"#, r#"{"deep": {"id": "a"}}"#, r#""id""#] {
            assert_eq!(readable_id(json), None, "{json}");
        }
    }
}
