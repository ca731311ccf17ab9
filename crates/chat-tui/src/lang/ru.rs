//! Russian.

use chat_client::{DeclineCode, DeliveryState, GapCause, NicknameError, TextError};
use chat_frontend::local_room::RoomNotice;
use jiff::civil::{Date, Weekday};

use super::format::{candidates, extent, period, span};
use super::phrase::{GapLength, Phrase};
use crate::event::{CopyResult, NoticeText};
use crate::link::{LinkError, LinkSide, LinkState};
use crate::timeline::{GapLine, Held};

pub(super) const HELP: &[(&str, &str)] = &[
    ("", "Набор сообщения"),
    ("Enter", "отправить"),
    ("Alt+Enter, Ctrl+J", "новая строка в сообщении"),
    ("Tab", "дополнить имя или команду; ещё раз — следующий вариант"),
    ("↑ ↓", "отправленные ранее; строки этого сообщения"),
    ("Ctrl+A, Ctrl+E", "в начало, в конец строки"),
    ("Alt+B, Alt+F", "на слово назад, на слово вперёд"),
    ("Ctrl+W, Alt+D", "вырезать слово слева, справа"),
    ("Ctrl+U, Ctrl+K", "вырезать до начала, до конца строки"),
    ("Ctrl+Y", "вставить вырезанное"),
    ("Ctrl+_", "отменить правку"),
    ("", "Чтение"),
    ("PgUp, PgDn", "страница назад, страница вперёд"),
    ("Ctrl+↑, Ctrl+↓", "строка назад, строка вперёд"),
    ("Ctrl+Home", "к самому старому из загруженных; ещё раз — ещё старше"),
    ("Esc, Ctrl+End", "в конец"),
    ("Ctrl+F", "поиск по всей истории"),
    ("", "Мои сообщения"),
    ("Ctrl+O", "выбрать недоставленное: r повторить, e изменить, d удалить"),
    ("…  →  ✓  ✗  ?", "в очереди, отправлено, доставлено, ошибка, не подтверждено"),
    ("", "Прочее"),
    ("Ctrl+R, F5", "подключиться сейчас"),
    ("F2, F3", "при регистрации: показать, скопировать токен"),
    ("Ctrl+L", "перерисовать экран"),
    ("Ctrl+Z", "приостановить"),
    ("Ctrl+C", "вырезать введённое; если пусто — выйти"),
    ("Ctrl+D", "удалить символ справа; если пусто — выйти"),
    ("Ctrl+Q, /quit", "выйти"),
    ("/register", "создать ещё одну учётную запись"),
    ("/accounts", "сменить учётную запись"),
    ("/search TEXT", "поиск; /вот так/ — регулярное выражение"),
    ("/copy [N]", "скопировать последнее сообщение или N-е с конца"),
    ("/who", "кто недавно писал"),
    ("/export [FILE]", "сохранить историю в файл"),
    ("//", "отправить сообщение, которое начинается с /"),
];

