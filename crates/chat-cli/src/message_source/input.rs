//! A message of the input, or why a part of the input is none.

use chat_client::{DeclineCode, PostId, Text};

/// A message with its number in the input, from 1; or why that part of the input is not a message.
pub(crate) type Numbered = (u64, Result<InputMessage, BadInput>);

/// A message of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InputMessage {
    pub(crate) text: Text,
    /// The id that the input gives it.
    pub(crate) id: Option<PostId>,
}

/// Why a part of the input is not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadInput {
    TooLong,
    NotUtf8,
    /// The input is UTF-16 or UTF-32, so nothing in it can be read.
    Wide,
    /// There is no text where one is required.
    Blank,
    /// It is not a JSON object with a `text`.
    NotAnObject,
    /// The `id` of an object is not one.
    BadId,
}

impl BadInput {
    /// The name for scripts.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::NotUtf8 | Self::Wide => "not_utf8",
            Self::Blank => "blank",
            Self::NotAnObject | Self::BadId => "malformed",
        }
    }

    pub(crate) fn in_words(self) -> String {
        match self {
            Self::TooLong => {
                format!("{}; the limit is {} bytes", DeclineCode::TooLong, chat_client::MAX_TEXT_BYTES)
            }
            Self::NotUtf8 => "not UTF-8; convert it, for example with iconv, or use --lossy".to_owned(),
            Self::Wide => {
                "the input looks like UTF-16 or UTF-32; convert it, for example with `iconv -f UTF-16 -t UTF-8`"
                    .to_owned()
            }
            Self::Blank => "it has no text".to_owned(),
            Self::NotAnObject => "not a JSON object with a text".to_owned(),
            Self::BadId => "its id does not have 1 to 64 ASCII letters, digits, '-' or '_'".to_owned(),
        }
    }
}
