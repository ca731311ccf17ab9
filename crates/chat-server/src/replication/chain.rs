//! The hash chain over a log of batches, by which a node notices that its log is not the one of another node.

use std::fmt;

use sha2::{Digest, Sha256};

/// Identifies one log from its beginning. A log that was lost and begun again has another one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Generation([u8; 16]);

impl Generation {
    /// Creates a random generation.
    #[must_use]
    pub fn random() -> Self {
        Self(*uuid::Uuid::new_v4().as_bytes())
    }

    /// Creates a generation from its stored form.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the stored form.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The hash of all batches up to a place, and of their times.
///
/// ```
/// use chat_server::replication::{ChainHash, Generation};
///
/// let log = ChainHash::beginning(Generation::from_bytes([7; 16]));
/// assert_eq!(log.after(1_000, b"a batch"), log.after(1_000, b"a batch"));
/// assert_ne!(log.after(1_000, b"a batch"), log.after(1_000, b"another batch"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    /// Creates a hash from its stored form.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the stored form.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the hash before the first batch.
    #[must_use]
    pub fn beginning(generation: Generation) -> Self {
        Self(Sha256::digest(generation.as_bytes()).into())
    }

    /// Returns the hash after one more batch, which the log got at a time. The time is a part of it, because the times of
    /// messages depend on it: a log that has lost its end can get the same batches again at another time.
    #[must_use]
    pub fn after(&self, at: i64, batch: &[u8]) -> Self {
        Self(Sha256::new().chain_update(self.0).chain_update(at.to_le_bytes()).chain_update(batch).finalize().into())
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A place in the log with the hash of all batches up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainLink {
    /// The place; 0 before the first batch.
    pub place: u64,
    /// The hash.
    pub hash: ChainHash,
}

impl ChainLink {
    /// Returns the link before the first batch.
    #[must_use]
    pub fn beginning(generation: Generation) -> Self {
        Self { place: 0, hash: ChainHash::beginning(generation) }
    }

    /// Returns the link after one more batch, which the log got at a time.
    #[must_use]
    pub fn after(&self, at: i64, batch: &[u8]) -> Self {
        Self { place: self.place + 1, hash: self.hash.after(at, batch) }
    }
}
