//! Russian.

use chat_client::{NicknameError, TextError};
use chat_frontend::local_room::RoomNotice;
use jiff::civil::Weekday;

use super::format::span;
use super::phrase::Phrase;
use crate::event::NoticeText;
use crate::link::{LinkError, LinkSide, LinkState};
use crate::timeline::{FailureReason, GapReason, OwnState};

pub(super) const HELP: &[(&str, &str)] = &[
    ("", "Писать"),
    ("Enter", "отправить"),
    ("Alt+Enter, Ctrl+J", "новая строка внутри сообщения"),
    ("Tab", "дополнить имя; ещё раз — следующее"),
    ("↑ ↓", "отправленное раньше; строки этого сообщения"),
    ("Ctrl+A, Ctrl+E", "начало и конец строки"),
    ("Alt+B, Alt+F", "на слово назад, на слово вперёд"),
    ("Ctrl+W, Alt+D", "вырезать слово слева, справа"),
    ("Ctrl+U, Ctrl+K", "вырезать до начала, до конца строки"),
    ("Ctrl+Y", "вставить вырезанное"),
    ("Ctrl+_", "отменить правку"),
    ("", "Читать"),
    ("PgUp, PgDn", "страница назад, страница вперёд"),
    ("Ctrl+↑, Ctrl+↓", "строка назад, строка вперёд"),
    ("Ctrl+Home", "самое старое из загруженного; ещё раз — ещё старше"),
    ("Esc, Ctrl+End", "в конец"),
    ("Ctrl+F", "поиск по всей истории"),
    ("", "Мои сообщения"),
    ("Ctrl+O", "выбрать недоставленное: r повторить, e править, d выбросить"),
    ("…  →  ✓  ✗  ?", "в очереди, послано, подтверждено, отказ, неизвестно"),
    ("", "Прочее"),
    ("Ctrl+R, F5", "соединиться сейчас же"),
    ("F2, F3", "при регистрации: показать, скопировать токен"),
    ("Ctrl+L", "перерисовать экран"),
    ("Ctrl+Z", "приостановить"),
    ("Ctrl+C", "вырезать набранное; если пусто — выйти"),
    ("Ctrl+Q, /quit", "выйти"),
    ("/register", "завести ещё одну учётную запись"),
    ("/accounts", "выбрать другую учётную запись"),
    ("/search TEXT", "поиск; /вот так/ — регулярное выражение"),
    ("/export [FILE]", "записать историю в файл"),
    ("//", "сообщение, которое начинается с /"),
];

