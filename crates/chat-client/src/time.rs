//! Conversions of [`SystemTime`], the one kind of time in this crate's signatures.

use std::time::SystemTime;

use jiff::Timestamp;

/// Returns milliseconds since the Unix epoch, negative before it.
pub(crate) fn to_millis(time: SystemTime) -> i64 {
    Timestamp::try_from(time).unwrap_or(Timestamp::MAX).as_millisecond()
}

/// Returns the time that many milliseconds after the Unix epoch; the epoch itself for values out of range.
#[cfg(feature = "files")]
pub(crate) fn from_millis(millis: i64) -> SystemTime {
    Timestamp::from_millisecond(millis).map_or(SystemTime::UNIX_EPOCH, SystemTime::from)
}
