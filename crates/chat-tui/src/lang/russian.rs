//! The parts of Russian sentences: numbers with their nouns, dates, gaps, and why something failed.

use chat_client::{DeclineCode, GapCause, Text};
use jiff::civil::{Date, DateTime, Weekday};

use super::format::{extent, period, with_reason};
use super::phrase::GapLength;
use crate::timeline::{GapLine, Held};

pub(super) fn gap_row(gap: &GapLine, length: GapLength) -> String {
    let (cause, missed) = (gap_cause(gap.cause), missed(gap.missed));
    let (number, unit) = extent(gap.since, gap.until);
    let extent = format!("{number} {}", ["с", "мин", "ч", "д"][unit]);
    match length {
        GapLength::Sentence => match (gap.cause, period(gap.since, gap.until)) {
            (GapCause::Disconnected, None) => format!("{extent} без связи: {missed}"),
            (GapCause::Disconnected, Some(period)) => format!("{period} без связи: {missed}"),
            (_, None) => format!("{cause}: {missed}"),
            (_, Some(period)) => format!("{period} {cause}: {missed}"),
        },
        GapLength::Line => {
            let missed =
                gap.missed.map_or("возможны потери".to_owned(), |missed| format!("не хватает {missed}"));
            format!("пробел {}, {extent}: {missed}", gap.until.strftime("%H:%M"))
        }
        GapLength::Short => format!("пробел {}, {extent}", gap.until.strftime("%H:%M")),
        GapLength::Shortest => format!("пробел {extent}"),
    }
}

pub(super) fn gap_cause(cause: GapCause) -> &'static str {
    match cause {
        GapCause::ServerForgot => "на сервере этой части уже нет",
        GapCause::Expired => "сервер не хранит такие старые сообщения",
        GapCause::OtherStream => "сервер начал новую историю",
        GapCause::HoleInNumbers => "сервер пропустил сообщения",
        GapCause::LineTooLong => "сервер прислал слишком длинную строку",
        _ => "связь прерывалась",
    }
}

pub(super) fn missed(missed: Option<u64>) -> String {
    match missed {
        Some(missed) => format!("не хватает {missed} {}", few(missed, "сообщения", "сообщений", "сообщений")),
        None => "сообщения могли потеряться".to_owned(),
    }
}

/// Why the server did not take a message.
pub(super) fn refusal(code: &DeclineCode, until: Option<DateTime>, reason: Option<&Text>) -> String {
    let what = match code {
        DeclineCode::Rate => "слишком много сообщений подряд".into(),
        DeclineCode::TooLong => "слишком длинное для этого сервера".into(),
        DeclineCode::Revoked => "учётная запись отозвана".into(),
        DeclineCode::Muted => match until {
            Some(until) => format!("модератор запретил вам писать до {}", moment(until)),
            None => "модератор запретил вам писать".into(),
        },
        DeclineCode::Banned => "вы заблокированы в этой комнате".into(),
        DeclineCode::Storage => "сервер не смог сохранить".into(),
        DeclineCode::Unavailable => "журнал комнаты недоступен".into(),
        DeclineCode::Draining => "сервер завершает работу".into(),
        other => other.as_str().to_owned(),
    };
    with_reason(what, reason)
}

/// Returns a time with its day, which need not be today.
fn moment(at: DateTime) -> String {
    format!("{} {} {}", at.strftime("%H:%M"), at.day(), month(at.date()))
}

/// Why a message was not given to the writer.
pub(super) fn held_text(held: &Held) -> String {
    match held {
        Held::EarlierRun => "осталось с прошлого запуска".into(),
        Held::QueueFull => "слишком много сообщений ждут отправки".into(),
        Held::Failed(why) => reason(why),
    }
}

/// The frequent errors of the system and of libraries; the rest is quoted.
pub(super) fn reason(text: &str) -> String {
    const KNOWN: [(&str, &str); 17] = [
        ("No such file or directory", "файл или каталог не найден"),
        ("Permission denied", "нет доступа"),
        ("No space left on device", "на диске нет места"),
        ("Disk quota exceeded", "превышена дисковая квота"),
        ("Read-only file system", "файловая система доступна только для чтения"),
        ("File exists", "файл уже существует"),
        ("Is a directory", "это каталог"),
        ("Not a directory", "это не каталог"),
        ("Too many open files", "открыто слишком много файлов"),
        ("Address already in use", "адрес уже занят"),
        ("Connection refused", "соединение отклонено"),
        ("Connection reset by peer", "соединение сброшено сервером"),
        ("Network is unreachable", "сеть недоступна"),
        ("Connection timed out", "сервер не ответил вовремя"),
        ("unclosed character class", "не закрыта скобка ["),
        ("unclosed group", "не закрыта скобка ("),
        ("repetition operator missing expression", "нечего повторять"),
    ];
    KNOWN.iter().fold(text.to_owned(), |text, (english, russian)| text.replace(english, russian))
}

/// The form of a noun or a verb that goes with a number.
pub(super) fn few(n: impl TryInto<u64>, one: &'static str, few: &'static str, many: &'static str) -> &'static str {
    let n: u64 = n.try_into().unwrap_or(u64::MAX);
    match (n % 10, n % 100) {
        (_, 11..=14) => many,
        (1, _) => one,
        (2..=4, _) => few,
        _ => many,
    }
}

/// The month in the form that goes with a day.
pub(super) fn month(date: Date) -> &'static str {
    const MONTHS: [&str; 12] = [
        "января",
        "февраля",
        "марта",
        "апреля",
        "мая",
        "июня",
        "июля",
        "августа",
        "сентября",
        "октября",
        "ноября",
        "декабря",
    ];
    MONTHS[usize::try_from(date.month() - 1).unwrap_or(0) % 12]
}

pub(super) fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "понедельник",
        Weekday::Tuesday => "вторник",
        Weekday::Wednesday => "среда",
        Weekday::Thursday => "четверг",
        Weekday::Friday => "пятница",
        Weekday::Saturday => "суббота",
        Weekday::Sunday => "воскресенье",
    }
}
