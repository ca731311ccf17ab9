//! The short names of section 5 of the protocol: which post, which log, which place in it.

use std::fmt;

/// The longest identifier, in bytes. A UUID has 36.
pub const MAX_ID_BYTES: usize = 64;

/// Names one post of one account, for as long as the store lives: the same id is stored once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PostId(Box<str>);

/// Names one uninterrupted log; sequence numbers are only comparable within one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(Box<str>);

/// The place of a message in its stream, from 1, without holes.
pub type Seq = u64;

/// Where a message stands: its stream, and its place there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position {
    /// The log.
    pub stream: StreamId,
    /// The place in it.
    pub seq: Seq,
}

/// A text that cannot be an identifier: empty, over [`MAX_ID_BYTES`], or with a character that is
/// not an ASCII letter, digit, `-` or `_`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier (1 to {MAX_ID_BYTES} ASCII letters, digits, '-' or '_')")]
pub struct IdError;

fn checked(raw: &str) -> Result<Box<str>, IdError> {
    let fits = (1..=MAX_ID_BYTES).contains(&raw.len());
    let clean = raw.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if fits && clean { Ok(raw.into()) } else { Err(IdError) }
}

macro_rules! identifier {
    ($name:ident) => {
        impl $name {
            /// Checks and takes an identifier.
            ///
            /// # Errors
            /// [`IdError`] when it is empty, too long, or has another character than ASCII letters,
            /// digits, `-` and `_`.
            pub fn new(raw: &str) -> Result<Self, IdError> {
                checked(raw).map(Self)
            }

            /// The identifier.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

identifier!(PostId);
identifier!(StreamId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_short_and_plain() {
        assert!(PostId::new("01JD-a_b").is_ok());
        for bad in ["", "a b", "é", "a\n", &"x".repeat(65)] {
            assert_eq!(PostId::new(bad), Err(IdError));
        }
    }
}
