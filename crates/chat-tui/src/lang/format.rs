//! Time formats that both languages share.

use jiff::civil::DateTime;

/// Formats a period on one line, with the date only if it is needed.
pub(super) fn span(since: DateTime, until: DateTime) -> String {
    let time = |at: DateTime| at.strftime("%H:%M:%S").to_string();
    let day = |at: DateTime| at.strftime("%d.%m ").to_string();
    if since.date() == until.date() {
        format!("{} – {}", time(since), time(until))
    } else {
        format!("{}{} – {}{}", day(since), time(since), day(until), time(until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn span_over_midnight_names_its_days() {
        let at = |day, hour| DateTime::constant(2023, 1, day, hour, 0, 0, 0);
        assert_eq!(span(at(14, 17), at(14, 18)), "17:00:00 – 18:00:00");
        assert_eq!(span(at(14, 23), at(15, 1)), "14.01 23:00:00 – 15.01 01:00:00");
    }
}
