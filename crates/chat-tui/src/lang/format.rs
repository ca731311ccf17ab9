//! Formats that both languages share.

use chat_client::Text;
use jiff::civil::DateTime;

/// Returns what happened, with the words of an operator in one line.
pub(super) fn with_reason(what: String, reason: Option<&Text>) -> String {
    match reason {
        Some(reason) => format!("{what}: {}", reason.flattened()),
        None => what,
    }
}

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

/// Returns the length of a period as a number and its unit: seconds, minutes, hours, days.
pub(super) fn extent(since: DateTime, until: DateTime) -> (i64, usize) {
    let seconds = until.duration_since(since).as_secs().max(0);
    match seconds {
        0..60 => (seconds, 0),
        60..3_600 => (seconds / 60, 1),
        3_600..86_400 => (seconds / 3_600, 2),
        _ => (seconds / 86_400, 3),
    }
}

/// Formats a period by the minute; `None` for one below a minute, whose length says more.
pub(super) fn period(since: DateTime, until: DateTime) -> Option<String> {
    if until.duration_since(since).as_secs() < 60 {
        return None;
    }
    let time = |at: DateTime| at.strftime("%H:%M").to_string();
    let since = if since.date() == until.date() { time(since) } else { since.strftime("%d.%m %H:%M").to_string() };
    Some(format!("{since} – {}", time(until)))
}

/// Returns the candidates of a completion around the chosen one, which is in brackets.
pub(super) fn candidates(all: &[String], chosen: usize) -> String {
    const SHOWN: usize = 8;
    let first = chosen.saturating_sub(SHOWN - 1);
    let shown = all.iter().enumerate().skip(first).take(SHOWN).map(|(number, name)| {
        let name = chat_client::display::clean_for_terminal(name);
        if number == chosen { format!("[{name}]") } else { name.into_owned() }
    });
    shown.collect::<Vec<_>>().join(" ")
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
