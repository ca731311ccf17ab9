// Russian; the words of chat-tui.

/** @param {number} n @param {string} one @param {string} few @param {string} many */
const plural = (n, one, few, many) => {
  const form = new Intl.PluralRules('ru').select(n);
  return form === 'one' ? one : form === 'few' ? few : many;
};

/** @type {Record<string, string>} */
const CAUSE = {
  host: 'сервер с таким именем не найден', resolve: 'сервер с таким именем не найден', unreachable: 'сервер недоступен', tls: 'не удалось установить защищённое соединение',
  refused: 'сервер отклонил соединение', interrupted: 'соединение разорвано', lost: 'соединение разорвано', protocol: 'это не сервер чата',
  unavailable: 'журнал комнаты недоступен', no_answer_to_resume: 'сервер не ответил, есть ли пропущенные сообщения',
};

/** @type {Record<string, string>} */
const REFUSAL = {
  rate: 'слишком много сообщений подряд', too_long: 'слишком длинное для этого сервера', blank: 'сообщение пустое', revoked: 'учётная запись отозвана',
  muted: 'вам запрещено писать в этой комнате', banned: 'вы заблокированы в этой комнате', storage: 'сервер не смог сохранить',
  unavailable: 'журнал комнаты недоступен: пока не подтверждено; будет отправлено, когда он вернётся',
  draining: 'сервер завершает работу', busy: 'занято слишком много учётных записей', unknown_token: 'сервер не знает этого токена', no_account: 'вы не вошли',
};

/** @type {Record<string, string>} */
const GAP = {
  server_forgot: 'на сервере этой части уже нет', other_stream: 'сервер начал новую историю', hole_in_numbers: 'сервер пропустил сообщения',
  line_too_long: 'сервер прислал слишком длинную строку', far_behind: 'вас долго не было',
};

/** @type {Record<string, string>} */
const ERROR = {
  offline: 'Сервер этой страницы недоступен. Проверьте сеть и попробуйте ещё раз.',
  nickname: 'Комната не приняла это имя: возможно, оно слишком длинное, зарезервировано или похоже на чужое.',
  unknown_outcome: 'Ответ не пришёл. Имя могло оказаться занято, а учётной записи у вас нет; если так, выберите другое.',
  unreachable: 'Комната сейчас недоступна. Попробуйте чуть позже.', busy: 'Здесь занято слишком много учётных записей. Попробуйте позже.',
  unknown_token: 'Проверьте токен, комната его не узнала.',
};

