//! The SHA-256 of a token, which the store contains instead of the token. A random token needs no slow hash.

use std::fmt;

use chat_proto::Token;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

/// The SHA-256 of a token.
///
/// ```
/// use chat_proto::Token;
/// use chat_server::TokenHash;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let token = Token::new("9a08f44c-c541-41eb-8c47-0242ac110002")?;
/// // What a journal of its own stores, and reads again.
/// let stored: [u8; 32] = *TokenHash::of(&token).as_bytes();
/// assert!(TokenHash::from_bytes(stored).matches(&TokenHash::of(&token)));
/// # Ok(()) }
/// ```
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Hashes a token.
    #[must_use]
    pub fn of(token: &Token) -> Self {
        Self(Sha256::digest(token.expose().as_bytes()).into())
    }

    /// Creates a hash from its stored form.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the stored form.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Compares in a time that does not depend on where two hashes differ.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        let differing = self.0.iter().zip(&other.0).fold(0u8, |sum, (a, b)| sum | (a ^ b));
        std::hint::black_box(differing) == 0
    }

    /// Returns the part of the hash that finds candidates; [`TokenHash::matches`] decides.
    pub(crate) fn shelf(&self) -> u64 {
        self.0.iter().take(8).fold(0, |shelf, &byte| shelf << 8 | u64::from(byte))
    }
}

/// Compares as [`TokenHash::matches`] does.
impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other)
    }
}

impl Eq for TokenHash {}

/// Serializes as 64 hexadecimal digits.
impl Serialize for TokenHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{self:x}"))
    }
}

impl<'de> Deserialize<'de> for TokenHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digit = |index: usize| text.get(index..index + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = digit(2 * index).ok_or_else(|| de::Error::custom("not 64 hexadecimal digits"))?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::LowerHex for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_equal_tokens_match() {
        let hash = |raw| TokenHash::of(&Token::new(raw).unwrap());
        assert!(hash("one").matches(&hash("one")));
        assert!(!hash("one").matches(&hash("two")));
        assert_eq!(format!("{:?}", hash("one")), "TokenHash(hidden)");
        let written = serde_json::to_string(&hash("one")).unwrap();
        assert_eq!((written.len(), serde_json::from_str::<TokenHash>(&written).unwrap()), (66, hash("one")));
        assert!(serde_json::from_str::<TokenHash>("\"12\"").is_err());
    }
}
