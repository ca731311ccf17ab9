//! The value of `--keep`: which messages are kept.

use std::time::Duration;

use super::value::{ByteSize, OptionValue, ValueKind};
use crate::retention::Retention;

/// Which messages are kept: an age such as `90d`, a size such as `10GB`, or both with a comma in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Keep(pub(super) Retention);

/// The smallest size to keep: a store without messages is already some pages large.
const LEAST_KEPT_BYTES: u64 = 1024 * 1024;

/// The smallest age to keep, in seconds.
const LEAST_KEPT_SECONDS: u64 = 60;

impl OptionValue for Keep {
    const KIND: ValueKind = ValueKind::Text;

    fn parse(text: &str) -> Result<Self, String> {
        let mut keep = Retention::everything();
        for rule in text.split(',').map(str::trim) {
            match (parse_age(rule), parse_kept_size(rule)) {
                (Some(age), _) if keep.age.is_none() => {
                    if age.as_secs() < LEAST_KEPT_SECONDS {
                        return Err("an age is at least 1m".to_owned());
                    }
                    keep.age = Some(age);
                }
                (_, Some(bytes)) if keep.bytes.is_none() => {
                    if bytes < LEAST_KEPT_BYTES {
                        return Err("a size is at least 1MB".to_owned());
                    }
                    keep.bytes = Some(bytes);
                }
                (None, None) => return Err("not an age like 90d, a size like 10GB, or both like 90d,10GB".to_owned()),
                _ => return Err("it has two ages or two sizes".to_owned()),
            }
        }
        Ok(Self(keep))
    }
}

/// Parses an age such as `90d`, `12h`, `30m` or `2w`.
fn parse_age(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        "w" => 7 * 24 * 60 * 60,
        _ => return None,
    };
    let count: u32 = digits.parse().ok()?;
    // A century is as good as for ever.
    Some(Duration::from_secs((u64::from(count) * unit).min(100 * 365 * 24 * 60 * 60)))
}

/// Parses a size such as `500M`, `10GB` or `10GiB`. The unit has an upper-case letter, because `10m` is an age.
fn parse_kept_size(text: &str) -> Option<u64> {
    let short = text.strip_suffix("iB").or_else(|| text.strip_suffix('B')).unwrap_or(text);
    short.ends_with(['K', 'M', 'G', 'T']).then(|| ByteSize::parse(short).ok())?.map(|ByteSize(bytes)| bytes)
}