pub(super) fn text(phrase: Phrase<'_>) -> String {
    match phrase {
        Phrase::WindowTitle(what) => format!("{what} · minechat"),
        Phrase::Starting => "запуск…".into(),
        Phrase::RegistrationTitle => "Регистрация".into(),
        Phrase::NicknameLabel => "Имя".into(),
        Phrase::NicknamePlaceholder => "введите имя (его увидят другие)".into(),
        Phrase::NicknameRules => "Сервер может добавить к имени слово: Боб станет, например, Nimble Боб. Пароля нет — на этом компьютере хранится токен.".into(),
        Phrase::Register => "Зарегистрироваться".into(),
        Phrase::Registering => "регистрация…".into(),
        Phrase::EnterChat => "Войти в чат".into(),
        Phrase::Again => "Создать ещё одну учётную запись".into(),
        Phrase::YourNickname => "Ваше имя".into(),
        Phrase::YourToken => "Ваш токен".into(),
        Phrase::SavedIn(path) => format!("сохранено в {path}"),
        Phrase::NotSaved(error) => format!("НЕ СОХРАНЕНО: {}", reason(error)),
        Phrase::RegistrationKeys => "Enter — зарегистрироваться · Tab — далее · F1 — справка · Ctrl+C — выход".into(),
        Phrase::RegisteredKeys => "Enter — выбрать · F2 — показать токен · F3 — скопировать".into(),
        Phrase::NicknameError(NicknameError::Blank) => "сначала введите имя".into(),
        Phrase::NicknameError(NicknameError::TooLong { bytes }) => {
            format!("имя слишком длинное: {bytes} {}", few(*bytes, "байт", "байта", "байт"))
        }
        Phrase::NicknameError(error) => reason(&error.to_string()),
        Phrase::NicknameChanged { asked, given } => {
            format!("Вы — {given}: сервер добавил слово к имени {asked}, чтобы имена не повторялись.")
        }
        Phrase::Copied(result) => match result {
            CopyResult::Done => "скопировано в буфер обмена терминала".into(),
            CopyResult::TmuxBuffer => "скопировано в буфер tmux; вставить — Ctrl+B ]".into(),
            CopyResult::Blocked => "не скопировано: tmux не передаёт данные дальше; выполните: tmux set -g set-clipboard on".into(),
        },
        Phrase::CannotSuspend => "приостановить нельзя: программа запущена не из командной оболочки".into(),
        Phrase::AccountsTitle => "Выберите учётную запись".into(),
        Phrase::NewAccount => "Зарегистрировать новую".into(),
        Phrase::AccountsKeys => "Enter — выбрать · n — новая · d — удалить · Ctrl+C — выход".into(),
        Phrase::ReallyRemove(nickname) => format!("Удалить {nickname} с этого компьютера? y — да, любая другая клавиша — нет"),
        Phrase::NoAccounts => "сохранённых учётных записей нет".into(),
        Phrase::WrongTokenTitle => "Неверный токен".into(),
        Phrase::WrongToken => "Проверьте токен, сервер его не узнал. Ничего не отправлено, повторных попыток не будет.".into(),
        Phrase::OtherAccount => "Выбрать другую учётную запись".into(),
        Phrase::Leave => "Выйти".into(),
        Phrase::ChoiceKeys => "Enter — выбрать · Esc — закрыть".into(),
        Phrase::LeaveTitle => "Выйти?".into(),
        Phrase::LeaveOthers(n) => format!("Комната работает в этой программе, и к ней {} ещё {n} {}. После выхода её подхватит другая ваша программа; если её нет, комната закроется.", few(n, "подключена", "подключены", "подключено"), few(n, "программа", "программы", "программ")),
        Phrase::Stay => "Остаться".into(),
        Phrase::Date(date) => {
            format!("{}, {} {} {}", weekday(date.weekday()), date.day(), month(date), date.year())
        }
        Phrase::ShortDate(date) => format!("{} {}", date.day(), month(date)),
        Phrase::Unread { count, at_least, since } => {
            let since = since.map_or(String::new(), |at| at.strftime(" с %H:%M").to_string());
            let new = few(count, "новое", "новых", "новых");
            format!("{count}{} {new}{since}", if at_least { "+" } else { "" })
        }
        Phrase::UnreadKey => "Alt+U — вернуться сюда".into(),
        Phrase::ForYou(n) => format!("{n} вам"),
        Phrase::LooksLike(name) => format!(" (похоже на {name})"),
        Phrase::Removed { by, reason } => {
            let by = by.map(|by| format!(", удалил {by}")).unwrap_or_default();
            let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("[сообщение удалено{by}{reason}]")
        }
        Phrase::Gap(gap) => {
            format!("пробел {}: {}, {}", span(gap.since, gap.until), gap_cause(gap.cause), missed(gap.missed))
        }
        Phrase::GapName => "пробел".into(),
        Phrase::GapRow { gap, length } => gap_row(gap, length),
        Phrase::Undelivered => "ещё не доставлено".into(),
        Phrase::UndeliveredKeys => "Ctrl+O — повторить, изменить, удалить".into(),
        Phrase::Own { state, held } => match (held, state) {
            (Some(Held::EarlierRun), _) => "осталось с прошлого запуска, не отправлено".into(),
            (Some(why), _) => format!("ошибка: {}", held_text(why)),
            (None, DeliveryState::Queued) => "в очереди".into(),
            (None, DeliveryState::Written) => "отправлено".into(),
            (None, DeliveryState::Confirmed(_)) => String::new(),
            (None, DeliveryState::Refused { code, .. }) => format!("ошибка: {}", refusal(code)),
            (None, DeliveryState::NeverSent | DeliveryState::Discarded) => "не отправлено".into(),
            (None, _) => "не подтверждено".into(),
        },
        Phrase::NewBelow(n) => format!("{n} {}", few(n, "новое", "новых", "новых")),
        Phrase::ScrolledBack => "Esc — в конец".into(),
        Phrase::TextError(TextError::TooLong { bytes }) => format!(
            "сообщение слишком длинное: {bytes} {}; сократите его или отправьте по частям",
            few(*bytes, "байт", "байта", "байт")
        ),
        Phrase::TextError(TextError::Blank) => "сообщение пустое".into(),
        Phrase::TextError(error) => reason(&error.to_string()),
        Phrase::InputFull => "текст не помещается в строку ввода".into(),
        Phrase::Candidates { all, chosen } => candidates(all, chosen),
        Phrase::AsIs(text) => text.to_owned(),
        Phrase::NothingToComplete => "дополнить нечем".into(),
        Phrase::NothingUnread => "нового нет".into(),
        Phrase::NoMention { backwards: true } => "в загруженной части вас раньше не упоминали".into(),
        Phrase::NoMention { backwards: false } => "дальше вас не упоминали".into(),
        Phrase::BareViewKeys => "любая клавиша — назад".into(),
        Phrase::NotEdited(error) => format!("не удалось изменить текст: {}", reason(error)),
        Phrase::NoAddress => "в этом сообщении нет адреса".into(),
        Phrase::NothingToCopy => "такого сообщения нет".into(),
        Phrase::OwnKeys => "r — повторить · e — изменить · d — удалить · y — копировать · u — адрес · ↑↓ · Esc — назад".into(),
        Phrase::NotNow => "для этого сообщения действие недоступно".into(),
        Phrase::UnknownCommand(name) => format!("нет команды /{name}; F1 — список. Чтобы сообщение начиналось с косой черты, введите //"),
        Phrase::NoNicknameCommand => "имя принадлежит учётной записи: /register — создать другую, /accounts — сменить".into(),
        Phrase::Who([]) => "в последнее время никто не писал; списка участников в протоколе нет".into(),
        Phrase::Who(names) => format!("недавно писали: {}; списка участников в протоколе нет", names.join(", ")),
        Phrase::Exported(path) => format!("история сохранена в {path}"),
        Phrase::NotExported(error) => format!("не удалось сохранить историю: {}", reason(error)),
        Phrase::HowToBegin => "Введите текст внизу и нажмите Enter: его прочитают все в комнате.".into(),
        Phrase::EmptyRoom => "Сообщений пока нет.".into(),
        Phrase::HowToJoin(Some(command)) => format!("Присоединиться можно командой: {command}"),
        Phrase::HowToJoin(None) => "В эту комнату могут войти только ваши программы. Чтобы впустить других:\nchat-tui --share 127.0.0.1 (этот компьютер) или 0.0.0.0 (сеть).".into(),
        Phrase::Link { side, state, seconds } => {
            let side = match side {
                LinkSide::Listening => "чтение",
                LinkSide::Writing => "отправка",
            };
            match state {
                LinkState::Off => format!("{side}: отключено"),
                LinkState::Connecting { attempt: 0 | 1, .. } => format!("{side}: подключение"),
                LinkState::Connecting { attempt, .. } => format!("{side}: подключение (попытка {attempt})"),
                LinkState::Online => format!("{side}: подключено"),
                LinkState::Waiting { attempt, .. } => {
                    format!("{side}: повтор через {} с (попытка {attempt})", seconds.unwrap_or(0))
                }
                LinkState::Closed { .. } => format!("{side}: закрыто"),
            }
        }
        Phrase::Cause(cause) => match cause {
            LinkError::NoAddress => "сервер с таким именем не найден".into(),
            LinkError::ConnectionRefused => "соединение отклонено: сервер не запущен".into(),
            LinkError::Unreachable => "сеть недоступна".into(),
            LinkError::TimedOut => "сервер не ответил вовремя".into(),
            LinkError::Lost => "соединение разорвано".into(),
            LinkError::NoAnswerToResume => "сервер не ответил, есть ли пропущенные сообщения; дважды F5 — продолжить без них".into(),
            LinkError::UnknownToken => "сервер не знает этого токена".into(),
            LinkError::NicknameRefused => "сервер не принял это имя: возможно, оно слишком длинное, зарезервировано или похоже на чужое, либо регистраций было слишком много".into(),
            LinkError::Protocol(what) => format!("это не сервер чата: {what}"),
            LinkError::Other(text) => format!("не удалось подключиться: {}", reason(text)),
        },
        Phrase::BriefCause(cause) => match cause {
            LinkError::NoAddress => "нет такого сервера",
            LinkError::ConnectionRefused => "отклонено",
            LinkError::Unreachable => "сеть недоступна",
            LinkError::TimedOut => "нет ответа",
            LinkError::NoAnswerToResume => "нет ответа, дважды F5 — пропустить",
            LinkError::Lost => "обрыв связи",
            LinkError::UnknownToken => "неверный токен",
            LinkError::NicknameRefused => "имя не принято",
            LinkError::Protocol(_) => "это не чат",
            LinkError::Other(_) => "ошибка",
        }
        .into(),
        Phrase::Online => "в сети".into(),
        Phrase::Connecting(0 | 1) => "подключение".into(),
        Phrase::Connecting(attempt) => format!("подключение (попытка {attempt})"),
        Phrase::NotListening => "нет приёма".into(),
        Phrase::NotSending => "нет отправки".into(),
        Phrase::RetryIn { seconds, attempt } => format!("повтор через {seconds} с (попытка {attempt})"),
        Phrase::Seconds(seconds) => format!("{seconds} с"),
        Phrase::Waits(n) => format!("{n} {}", few(n, "ждёт", "ждут", "ждут")),
        Phrase::Waiting(n) => {
            let messages = few(n, "сообщение", "сообщения", "сообщений");
            format!("{n} {messages} {}", few(n, "ждёт", "ждут", "ждут"))
        }
        Phrase::RetryKey => "F5 — сейчас".into(),
        Phrase::HelpKey => "F1 — справка".into(),
        Phrase::News(news) => match news {
            NoticeText::LocalRoom(RoomNotice::Started(dir)) => format!("На этом компьютере не было запущенного сервера, поэтому открыта локальная комната; её данные в {}. Войти в неё могут только ваши программы; --share впускает и других.", dir.display()),
            NoticeText::LocalRoom(RoomNotice::Shared(address)) if address.is_near() => format!("Другие пользователи этого компьютера могут присоединиться командой: {}", address.command()),
            NoticeText::LocalRoom(RoomNotice::Shared(address)) => format!("Комната открыта для сети без шифрования: войти и читать может любой, кому доступен этот компьютер. Присоединиться можно командой: {}", address.command()),
            NoticeText::LocalRoom(RoomNotice::TurnedAway { uid }) => format!("Программа другого пользователя этого компьютера (uid {uid}) пыталась войти в комнату и не была впущена. Чтобы впускать других, используйте --share 127.0.0.1."),
            NoticeText::LocalRoom(RoomNotice::Full { bytes }) => format!("Комната достигла размера {} ГиБ и не принимает сообщений, пока открыта для других.", bytes / (1024 * 1024 * 1024)),
            NoticeText::LocalRoom(RoomNotice::NotShared(address)) => format!("Комната {address} принадлежит другому пользователю этого компьютера, и он не открыл её для других."),
            NoticeText::LocalRoom(RoomNotice::Joined) => "Вы в локальной комнате, которую открыла другая программа.".into(),
            NoticeText::LocalRoom(RoomNotice::Gone) => "Программа, в которой работала эта комната, завершилась. Комната откроется снова, когда её пользователь запустит chat-tui.".into(),
            NoticeText::LocalRoom(RoomNotice::Failed(error)) => format!("Не удалось открыть локальную комнату: {}", reason(error)),
            NoticeText::LocalRoom(RoomNotice::NotThere(address)) => format!("Сервер {address} недоступен. F5 — повторить."),
            NoticeText::HistoryElsewhere(error) => format!("История здесь только читается: {}", reason(error)),
            NoticeText::OutboxElsewhere(error) => format!("Введённое здесь не сохранится при перезапуске: {}", reason(error)),
            NoticeText::InTheClear(host) => format!("Токен передаётся на {host} без шифрования; используйте --tls."),
            NoticeText::RegistrationWaits(error) => format!("Регистрация откладывается: {}. Попытки продолжаются.", reason(error)),
            NoticeText::OtherRooms { name, rooms, here } => format!("У имени {name} есть учётная запись в другой комнате ({rooms}), но не в {here}. Если сервер переехал, используйте `chat accounts move`."),
            NoticeText::File(error) => format!("Ошибка файла: {}", reason(error)),
            NoticeText::FileWorksAgain => "История снова записывается.".into(),
        },
        Phrase::PasteTitle { lines, bytes } => format!(
            "Вставка: {lines} {}, {bytes} {}",
            few(lines, "строка", "строки", "строк"),
            few(bytes, "байт", "байта", "байт")
        ),
        Phrase::MoreLines(n) => format!("… и ещё {n}"),
        Phrase::PasteAsOne => "Отправить одним сообщением".into(),
        Phrase::PasteAsMany(n) => format!("Отправить построчно: {n} {}", few(n, "сообщение", "сообщения", "сообщений")),
        Phrase::PasteEdit => "Сначала изменить".into(),
        Phrase::PasteCancel => "Отменить".into(),
        Phrase::TooManyMessages(n) => format!("{n} {} — слишком много для одной вставки", few(n, "сообщение", "сообщения", "сообщений")),
        Phrase::LineDoesNotFit { number, error } => format!("строка {number}: {}", text(Phrase::TextError(error))),
        Phrase::SearchTitle => "Поиск по истории".into(),
        Phrase::SearchPrompt => "найти".into(),
        Phrase::SearchState { hits, percent: 100 } => format!("найдено: {hits}"),
        Phrase::SearchState { hits, percent } => format!("найдено: {hits} · просмотрено {percent} %"),
        Phrase::BadExpression(why) => format!("неверное регулярное выражение: {}", reason(why)),
        Phrase::HitDate(date) => date.strftime("%d.%m").to_string(),
        Phrase::SearchKeys => "↑↓ — выбор · Enter — остаться там · Esc — назад · /так/ — регулярное выражение".into(),
        Phrase::HelpTitle => "Справка".into(),
        Phrase::HelpKeys => "↑↓ PgUp PgDn — прокрутка · любая другая клавиша — закрыть".into(),
        Phrase::PlainAskNickname => "Введите имя, чтобы зарегистрироваться.".into(),
        Phrase::PlainNoAccount => "Учётной записи ещё нет, а ввод не интерактивный: укажите --nickname ИМЯ, чтобы зарегистрироваться. Ничего не отправлено.".into(),
        Phrase::PlainRegistering(name) => format!("Регистрация: {name}."),
        Phrase::PlainRegistered { nickname, saved } => format!("Вы зарегистрированы как {nickname}; {saved}."),
        Phrase::PlainChooseAccount => "Выберите учётную запись: введите её номер или n, чтобы создать новую.".into(),
        Phrase::PlainWhichAccount => "Учётных записей несколько, а ввод не интерактивный: укажите нужную через --nickname ИМЯ (или -u). Ничего не отправлено.".into(),
        Phrase::PlainAccount { number, nickname } => format!("{number}: {nickname}"),
        Phrase::PlainNoSuchAccount => "Учётной записи с таким номером нет.".into(),
        Phrase::PlainNotHere => "Здесь эта команда недоступна; используйте /help, /quit или пустую строку, чтобы вернуться.".into(),
        Phrase::PlainBack => "Вы снова в чате; сменить учётную запись — /accounts, создать новую — /register.".into(),
        Phrase::PlainKept => "Это не номер; строка сохранена как сообщение и будет отправлена после выбора учётной записи. /quit — отменить.".into(),
        Phrase::PlainNotUtf8 => "Строка не в кодировке UTF-8; нечитаемая часть заменена.".into(),
        Phrase::PlainLineTooLong => "Строка слишком длинная для сообщения и не отправлена.".into(),
        Phrase::PlainEntering(name) => format!("Вход в чат: {name}."),
        Phrase::PlainWrongToken => "Проверьте токен, сервер его не узнал. Введите 1, чтобы выбрать другую учётную запись, 2, чтобы создать новую, 3, чтобы выйти.".into(),
        Phrase::PlainOwn { text: quoted, state, held } => {
            let state = match (held, state) {
                (Some(Held::EarlierRun), _) => "осталось с прошлого запуска и не отправлено; /retry — отправить, /discard — удалить".to_owned(),
                (Some(why), _) => format!("не отправлено, {}", held_text(why)),
                (None, DeliveryState::Queued) => "в очереди".to_owned(),
                (None, DeliveryState::Written) => "отправлено".to_owned(),
                (None, DeliveryState::Confirmed(_)) => "доставлено".to_owned(),
                (None, DeliveryState::Refused { code, .. }) => format!("не принято, {}", refusal(code)),
                (None, DeliveryState::NeverSent | DeliveryState::Discarded) => "не отправлено".to_owned(),
                (None, _) => "не подтверждено, могло и дойти".to_owned(),
            };
            format!("Сообщение {state}: {quoted}")
        }
        Phrase::PlainToken(token) => format!("Токен: {token}"),
        Phrase::PlainNothingFound => "Ничего не найдено.".into(),
        Phrase::PlainFound(n) => format!("Найдено: {n}."),
        Phrase::PlainMention => "Вам, ".into(),
        Phrase::PlainUnread => "Новые сообщения:".into(),
        Phrase::PlainHelp => "Каждая строка — сообщение. Команды: /help, /status, /token, /retry, /discard, /search ТЕКСТ, /who, /accounts, /register [ИМЯ], /export [ФАЙЛ], /quit. Чтобы сообщение начиналось с косой черты, введите //.".into(),
        Phrase::PlainLeft(n) => {
            let messages = few(n, "сообщение", "сообщения", "сообщений");
            format!("Не подтверждено: {n} {messages}; сохранено и будет показано при следующем запуске.")
        }
        Phrase::PlainLost(n) => {
            let messages = few(n, "сообщение", "сообщения", "сообщений");
            format!("Не отправлено и не сохранено: {n} {messages}:")
        }
        Phrase::PlainGaveUp(seconds) => format!("Нет ответа за {seconds} с, ожидание прекращено."),
        Phrase::PlainStatus { listening, writing, waiting } => {
            format!("{listening}; {writing}; {}.", text(Phrase::Waiting(waiting)))
        }
        Phrase::PlainOwnUsage => "Нет сообщений, ожидающих решения.".into(),
    }
}

