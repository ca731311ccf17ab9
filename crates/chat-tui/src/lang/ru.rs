//! Russian.

use chat_client::{DeliveryState, NicknameError, TextError};
use chat_frontend::local_room::RoomNotice;

use super::format::{candidates, span};
use super::phrase::Phrase;
use super::russian::{few, gap_cause, gap_row, held_text, missed, month, reason, refusal, weekday};
use crate::event::{CopyResult, NoticeText};
use crate::link::{LinkError, LinkSide, LinkState};
use crate::timeline::Held;

pub(super) fn text(phrase: Phrase<'_>) -> String {
    match phrase {
        Phrase::WindowTitle(what) => format!("{what} · minechat"),
        Phrase::Starting => "запуск…".into(),
        Phrase::RegistrationTitle => "Регистрация".into(),
        Phrase::ChooseNickname => "Введите имя".into(),
        Phrase::NicknameRules => "Имя увидят другие. Сервер может добавить к нему слово: Маша станет, например, Nimble Маша. Пароля нет: на этом компьютере хранится токен, он и есть учётная запись.".into(),
        Phrase::ShortNicknameRules => "сервер может добавить слово".into(),
        Phrase::Register => "Зарегистрироваться".into(),
        Phrase::Registering => "регистрация…".into(),
        Phrase::EnterChat => "Войти в чат".into(),
        Phrase::Again => "Создать ещё одну учётную запись\nЕщё одна запись".into(),
        Phrase::YouAre(name) => format!("Ваше имя — {name}"),
        Phrase::YourToken => "Токен".into(),
        Phrase::AccountIn(path) => format!("Учётная запись сохранена в {path}. Токена достаточно, чтобы писать от вашего имени, поэтому не показывайте его другим."),
        Phrase::TokenKeys => "токен: F2 показать, F3 копировать".into(),
        Phrase::SavedIn(path) => format!("сохранено в {path}"),
        Phrase::NotSaved(error) => format!("НЕ СОХРАНЕНО: {}", reason(error)),
        Phrase::RegistrationKeys { back: true } => "Enter — зарегистрироваться · Esc — назад · F1 — справка · Ctrl+C — выход\nEnter · Esc — назад · F1 — справка\nEnter · Esc · F1 · ^C".into(),
        Phrase::RegistrationKeys { back: false } => "Enter — зарегистрироваться · F1 — справка · Ctrl+C — выход\nEnter · F1 — справка · ^C\nEnter · F1 · ^C".into(),
        Phrase::RegisteredKeys => "Enter — выбрать · ↑↓ · F2 — показать токен · F3 — скопировать\nEnter · F2 — показать · F3\nEnter · F2 · F3".into(),
        Phrase::NicknameError(NicknameError::Blank) => "сначала введите имя".into(),
        Phrase::NicknameError(NicknameError::TooLong { bytes }) => {
            format!("имя слишком длинное: {bytes} {}", few(*bytes, "байт", "байта", "байт"))
        }
        Phrase::NicknameError(error) => reason(&error.to_string()),
        Phrase::NicknameChanged(asked) => format!("Сервер добавил слово к имени {asked}, чтобы имена не повторялись."),
        Phrase::Copied(result) => match result {
            CopyResult::Done => "скопировано в буфер обмена терминала".into(),
            CopyResult::TmuxBuffer => "скопировано в буфер tmux; вставить — Ctrl+B ]".into(),
            CopyResult::Blocked => "не скопировано: tmux не передаёт данные дальше; выполните: tmux set -g set-clipboard on".into(),
        },
        Phrase::CannotSuspend => "приостановить нельзя: программа запущена не из командной оболочки".into(),
        Phrase::AccountsTitle => "Учётная запись".into(),
        Phrase::NewAccount => "Зарегистрировать новую\nновая запись".into(),
        Phrase::AccountsKeys => "Enter — выбрать · 1–9 · n — новая · d — удалить · Ctrl+C — выход\nEnter · n — новая · d — удалить\nEnter · n · d".into(),
        Phrase::ReallyRemove(nickname) => format!("Удалить {nickname} с этого компьютера? y — да, любая другая клавиша — нет\nУдалить запись? y — да\nУдалить? y — да"),
        Phrase::NoAccounts => "сохранённых учётных записей нет".into(),
        Phrase::WrongTokenTitle => "Неверный токен".into(),
        Phrase::WrongToken => "Проверьте токен, сервер его не узнал. Ничего не отправлено, повторных попыток не будет.\nничего не отправлено".into(),
        Phrase::OtherAccount => "Выбрать другую учётную запись\nдругая запись".into(),
        Phrase::Leave => "Выйти".into(),
        Phrase::ChoiceKeys => "Enter — выбрать · Esc — закрыть\nEnter · Esc".into(),
        Phrase::LeaveTitle => "Выйти?".into(),
        Phrase::LeaveOthers(n) => format!("Комната работает в этой программе, и к ней {} ещё {n} {}. После выхода её подхватит другая ваша программа; если её нет, комната закроется.\nкомната закроется", few(n, "подключена", "подключены", "подключено"), few(n, "программа", "программы", "программ")),
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
        Phrase::UndeliveredShort => "не доставлено".into(),
        Phrase::UndeliveredKeys => "Ctrl+O — повторить, изменить, удалить".into(),
        Phrase::Own { state, held, until } => match (held, state) {
            (Some(Held::EarlierRun), _) => "осталось с прошлого запуска, не отправлено".into(),
            (Some(why), _) => format!("ошибка: {}", held_text(why)),
            (None, DeliveryState::Queued) => "в очереди".into(),
            (None, DeliveryState::Written) => "отправлено".into(),
            (None, DeliveryState::Confirmed(_)) => String::new(),
            (None, DeliveryState::Refused { code, reason, .. }) => format!("ошибка: {}", refusal(code, until, reason.as_ref())),
            (None, DeliveryState::NeverSent | DeliveryState::Discarded) => "не отправлено".into(),
            (None, _) => "не подтверждено".into(),
        },
        Phrase::NewBelow(n) => format!("{n} {}", few(n, "новое", "новых", "новых")),
        Phrase::Refusal { code, until, reason } => refusal(code, until, reason),
        Phrase::ScrolledBack => "Esc — в конец".into(),
        Phrase::FirstNewKey => "Alt+U — первое новое".into(),
        Phrase::Mouse(true) => "колесо листает; текст выделяется с Shift; Alt+M — как раньше".into(),
        Phrase::Mouse(false) => "мышь снова выделяет текст".into(),
        Phrase::WriteMessage => "введите сообщение".into(),
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
        Phrase::SelectionKeys { own: true } => "r — повторить · e — изменить · d — удалить · y — копировать · u — адрес · ↑↓ · Esc\nr повторить · e изменить · d удалить · y копировать · u адрес · ↑↓ · Esc\nr повтор · e правка · d удалить · Esc\nr e d y u · ↑↓ · Esc\nr e d y u · Esc".into(),
        Phrase::SelectionKeys { own: false } => "y — копировать · u — копировать адрес · ↑↓ — выбор · Esc — назад\ny копировать · u адрес · ↑↓ · Esc\ny u · ↑↓ · Esc".into(),
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
        Phrase::PageLink(link) => format!("В браузере: {link}"),
        Phrase::NoPage => "Чтобы войти можно было из браузера и с телефона, запустите chat-web --share с тем же адресом.".into(),
        Phrase::NoPlaceForCode => "(Окно терминала слишком мало для QR-кода.)".into(),
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
                LinkState::LogAway => format!("{side}: ожидание"),
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
            LinkError::LogAway => "журнал комнаты недоступен: пока не подтверждено; будет отправлено, когда он вернётся".into(),
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
            LinkError::LogAway => "журнал недоступен",
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
            NoticeText::LocalRoom(RoomNotice::Shared(address)) => format!("Комната открыта для сети без шифрования: войти и читать может любой, кому доступен этот компьютер. Присоединиться можно командой: {} (/share повторит её и покажет ссылку для браузера)", address.command()),
            NoticeText::LocalRoom(RoomNotice::TurnedAway { uid }) => format!("Программа другого пользователя этого компьютера (uid {uid}) пыталась войти в комнату и не была впущена. Чтобы впускать других, используйте --share 127.0.0.1."),
            NoticeText::LocalRoom(RoomNotice::Full { bytes }) => format!("Комната достигла размера {} ГиБ и не принимает сообщений, пока открыта для других.", bytes / (1024 * 1024 * 1024)),
            NoticeText::LocalRoom(RoomNotice::NotShared(address)) => format!("Комната {address} принадлежит другому пользователю этого компьютера, и он не открыл её для других."),
            NoticeText::LocalRoom(RoomNotice::Joined) => "Вы в локальной комнате, которую открыла другая программа.".into(),
            NoticeText::LocalRoom(RoomNotice::Gone) => "Сервер этой комнаты завершил работу. Комната откроется, когда его запустят снова.".into(),
            NoticeText::LocalRoom(RoomNotice::Failed(error)) => format!("Не удалось открыть локальную комнату: {}", reason(error)),
            NoticeText::LocalRoom(RoomNotice::NotThere(address)) => format!("На {address} нет сервера. Запустите его или перезапустите программу с --local-room, чтобы открыть свою комнату."),
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
        Phrase::PasteAsOne => "целиком".into(),
        Phrase::PasteAsMany(n) => format!("построчно ({n})"),
        Phrase::PasteEdit => "изменить".into(),
        Phrase::PasteCancel => "удалить".into(),
        Phrase::PasteKeys => "←→ или 1–4 — выбор · Enter — выполнить · Esc — удалить\n1–4 · Enter · Esc".into(),
        Phrase::TooManyMessages(n) => format!("{n} {} — слишком много для одной вставки", few(n, "сообщение", "сообщения", "сообщений")),
        Phrase::LineDoesNotFit { number, error } => format!("строка {number}: {}", text(Phrase::TextError(error))),
        Phrase::SearchTitle => "Поиск по истории".into(),
        Phrase::SearchPrompt => "найти".into(),
        Phrase::SearchState { hits, percent: 100 } => format!("найдено: {hits}"),
        Phrase::SearchState { hits, percent } => format!("найдено: {hits} · просмотрено {percent} %\nнайдено: {hits} · {percent} %"),
        Phrase::BadExpression(why) => format!("неверное регулярное выражение: {}", reason(why)),
        Phrase::HitDate(date) => date.strftime("%d.%m").to_string(),
        Phrase::SearchKeys => "↑↓ — выбор · Enter — остаться там · Esc — назад · /так/ — регулярное выражение\n↑↓ · Enter — остаться · Esc — назад\n↑↓ · Enter · Esc".into(),
        Phrase::HelpTitle => "Справка".into(),
        Phrase::HelpKeys { scrolls } => if scrolls { "↑↓ PgUp PgDn — прокрутка · Esc — закрыть\nPgDn — ещё · Esc" } else { "Esc · F1 — закрыть" }.into(),
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
        Phrase::PlainOwn { text: quoted, state, held, until } => {
            let state = match (held, state) {
                (Some(Held::EarlierRun), _) => "осталось с прошлого запуска и не отправлено; /retry — отправить, /discard — удалить".to_owned(),
                (Some(why), _) => format!("не отправлено, {}", held_text(why)),
                (None, DeliveryState::Queued) => "в очереди".to_owned(),
                (None, DeliveryState::Written) => "отправлено".to_owned(),
                (None, DeliveryState::Confirmed(_)) => "доставлено".to_owned(),
                (None, DeliveryState::Refused { code, reason, .. }) => format!("не принято, {}", refusal(code, until, reason.as_ref())),
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
        Phrase::PlainHelp => "Каждая строка — сообщение. Команды: /help, /status, /token, /retry, /discard, /search ТЕКСТ, /who, /share, /accounts, /register [ИМЯ], /export [ФАЙЛ], /quit. Чтобы сообщение начиналось с косой черты, введите //.".into(),
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
