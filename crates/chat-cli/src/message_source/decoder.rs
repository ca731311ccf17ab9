//! Turns parts of the input into messages.

use std::borrow::Cow;

use chat_client::{MAX_TEXT_BYTES, PostId, Text, TextError};
use serde::Deserialize;

use super::input::{BadInput, InputMessage};

/// How standard input is divided into messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InputForm {
    /// Each line is a message; blank lines are skipped.
    Lines,
    /// All of it is one message.
    Whole,
    /// Messages end with a NUL byte; blank ones are skipped.
    Null,
    /// Each line is a JSON object.
    Json,
}

impl InputForm {
    /// Returns the byte that ends a part of the input; `None` if all of it is one part.
    pub(super) fn separator(self) -> Option<u8> {
        match self {
            Self::Lines | Self::Json => Some(b'\n'),
            Self::Null => Some(0),
            Self::Whole => None,
        }
    }
}

/// Turns parts of the input into messages.
#[derive(Debug)]
pub(crate) struct Decoder {
    form: InputForm,
    /// Replace what is not UTF-8 instead of refusing it.
    lossy: bool,
    /// No message has been accepted yet.
    is_first: bool,
    /// The input is UTF-16 or UTF-32.
    wide: bool,
}

/// A line of `--json-input`. Other fields are ignored, so that the output of `chat listen --json` can be sent.
#[derive(Deserialize)]
struct JsonMessage<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
}

impl Decoder {
    pub(super) fn new(form: InputForm, lossy: bool) -> Self {
        Self { form, lossy, is_first: true, wide: false }
    }

    /// Returns the message of a part; `None` if it is blank and blank ones are skipped.
    pub(super) fn decode(&mut self, number: u64, record: &[u8]) -> Option<Result<InputMessage, BadInput>> {
        let mut bytes = record;
        if number == 1 {
            self.wide = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
            bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        }
        // After a message that was text, a NUL is a fault of its line alone.
        self.wide |= self.is_first && looks_wide(bytes);
        if self.wide {
            return Some(Err(BadInput::Wide));
        }
        let decoded = self.decode_text(bytes);
        self.is_first &= !matches!(decoded, Some(Ok(_)));
        decoded
    }

    fn decode_text(&self, bytes: &[u8]) -> Option<Result<InputMessage, BadInput>> {
        let text = match std::str::from_utf8(bytes) {
            // NUL is UTF-8, but not text. The cleaning of a text would remove it, unnoticed.
            Ok(text) if text.contains('\0') && self.lossy => Cow::Owned(text.replace('\0', "\u{fffd}")),
            Ok(text) if text.contains('\0') => return Some(Err(BadInput::NotUtf8)),
            Ok(text) => Cow::Borrowed(text),
            // Of a part that is much too long only the beginning was kept, perhaps up to the middle of a character.
            Err(_) if bytes.len() > MAX_TEXT_BYTES => return Some(Err(BadInput::TooLong)),
            Err(_) if self.lossy => Cow::Owned(String::from_utf8_lossy(bytes).replace('\0', "\u{fffd}")),
            Err(_) => return Some(Err(BadInput::NotUtf8)),
        };
        let skips_blank = self.form != InputForm::Whole;
        match self.form {
            InputForm::Json if text.trim().is_empty() => None,
            InputForm::Json => Some(json_message(&text)),
            InputForm::Lines | InputForm::Whole | InputForm::Null => match checked(&text) {
                Err(BadInput::Blank) if skips_blank => None,
                checked => Some(checked.map(|text| InputMessage { text, id: None })),
            },
        }
    }
}

/// Returns whether bytes are probably UTF-16 or UTF-32, without a byte-order mark. Western text has NUL bytes then, and
/// every line feed has one. Cyrillic, Greek, Hebrew and Arabic letters have a control character as their other byte.
fn looks_wide(bytes: &[u8]) -> bool {
    let is_control = |byte: &&u8| **byte < 0x20 && !matches!(**byte, b'\t' | b'\n' | b'\r' | b'\x1b');
    let controls = bytes.iter().filter(is_control).count();
    bytes.contains(&0) || (controls >= 2 && controls * 3 >= bytes.len())
}

fn json_message(line: &str) -> Result<InputMessage, BadInput> {
    let message: JsonMessage<'_> = match serde_json::from_str(line) {
        Ok(message) => message,
        // Only its beginning was kept.
        Err(error) if error.is_eof() && line.len() > MAX_TEXT_BYTES => return Err(BadInput::TooLong),
        Err(_) => return Err(BadInput::NotAnObject),
    };
    let id = message.id.map(|id| PostId::new(&id)).transpose().map_err(|_| BadInput::BadId)?;
    Ok(InputMessage { text: checked(&message.text)?, id })
}

fn checked(text: &str) -> Result<Text, BadInput> {
    Text::new(text).map_err(|error| match error {
        TextError::Blank => BadInput::Blank,
        _ => BadInput::TooLong,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(form: InputForm, record: &[u8]) -> Option<Result<String, BadInput>> {
        let message = Decoder::new(form, false).decode(2, record)?;
        Some(
            message
                .map(|message| format!("{}|{}", message.id.map(|id| id.to_string()).unwrap_or_default(), message.text)),
        )
    }

    #[test]
    fn blank_parts() {
        assert_eq!(decoded(InputForm::Lines, b" "), None);
        assert_eq!(decoded(InputForm::Null, b"\n"), None);
        assert_eq!(decoded(InputForm::Json, b""), None);
        assert_eq!(decoded(InputForm::Whole, b"\n"), Some(Err(BadInput::Blank)));
        assert_eq!(decoded(InputForm::Json, br#"{"text":" "}"#), Some(Err(BadInput::Blank)));
    }

    #[test]
    fn objects() {
        let object = br#"{"type":"message","nick":"Ann","text":"two\nlines","id":"a-1"}"#;
        assert_eq!(decoded(InputForm::Json, object), Some(Ok("a-1|two\nlines".to_owned())));
        assert_eq!(decoded(InputForm::Json, br#"{"text":"\u001b[2J"}"#), Some(Ok("|[2J".to_owned())));
        for bad in ["x", "[]", "{}", r#"{"text":1}"#, r#"{"text":"a"} x"#] {
            assert_eq!(decoded(InputForm::Json, bad.as_bytes()), Some(Err(BadInput::NotAnObject)), "{bad}");
        }
        assert_eq!(decoded(InputForm::Json, br#"{"text":"a","id":"a b"}"#), Some(Err(BadInput::BadId)));
        let long = format!(r#"{{"text":"{}"#, "x".repeat(MAX_TEXT_BYTES));
        assert_eq!(decoded(InputForm::Json, long.as_bytes()), Some(Err(BadInput::TooLong)));
    }
}