fn gap_row(gap: &GapLine, length: GapLength) -> String {
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

fn gap_cause(cause: GapCause) -> &'static str {
    match cause {
        GapCause::ServerForgot => "на сервере этой части уже нет",
        GapCause::Expired => "сервер не хранит такие старые сообщения",
        GapCause::OtherStream => "сервер начал новую историю",
        GapCause::HoleInNumbers => "сервер пропустил сообщения",
        GapCause::LineTooLong => "сервер прислал слишком длинную строку",
        _ => "связь прерывалась",
    }
}

fn missed(missed: Option<u64>) -> String {
    match missed {
        Some(missed) => format!("не хватает {missed} {}", few(missed, "сообщения", "сообщений", "сообщений")),
        None => "сообщения могли потеряться".to_owned(),
    }
}

/// Why the server did not take a message.
fn refusal(code: &DeclineCode) -> String {
    match code {
        DeclineCode::Rate => "слишком много сообщений подряд".into(),
        DeclineCode::TooLong => "слишком длинное для этого сервера".into(),
        DeclineCode::Revoked => "учётная запись отозвана".into(),
        DeclineCode::Muted => "вам запрещено писать в этой комнате".into(),
        DeclineCode::Banned => "вы заблокированы в этой комнате".into(),
        DeclineCode::Storage => "сервер не смог сохранить".into(),
        DeclineCode::Draining => "сервер завершает работу".into(),
        other => other.as_str().to_owned(),
    }
}

/// Why a message was not given to the writer.
fn held_text(held: &Held) -> String {
    match held {
        Held::EarlierRun => "осталось с прошлого запуска".into(),
        Held::QueueFull => "слишком много сообщений ждут отправки".into(),
        Held::Failed(why) => reason(why),
    }
}

/// The frequent errors of the system and of libraries; the rest is quoted.
fn reason(text: &str) -> String {
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
fn few(n: impl TryInto<u64>, one: &'static str, few: &'static str, many: &'static str) -> &'static str {
    let n: u64 = n.try_into().unwrap_or(u64::MAX);
    match (n % 10, n % 100) {
        (_, 11..=14) => many,
        (1, _) => one,
        (2..=4, _) => few,
        _ => many,
    }
}

/// The month in the form that goes with a day.
fn month(date: Date) -> &'static str {
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
