//! The clock of the machine, before the log is stamped with it. The time of the log never goes back, so one start with a
//! clock of the far future would give all later messages that time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};

/// 2024-01-01: this program is younger.
const EARLIEST: Duration = Duration::from_secs(1_704_067_200);
/// 2100-01-01: a clock that shows more has lost its battery or its configuration.
const LATEST: Duration = Duration::from_secs(4_102_444_800);

/// Refuses a clock that cannot be right.
///
/// # Errors
/// A sentence that says what the clock shows and what to do.
pub(crate) fn check(now: SystemTime) -> Result<()> {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let wrong = match since {
        early if early < EARLIEST => "before 2024",
        late if late >= LATEST => "after 2099",
        _ => return Ok(()),
    };
    bail!("the clock of this machine shows a time {wrong}, which every message would keep: set it and start again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_clock_that_cannot_be_right() {
        let at = |since| check(UNIX_EPOCH + since);
        assert!(at(EARLIEST).is_ok() && at(LATEST - Duration::from_secs(1)).is_ok());
        assert!(at(Duration::ZERO).unwrap_err().to_string().contains("before 2024"));
        assert!(check(UNIX_EPOCH - Duration::from_secs(1)).is_err());
        assert!(at(LATEST).unwrap_err().to_string().contains("after 2099"));
    }
}
