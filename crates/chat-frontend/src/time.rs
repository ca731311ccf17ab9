//! Durations and times as people type and read them.

use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The text is not a duration or not a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// It is not a duration.
    #[error("not a duration (like 500ms, 30s, 5m, 2h, 1d, or seconds alone)")]
    Duration,
    /// It is not a time.
    #[error("not a time (like 2026-01-14T17:07:00+03:00, 2026-01-14, \"2026-01-14 17:07\", or 2h for two hours ago)")]
    Time,
}

/// Parses `500ms`, `30s`, `5m`, `2h`, `1d`, or bare seconds; fractions are allowed.
///
/// # Errors
/// When the text is anything else, or longer than a hundred years.
pub fn duration(text: &str) -> Result<Duration, TimeError> {
    let text = text.trim();
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds = match unit.trim() {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86400.0,
        _ => return Err(TimeError::Duration),
    };
    let number: f64 = number.parse().map_err(|_| TimeError::Duration)?;
    Duration::try_from_secs_f64(number * seconds).ok().filter(|length| *length <= LONGEST).ok_or(TimeError::Duration)
}

/// A hundred years: adding more to the present time may overflow.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Parses an RFC 3339 time, a local date with or without a time, or a duration, which is subtracted from `now`.
///
/// # Errors
/// When the text is none of these.
pub fn time(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, TimeError> {
    let text = text.trim();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let local = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(|date| date.at(0, 0, 0, 0)));
    if let Ok(local) = local {
        return local.to_zoned(zone.clone()).map(|zoned| zoned.timestamp()).map_err(|_| TimeError::Time);
    }
    let ago = duration(text).map_err(|_| TimeError::Time)?;
    let ago = SignedDuration::try_from(ago).map_err(|_| TimeError::Time)?;
    now.checked_sub(ago).map_err(|_| TimeError::Time)
}

/// Formats a duration in the largest suitable units: `10 s`, `1.5 s`, `2 min 30 s`, `3 h`.
pub fn in_words(length: Duration) -> String {
    let millis = length.as_millis();
    if millis < 1_000 {
        return format!("{millis} ms");
    }
    if millis < 10_000 && !millis.is_multiple_of(1_000) {
        return format!("{:.1} s", length.as_secs_f64());
    }
    let seconds = length.as_secs();
    let parts = [(seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    // Two units are enough: for days, seconds do not matter.
    let parts = parts.into_iter().skip_while(|(count, _)| *count == 0).take(2).filter(|(count, _)| *count > 0);
    parts.map(|(count, unit)| format!("{count} {unit}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_in_people_units() {
        for (ms, text) in [
            (0, "0 ms"),
            (800, "800 ms"),
            (1_500, "1.5 s"),
            (10_000, "10 s"),
            (10_400, "10 s"),
            (150_000, "2 min 30 s"),
            (10_800_000, "3 h"),
            (90_061_000, "1 d 1 h"),
        ] {
            assert_eq!(in_words(Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn durations() {
        for (text, ms) in [("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("1.5h", 5_400_000), ("2", 2000)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for bad in ["", "s", "-1s", "5 parsecs", "1..2", "99999999999999999999999d", "9999999999999999999"] {
            assert_eq!(duration(bad), Err(TimeError::Duration), "{bad}");
        }
    }

    #[test]
    fn times() {
        let now: Timestamp = "2026-01-14T12:00:00Z".parse().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(3));
        for (text, expected) in [
            ("2026-01-14T17:07:00+03:00", "2026-01-14T14:07:00Z"),
            ("2026-01-14 17:07", "2026-01-14T14:07:00Z"),
            ("2026-01-14", "2026-01-13T21:00:00Z"),
            ("2h", "2026-01-14T10:00:00Z"),
        ] {
            assert_eq!(time(text, now, &zone).map(|time| time.to_string()), Ok(expected.to_owned()), "{text}");
        }
        assert_eq!(time("yesterday", now, &zone), Err(TimeError::Time));
    }
}
