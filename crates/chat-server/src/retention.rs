//! Which messages a room keeps.

use std::time::Duration;

/// Which messages a room keeps. The oldest are removed as soon as one of the rules says so; the default keeps all.
///
/// ```
/// use std::time::Duration;
///
/// use chat_server::Retention;
///
/// let ninety_days = Duration::from_secs(90 * 24 * 3600);
/// let keep = Retention::everything().with_age(Some(ninety_days)).with_bytes(Some(10_000_000_000));
/// assert!(!keep.is_everything());
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// The age from which on messages are removed.
    pub age: Option<Duration>,
    /// The bytes that the content of the store may occupy. Its newest message is kept in any case.
    pub bytes: Option<u64>,
}

impl Retention {
    /// Creates the rule that keeps all messages.
    #[must_use]
    pub const fn everything() -> Self {
        Self { age: None, bytes: None }
    }

    /// Sets the age from which on messages are removed.
    #[must_use]
    pub const fn with_age(self, age: Option<Duration>) -> Self {
        Self { age, ..self }
    }

    /// Sets the bytes that the content of the store may occupy.
    #[must_use]
    pub const fn with_bytes(self, bytes: Option<u64>) -> Self {
        Self { bytes, ..self }
    }

    /// Returns true if all messages are kept.
    #[must_use]
    pub const fn is_everything(&self) -> bool {
        self.age.is_none() && self.bytes.is_none()
    }

    /// Returns the time before which messages are removed, in milliseconds since the Unix epoch.
    pub(crate) fn oldest_time(&self, now: i64) -> Option<i64> {
        let age = i64::try_from(self.age?.as_millis()).unwrap_or(i64::MAX);
        Some(now.saturating_sub(age))
    }
}

/// The bytes of a message apart from its texts, about.
pub(crate) const MESSAGE_BYTES: u64 = 64;

/// What one step of removing old messages did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpiryStep {
    /// The number of messages that were removed.
    pub removed: u64,
    /// About how many bytes they occupied.
    pub bytes: u64,
    /// Whether more of them are due.
    pub more: bool,
}

impl ExpiryStep {
    /// Creates the result of a step.
    #[must_use]
    pub const fn new(removed: u64, bytes: u64, more: bool) -> Self {
        Self { removed, bytes, more }
    }
}
