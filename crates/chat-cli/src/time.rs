//! How long and since when, as people type it.

use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Why a text is no duration or no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WhenError {
    #[error("not a duration (like 500ms, 30s, 5m, 2h, 1d, or seconds alone)")]
    Duration,
    #[error("not a time (like 2026-01-14T17:07:00+03:00, 2026-01-14, \"2026-01-14 17:07\", or 2h for two hours ago)")]
    Time,
}

/// Reads `500ms`, `30s`, `5m`, `2h`, `1d`, or bare seconds; fractions are allowed.
pub(crate) fn duration(text: &str) -> Result<Duration, WhenError> {
    let text = text.trim();
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds = match unit.trim() {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86400.0,
        _ => return Err(WhenError::Duration),
    };
    let number: f64 = number.parse().map_err(|_| WhenError::Duration)?;
    Duration::try_from_secs_f64(number * seconds).ok().filter(|length| *length <= LONGEST).ok_or(WhenError::Duration)
}

/// A hundred years: longer waits cannot be reckoned with, and nobody waits for them.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Reads an RFC 3339 time, a local date with or without a time, or a duration, which means so long
/// before `now`.
pub(crate) fn time(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, WhenError> {
    let text = text.trim();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let local = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(|date| date.at(0, 0, 0, 0)));
    if let Ok(local) = local {
        return local.to_zoned(zone.clone()).map(|zoned| zoned.timestamp()).map_err(|_| WhenError::Time);
    }
    let ago = duration(text).map_err(|_| WhenError::Time)?;
    let ago = SignedDuration::try_from(ago).map_err(|_| WhenError::Time)?;
    now.checked_sub(ago).map_err(|_| WhenError::Time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, ms) in [("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("1.5h", 5_400_000), ("2", 2000)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for bad in ["", "s", "-1s", "5 parsecs", "1..2", "99999999999999999999999d", "9999999999999999999"] {
            assert_eq!(duration(bad), Err(WhenError::Duration), "{bad}");
        }
    }

    #[test]
    fn times() {
        let now: Timestamp = "2026-01-14T12:00:00Z".parse().expect("a time");
        let zone = TimeZone::fixed(jiff::tz::offset(3));
        for (text, expected) in [
            ("2026-01-14T17:07:00+03:00", "2026-01-14T14:07:00Z"),
            ("2026-01-14 17:07", "2026-01-14T14:07:00Z"),
            ("2026-01-14", "2026-01-13T21:00:00Z"),
            ("2h", "2026-01-14T10:00:00Z"),
        ] {
            assert_eq!(time(text, now, &zone).map(|time| time.to_string()), Ok(expected.to_owned()), "{text}");
        }
        assert_eq!(time("yesterday", now, &zone), Err(WhenError::Time));
    }
}
