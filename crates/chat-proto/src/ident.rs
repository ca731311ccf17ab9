//! Identifiers of posts and logs, and positions in a log (docs/protocol.md, section 5).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest identifier, in bytes. A UUID has 36.
pub const MAX_ID_BYTES: usize = 64;

/// The id of one post. It is unique within the account for as long as the server's store exists: a post with a known id
/// is not stored again.
///
/// ```
/// use chat_proto::{Position, PostId};
///
/// let id: PostId = "01JD3Z".parse()?;
/// assert_eq!(id.as_str(), "01JD3Z");
/// // A bridge that repeats messages of another room after a crash finds the same ids again.
/// let position: Position = "k3f9:1043".parse()?;
/// assert_eq!(PostId::from_position(&position)?.as_str(), "k3f9-1043");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PostId(Box<str>);

/// The id of one uninterrupted log. Sequence numbers of different streams are unrelated. Clones share the text, because
/// every position contains one.
///
/// ```
/// use chat_proto::{Position, StreamId};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let stream = StreamId::new("k3f9")?;
/// assert_eq!(Position { stream, seq: 1042 }.to_string(), "k3f9:1042");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(Arc<str>);

/// The number of a message in its stream. It grows by one from message to message.
pub type Seq = u64;

/// The position of a message: its stream, and its number there.
///
/// `Display` and `FromStr` use `stream:number`. The order is that of the log within a stream; between streams it has no
/// meaning.
///
/// Exhaustive, because a position consists of exactly these two values and programs construct it.
///
/// ```
/// use chat_proto::{Position, StreamId};
///
/// let position = Position { stream: StreamId::new("k3f9")?, seq: 1043 };
/// assert_eq!(position.to_string(), "k3f9:1043");
/// assert_eq!("k3f9:1043".parse(), Ok(position.clone()));
/// assert!(position < "k3f9:1044".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The stream.
    pub stream: StreamId,
    /// The sequence number in it.
    pub seq: Seq,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.stream, self.seq)
    }
}

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(raw: &str) -> Result<Self, PositionError> {
        // An identifier has no colon.
        let (stream, seq) = raw.split_once(':').ok_or(PositionError)?;
        Ok(Self { stream: stream.parse().map_err(|_| PositionError)?, seq: seq.parse().map_err(|_| PositionError)? })
    }
}

/// The error of a text that is not a [`Position`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a position has the form STREAM:NUMBER")]
#[non_exhaustive]
pub struct PositionError;

/// The error of a text that is not an identifier: it is empty, longer than [`MAX_ID_BYTES`], or has a character that is
/// not an ASCII letter, digit, `-` or `_`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an identifier has 1 to {MAX_ID_BYTES} ASCII letters, digits, '-' or '_'")]
#[non_exhaustive]
pub struct IdError;

fn checked(raw: &str) -> Result<&str, IdError> {
    let fits = (1..=MAX_ID_BYTES).contains(&raw.len());
    let clean = raw.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if fits && clean { Ok(raw) } else { Err(IdError) }
}

macro_rules! identifier {
    ($name:ident) => {
        impl $name {
            /// Checks an identifier.
            ///
            /// # Errors
            /// [`IdError`] when it is empty, too long, or has a character that is not an ASCII letter, digit, `-` or
            /// `_`.
            pub fn new(raw: &str) -> Result<Self, IdError> {
                checked(raw).map(|id| Self(id.into()))
            }

            /// Returns the identifier as it is on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(raw: &str) -> Result<Self, IdError> {
                Self::new(raw)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = IdError;

            fn try_from(raw: &str) -> Result<Self, IdError> {
                Self::new(raw)
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

impl PostId {
    /// Creates an id from the position of a message: always the same for one position, and different for each.
    ///
    /// # Errors
    /// [`IdError`] if the id of the stream is so long that both do not fit into [`MAX_ID_BYTES`]. The ids of this
    /// project's server fit.
    pub fn from_position(position: &Position) -> Result<Self, IdError> {
        Self::new(&format!("{}-{}", position.stream, position.seq))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_long_and_odd_identifiers() {
        assert!(PostId::new("01JD-a_b").is_ok());
        for bad in ["", "a b", "é", "a\n", &"x".repeat(65)] {
            assert_eq!(PostId::new(bad), Err(IdError));
        }
    }

    #[test]
    fn position_round_trips() {
        let position = Position { stream: StreamId::new("k3-f9_").unwrap(), seq: u64::MAX };
        assert_eq!(position.to_string().parse(), Ok(position));
        for bad in ["", "k3f9", ":1", "k3f9:", "k3f9:-1", "k3f9:1:2", "k3 f9:1"] {
            assert_eq!(bad.parse::<Position>(), Err(PositionError), "{bad}");
        }
    }

    #[test]
    fn position_gives_an_id_that_fits() {
        let uuid = "9a08f44c-c541-41eb-8c47-0242ac110002";
        let mut position = Position { stream: StreamId::new(uuid).unwrap(), seq: u64::MAX };
        assert_eq!(PostId::from_position(&position).unwrap().as_str(), format!("{uuid}-{}", u64::MAX));
        position.stream = StreamId::new(&"x".repeat(MAX_ID_BYTES)).unwrap();
        assert_eq!(PostId::from_position(&position), Err(IdError));
    }
}