export default {
  starting: 'Запуск…', noScript: 'Этой странице нужен JavaScript.',
  welcomeTitle: 'Вход в комнату', nickname: 'Имя', nicknameHint: 'Его увидят другие. Сервер может добавить слово: Боб станет, например, Nimble Боб.',
  join: 'Зарегистрироваться', joining: 'Регистрация…', noPassword: 'Пароля нет — в этом браузере хранится токен, это и есть учётная запись.',
  haveToken: 'У меня есть токен', token: 'Токен', tokenHint: 'Его показали вам при регистрации.', login: 'Войти', loggingIn: 'Вход…',
  blankNickname: 'Сначала введите имя.', blankToken: 'Сначала вставьте токен.', wrongToken: 'Проверьте токен, сервер его не узнал. Ничего не отправлено, повторных попыток не будет.',
  /** @param {string} code @param {number|null} after */
  error: (code, after) => ERROR[code] ?? (code === 'rate' ? `Слишком много регистраций отсюда. Повторите ${after ? `через ${Math.ceil(after / 1000)} с` : 'позже'}.` : `Не получилось (${code}). Попробуйте ещё раз.`),
  /** @param {string} name */
  youAre: (name) => `Вы — ${name}`,
  /** @param {string} asked @param {string} given */
  nicknameChanged: (asked, given) => `Сервер добавил слово к имени ${asked}, чтобы имена не повторялись.`,
  yourToken: 'Ваш токен', tokenOnce: 'Сохраните его в надёжном месте, чтобы пользоваться этой учётной записью и в других программах. Любой, у кого он есть, сможет писать от вашего имени. Больше он показан не будет.',
  copy: 'Копировать', copied: 'Скопировано', copyByHand: 'Выделите токен и скопируйте его: Ctrl+C.', enter: 'Войти в чат',
  messages: 'Сообщения', conversation: 'Разговор', message: 'Сообщение', write: 'Введите сообщение', send: 'Отправить', search: 'Поиск', menu: 'Меню', close: 'Закрыть',
  older: 'Загрузить более старые', loadingOlder: 'Загрузка более старых…', olderFailed: 'Не удалось загрузить более старые сообщения. Попробуйте ещё раз.', loadMissing: 'Загрузить', beginning: 'Это начало истории комнаты.',
  limitReached: 'Больше сообщений здесь не загружается. Более старые найдёт поиск.',
  empty: 'Сообщений пока нет.', emptyHint: 'Введите текст внизу и нажмите Enter: его прочитают все в комнате.',
  newMessages: 'Новые сообщения',
  /** @param {number} n */
  newBelow: (n) => (n > 0 ? `${n} ${plural(n, 'новое', 'новых', 'новых')}` : 'В конец'), toEnd: 'К последнему сообщению',
  undelivered: 'Ещё не доставлено', own: 'вы',
  /** @param {string} name */
  looksLike: (name) => `похоже на ${name}`,
  /** @param {string|null|undefined} by @param {string|null|undefined} reason */
  removed: (by, reason) => `[сообщение удалено${by ? `, удалил ${by}` : ''}${reason ? `: ${reason}` : ''}]`,
  /** @param {string} cause @param {number|null} missed @param {string} period */
  gap: (cause, missed, period) => `${period ? `${period} ` : ''}${GAP[cause] ?? 'связь прерывалась'}: ${missed === null ? (cause === 'far_behind' ? 'более старые сообщения не загружены' : 'сообщения могли потеряться') : `не хватает ${missed} ${plural(missed, 'сообщения', 'сообщений', 'сообщений')}`}`,
  queued: 'в очереди', sent: 'отправлено', confirmed: 'доставлено', unconfirmed: 'не подтверждено: могло и дойти', offlineQueued: 'в очереди, уйдёт, когда появится связь',
  /** @param {string|null|undefined} code @param {string} until */
  failed: (code, until) => `ошибка: ${code ? (REFUSAL[code] ?? code) : 'не отправлено'}${until ? ` до ${until}` : ''}`,
  otherAccount: 'написано от другой учётной записи', otherTab: 'отправляет другая вкладка', notSaved: 'Этот браузер не может хранить сообщения: не закрывайте страницу, пока они не доставлены.',
  retry: 'Повторить', edit: 'Изменить', discard: 'Удалить',
  /** @param {number} n */
  tooLong: (n) => `сообщение слишком длинное: лишних ${n} ${plural(n, 'байт', 'байта', 'байт')}; сократите его или отправьте по частям`,
  /** @param {number} n */
  outboxFull: (n) => `Отправки ${plural(n, 'ждёт', 'ждут', 'ждут')} ${n} ${plural(n, 'сообщение', 'сообщения', 'сообщений')}. Писать можно будет, когда часть из них уйдёт или будет удалена.`,
  /** @param {number} n */
  waiting: (n) => `${n} ${plural(n, 'сообщение', 'сообщения', 'сообщений')} ${plural(n, 'ждёт', 'ждут', 'ждут')}`,
  /** @param {string} until */
  muted: (until) => `Вам запрещено писать в этой комнате${until ? ` до ${until}` : ''}. Читать можно.`,
  online: 'в сети', connecting: 'подключение', offline: 'Нет сети', offlineHint: 'написанное сохранится и уйдёт позже', gatewayLost: 'Нет связи с сервером этой страницы', notListening: 'нет приёма', notSending: 'нет отправки',
  /** @param {string} code */
  cause: (code) => CAUSE[code] ?? code,
  /** @param {number} seconds @param {number} attempt */
  retryIn: (seconds, attempt) => `повтор через ${seconds} с (попытка ${attempt})`, retryNow: 'Сейчас',
  find: 'Найти в истории',
  /** @param {number} n @param {boolean} more */
  found: (n, more) => `найдено: ${n}${more ? '+' : ''}`, searching: 'Поиск…', nothingFound: 'Ничего не найдено.', searchFailed: 'Поиск не удался. Попробуйте ещё раз.', searchMore: 'Искать в более старых', notLoaded: 'Это сообщение слишком старое, чтобы показать его в разговоре.',
  account: 'Учётная запись', language: 'Язык', notifications: 'Уведомления', notifyMe: 'Сообщать, когда меня упоминают', notifyOff: 'Отключить',
  notifyOn: 'Включены: вы узнаете, когда вас упомянут, а страница не видна.', notifyInsecure: 'Отключены: браузеры разрешают уведомления только по HTTPS или на собственном адресе этого компьютера.', notifyDenied: 'Отключены: браузер не разрешает их этой странице. Это можно изменить в настройках браузера.', notifyMissing: 'Отключены: в этом браузере нет уведомлений для страниц.',
  keys: 'Клавиши', keyList: [['Enter', 'отправить'], ['Shift+Enter', 'новая строка'], ['↑', 'в пустом поле: изменить последнее недоставленное сообщение'], ['Esc', 'закрыть, затем в конец'], ['Ctrl+K', 'поиск по истории'], ['PgUp PgDn', 'страница назад, вперёд']],
  signs: 'Ваши сообщения', signList: [['…', 'в очереди'], ['→', 'отправлено'], ['✓', 'доставлено'], ['✗', 'ошибка'], ['?', 'не подтверждено: могло и дойти']],
  logout: 'Выйти', logoutHint: 'Браузер забудет учётную запись. Без токена её уже не вернуть.', logoutReally: 'Точно выйти',
  /** @param {string} name */
  mentionedBy: (name) => `${name} упоминает вас`,
};