pub(super) fn text(phrase: Phrase<'_>) -> String {
    match phrase {
        Phrase::WindowTitle(what) => format!("{what} · minechat"),
        Phrase::Starting => "запускаюсь…".into(),
        Phrase::RegistrationTitle => "Регистрация".into(),
        Phrase::NicknameLabel => "Имя".into(),
        Phrase::NicknamePlaceholder => "как вас будут звать другие?".into(),
        Phrase::Register => "Зарегистрироваться".into(),
        Phrase::Registering => "регистрирую…".into(),
        Phrase::EnterChat => "Войти в чат".into(),
        Phrase::Again => "Ещё одна учётная запись".into(),
        Phrase::YourNickname => "Ваше имя".into(),
        Phrase::YourToken => "Ваш токен".into(),
        Phrase::SavedIn(path) => format!("сохранено в {path}"),
        Phrase::NotSaved(error) => format!("НЕ СОХРАНЕНО: {error}"),
        Phrase::RegistrationKeys => "Enter регистрирует · Tab дальше · F1 справка · Ctrl+C выход".into(),
        Phrase::RegisteredKeys => "Enter выбирает · F2 показать токен · F3 скопировать".into(),
        Phrase::NicknameError(NicknameError::Blank) => "сначала наберите имя".into(),
        Phrase::NicknameError(NicknameError::TooLong { bytes }) => format!("имя слишком длинное: {bytes} байт"),
        Phrase::NicknameError(error) => error.to_string(),
        Phrase::TokenCopied => "токен передан в буфер обмена терминала".into(),
        Phrase::CannotSuspend => "нет оболочки, из которой можно вернуться".into(),
        Phrase::AccountsTitle => "Какая учётная запись?".into(),
        Phrase::NewAccount => "Зарегистрировать новую".into(),
        Phrase::AccountsKeys => "Enter выбирает · n новая · d удалить · Ctrl+C выход".into(),
        Phrase::ReallyRemove(nickname) => format!("удалить {nickname} с этой машины? y — да, любая другая — нет"),
        Phrase::NoAccounts => "сохранённых учётных записей нет".into(),
        Phrase::WrongTokenTitle => "Неверный токен".into(),
        Phrase::WrongToken => "Сервер не знает токена этой учётной записи. Ничего не отправлено, повторных попыток не будет.".into(),
        Phrase::OtherAccount => "Выбрать другую учётную запись".into(),
        Phrase::Leave => "Выйти".into(),
        Phrase::ChoiceKeys => "Enter выбирает · Esc закрывает".into(),
        Phrase::Date(date) => {
            let month = ["января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря"];
            let month = month[usize::try_from(date.month() - 1).unwrap_or(0) % 12];
            format!("{}, {} {month} {}", weekday(date.weekday()), date.day(), date.year())
        }
        Phrase::Unread => "новые сообщения".into(),
        Phrase::LooksLike(name) => format!(" (похоже на {name})"),
        Phrase::Gap(gap) => {
            let what = match gap.cause {
                GapReason::Disconnected => "не было связи",
                GapReason::ServerForgot => "сервер этого уже не помнит",
                GapReason::OtherStream => "сервер начал заново",
                GapReason::HoleInNumbers => "сервер пропустил сообщения",
            };
            let missed = match gap.missed {
                Some(missed) => format!("не хватает {missed} {}", few(missed, "сообщения", "сообщений", "сообщений")),
                None => "сообщения могли пропасть".to_owned(),
            };
            format!("пробел {}: {what}, {missed}", span(gap.since, gap.until))
        }
        Phrase::Own(state) => match state {
            OwnState::Queued => "… в очереди".into(),
            OwnState::Sent => "→ послано".into(),
            OwnState::Confirmed => "✓".into(),
            OwnState::Failed(failure) => format!("✗ отказ: {}", text(Phrase::Failure(failure))),
            OwnState::Unconfirmed => "? не подтверждено".into(),
            OwnState::Stale => "? осталось с прошлого раза, не послано".into(),
        },
        Phrase::Failure(failure) => match failure {
            FailureReason::TooFast => "слишком много сообщений подряд".into(),
            FailureReason::TooLong => "слишком длинное для этого сервера".into(),
            FailureReason::Revoked => "учётная запись отозвана".into(),
            FailureReason::Storage => "сервер не смог сохранить".into(),
            FailureReason::Draining => "сервер завершает работу".into(),
            FailureReason::NeverSent => "так и не послано".into(),
            FailureReason::Full => "слишком много сообщений ждут".into(),
            FailureReason::Other(text) => text.clone(),
        },
        Phrase::NewBelow(n) => format!("{n} {} ниже", few(n as u64, "новое", "новых", "новых")),
        Phrase::ScrolledBack => "Esc — в конец".into(),
        Phrase::TextError(TextError::TooLong { bytes }) => format!("слишком длинно: {bytes} байт; сократите или пошлите частями"),
        Phrase::TextError(error) => error.to_string(),
        Phrase::InputFull => "это не помещается в строку ввода".into(),
        Phrase::NothingToComplete => "такого имени нет".into(),
        Phrase::NothingOnItsWay => "неотправленных сообщений нет".into(),
        Phrase::OwnKeys => "↑↓ выбор · r повторить · e править · d выбросить · Esc назад".into(),
        Phrase::NotNow => "с этим сообщением сейчас так нельзя".into(),
        Phrase::UnknownCommand(name) => format!("нет команды /{name}; F1 покажет все, // начинает текст с /"),
        Phrase::Exported(path) => format!("история записана в {path}"),
        Phrase::NotExported(error) => format!("история не записана: {error}"),
        Phrase::EmptyRoom => "Пока никто ничего не сказал.".into(),
        Phrase::Link { side, state, seconds } => {
            let side = match side {
                LinkSide::Listening => "чтение",
                LinkSide::Writing => "запись",
            };
            match state {
                LinkState::Off => format!("{side}: выкл."),
                LinkState::Connecting { attempt: 0 | 1 } => format!("{side}: соединяюсь"),
                LinkState::Connecting { attempt } => format!("{side}: соединяюсь (№{attempt})"),
                LinkState::Online => format!("{side}: на связи"),
                LinkState::Waiting { attempt, .. } => {
                    format!("{side}: повтор через {} с (№{attempt})", seconds.unwrap_or(0))
                }
                LinkState::Closed { .. } => format!("{side}: закрыто"),
            }
        }
        Phrase::Cause(cause) => match cause {
            LinkError::NoAddress => "у хоста нет адреса".into(),
            LinkError::ConnectionRefused => "в соединении отказано: там никто не слушает".into(),
            LinkError::Unreachable => "сеть туда не ведёт".into(),
            LinkError::TimedOut => "нет ответа вовремя".into(),
            LinkError::Lost => "связь потеряна".into(),
            LinkError::UnknownToken => "сервер не знает этого токена".into(),
            LinkError::NicknameRefused => "сервер не принял это имя: оно занято, зарезервировано или недопустимо".into(),
            LinkError::Protocol(what) => format!("это не сервер чата: {what}"),
            LinkError::Other(text) => text.clone(),
        },
        Phrase::Waiting(n) => {
            let messages = few(n as u64, "сообщение", "сообщения", "сообщений");
            format!("{n} {messages} {}", few(n as u64, "ждёт", "ждут", "ждут"))
        }
        Phrase::RetryKey => "Ctrl+R сейчас".into(),
        Phrase::HelpKey => "F1 справка".into(),
        Phrase::News(news) => match news {
            NoticeText::LocalRoom(RoomNotice::Started(dir)) => format!("На этой машине никто не слушал, поэтому открыта местная комната; её данные в {}. Другие на этой машине войдут в неё, запустив chat-tui.", dir.display()),
            NoticeText::LocalRoom(RoomNotice::Joined) => "Вы в местной комнате, которую открыла другая программа.".into(),
            NoticeText::LocalRoom(RoomNotice::Failed(error)) => format!("Местную комнату открыть не удалось: {error}"),
            NoticeText::LocalRoom(RoomNotice::NotThere(address)) => format!("Комнаты по адресу {address} нет; Ctrl+R пробует ещё раз."),
            NoticeText::HistoryElsewhere(error) => format!("История читается, но здесь не пишется: {error}"),
            NoticeText::OutboxElsewhere(error) => format!("Набранное здесь не переживёт перезапуска: {error}"),
            NoticeText::InTheClear(host) => format!("Токен идёт до {host} незашифрованным; --tls его скроет."),
            NoticeText::File(error) => error.clone(),
            NoticeText::FileWorksAgain => "История снова пишется.".into(),
        },
        Phrase::PasteTitle { lines, bytes } => {
            format!(
                "Вставка: {lines} {}, {bytes} {}",
                few(lines as u64, "строка", "строки", "строк"),
                few(bytes as u64, "байт", "байта", "байт")
            )
        }
        Phrase::MoreLines(n) => format!("… и ещё {n}"),
        Phrase::PasteAsOne => "Послать одним сообщением".into(),
        Phrase::PasteAsMany(n) => format!("Послать построчно: {n}"),
        Phrase::PasteEdit => "Сначала поправить".into(),
        Phrase::PasteCancel => "Выбросить".into(),
        Phrase::TooManyMessages(n) => format!("{n} сообщений — слишком много для одной вставки"),
        Phrase::LineDoesNotFit { number, error } => format!("строка {number}: {}", text(Phrase::TextError(error))),
        Phrase::SearchTitle => "Поиск по истории".into(),
        Phrase::SearchPrompt => "Найти".into(),
        Phrase::SearchState { hits, percent } => {
            if percent < 100 { format!("найдено {hits}, просмотрено {percent} %") } else { format!("найдено {hits}") }
        }
        Phrase::SearchKeys => "Enter ищет, затем переходит · ↑↓ выбор · Esc закрывает".into(),
        Phrase::HelpTitle => "Справка".into(),
        Phrase::HelpKeys => "↑↓ PgUp PgDn листают · любая другая закрывает".into(),
        Phrase::PlainAskNickname => "Учётной записи ещё нет. Наберите имя, чтобы зарегистрироваться.".into(),
        Phrase::PlainNoAccount => "Учётной записи ещё нет, а спросить некого: укажите --nickname ИМЯ, чтобы завести её. Ничего не отправлено.".into(),
        Phrase::PlainRegistering(name) => format!("Регистрирую {name}."),
        Phrase::PlainRegistered { nickname, saved } => format!("Вы зарегистрированы как {nickname}; {saved}."),
        Phrase::PlainChooseAccount => "Какая учётная запись? Наберите её номер или n для новой.".into(),
        Phrase::PlainWhichAccount => "Учётных записей несколько, а спросить некого: укажите нужную через --nickname ИМЯ (или -u). Ничего не отправлено.".into(),
        Phrase::PlainAccount { number, nickname } => format!("{number}: {nickname}"),
        Phrase::PlainNoSuchAccount => "Учётной записи с таким номером нет.".into(),
        Phrase::PlainNotHere => "В ответ на вопрос эта команда не работает; работают /help, /quit и пустая строка — назад.".into(),
        Phrase::PlainBack => "Вы снова в чате; к другой учётной записи ведут /accounts и /register.".into(),
        Phrase::PlainKept => "Это не номер; строка сохранена как сообщение и уйдёт, когда учётная запись будет выбрана. /quit выбросит её.".into(),
        Phrase::PlainNotUtf8 => "Строка не в UTF-8; нечитаемое заменено.".into(),
        Phrase::PlainLineTooLong => "Строка слишком длинна для сообщения и не отправлена.".into(),
        Phrase::PlainEntering(name) => format!("Вхожу в чат как {name}."),
        Phrase::PlainWrongToken => "Сервер не знает токена этой учётной записи. Наберите 1, чтобы выбрать другую, 2, чтобы завести новую, 3, чтобы выйти.".into(),
        Phrase::PlainOwn { text: quoted, state } => {
            let state = match state {
                OwnState::Queued => "в очереди".to_owned(),
                OwnState::Sent => "послано".to_owned(),
                OwnState::Confirmed => "подтверждено".to_owned(),
                OwnState::Failed(failure) => format!("не принято, {}", text(Phrase::Failure(failure))),
                OwnState::Unconfirmed => "не подтверждено, могло и дойти".to_owned(),
                OwnState::Stale => "осталось с прошлого раза и не послано; /retry или /discard".to_owned(),
            };
            format!("Сообщение {state}: {quoted}")
        }
        Phrase::PlainToken(token) => format!("Токен: {token}"),
        Phrase::PlainNothingFound => "Ничего не найдено.".into(),
        Phrase::PlainFound(n) => format!("Найдено: {n}."),
        Phrase::PlainHelp => "Каждая строка — сообщение. Команды: /help, /status, /token, /retry, /discard, /search ТЕКСТ, /accounts, /register [ИМЯ], /export [ФАЙЛ], /quit. Две черты // начинают текст с черты.".into(),
        Phrase::PlainLeft(n) => {
            let messages = few(n as u64, "сообщение", "сообщения", "сообщений");
            format!("Не подтверждено: {n} {messages}; сохранено и будет показано при следующем запуске.")
        }
        Phrase::PlainLost(n) => {
            let messages = few(n as u64, "сообщение", "сообщения", "сообщений");
            format!("Не послано и не сохранено: {n} {messages}:")
        }
        Phrase::PlainGaveUp(seconds) => format!("За {seconds} с не вышло."),
        Phrase::PlainStatus { listening, writing, waiting } => {
            format!("{listening}; {writing}; {}.", text(Phrase::Waiting(waiting)))
        }
        Phrase::PlainOwnUsage => "Нет сообщений, о которых надо решать.".into(),
    }
}

/// The form of a noun or a verb that goes with a number.
fn few(n: u64, one: &'static str, few: &'static str, many: &'static str) -> &'static str {
    match (n % 10, n % 100) {
        (_, 11..=14) => many,
        (1, _) => one,
        (2..=4, _) => few,
        _ => many,
    }
}

fn weekday(day: Weekday) -> &'static str {
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
