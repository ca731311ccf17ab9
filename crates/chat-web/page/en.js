// English; the words of chat-tui.

/** @param {number} n @param {string} one @param {string} many */
const count = (n, one, many) => `${n} ${n === 1 ? one : many}`;

/** @param {number} n */
const ordinal = (n) => {
  const special = n % 100 >= 11 && n % 100 <= 13;
  return `${n}${special ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th')}`;
};

/** @type {Record<string, string>} */
const CAUSE = {
  host: 'host not found', resolve: 'host not found', unreachable: 'the server is not reachable', tls: 'no secure connection to the server',
  refused: 'the server refused the connection', interrupted: 'connection lost', lost: 'connection lost', protocol: 'not a chat server',
  unavailable: 'the log of the room is away', no_answer_to_resume: 'no answer to the request for missed messages',
};

/** @type {Record<string, string>} */
const REFUSAL = {
  rate: 'too many messages at once', too_long: 'too long for this server', blank: 'the message is empty', revoked: 'the account was revoked',
  muted: 'you are muted in this room', banned: 'you are banned from this room', storage: 'the server could not store it',
  unavailable: 'the log of the room is away: not confirmed yet; will be sent when it is back',
  draining: 'the server is shutting down', busy: 'too many accounts are in use', unknown_token: 'the server does not know the token', no_account: 'you are not logged in',
};

/** @type {Record<string, string>} */
const GAP = {
  server_forgot: 'the server no longer has this part', other_stream: 'the server began a new log', hole_in_numbers: 'the server skipped messages',
  line_too_long: 'the server sent a line that is too long', far_behind: 'you were away for long',
};

/** @type {Record<string, string>} */
const ERROR = {
  offline: 'The page cannot reach its server. Check the network and try again.',
  nickname: 'The room did not accept this nickname: it may be too long, reserved or look like another one.',
  unknown_outcome: 'No answer came. The nickname may be taken now without an account for you; choose another one if it is.',
  unreachable: 'The room is not reachable now. Try again in a moment.', busy: 'Too many accounts are in use here. Try again later.',
  unknown_token: 'The room does not know this token. Check that all of it was copied.',
};

export default {
  starting: 'Starting…', noScript: 'This page needs JavaScript.',
  welcomeTitle: 'Join the room', nickname: 'Nickname', nicknameHint: 'Others see it. The server may put a word before it: Bob can become Nimble Bob.',
  join: 'Register', joining: 'Registering…', noPassword: 'There is no password: this browser keeps a token, and that is the account.',
  haveToken: 'I have a token', token: 'Token', tokenHint: 'You were shown it when you registered.', login: 'Log in', loggingIn: 'Logging in…',
  blankNickname: 'Type a nickname first.', blankToken: 'Paste a token first.', wrongToken: 'The server does not know this account’s token. Nothing was sent, and it is not tried again.',
  /** @param {string} code @param {number|null} after */
  error: (code, after) => ERROR[code] ?? (code === 'rate' ? `Too many registrations from here. Try again${after ? ` in ${Math.ceil(after / 1000)} s` : ' later'}.` : `That did not work (${code}). Try again.`),
  /** @param {string} name */
  youAre: (name) => `You are ${name}`,
  /** @param {string} asked @param {string} given */
  nicknameChanged: (asked, given) => `The server adds a word to ${asked}, so that no two users have the same nickname.`,
  yourToken: 'Your token', tokenOnce: 'Keep it in a safe place to use this account elsewhere. Anyone who has it can write as you. It is not shown again.',
  copy: 'Copy', copied: 'Copied', copyByHand: 'Select the token and copy it with Ctrl+C.', enter: 'Enter the chat',
  messages: 'Messages', conversation: 'Conversation', message: 'Message', write: 'Write a message', send: 'Send', search: 'Search', menu: 'Menu', close: 'Close',
  older: 'Load older messages', loadingOlder: 'Loading older messages…', olderFailed: 'Older messages could not be loaded. Try again.', loadMissing: 'Load them', beginning: 'This is the beginning of the room.',
  limitReached: 'No more messages are loaded here. Use the search for older ones.',
  empty: 'No messages yet.', emptyHint: 'Type below and press Enter; all users of the room read it.',
  newMessages: 'New messages',
  /** @param {number} n */
  newBelow: (n) => (n > 0 ? `${n} new` : 'To the end'), toEnd: 'Go to the newest message',
  undelivered: 'Not delivered yet', own: 'you',
  /** @param {string} name */
  looksLike: (name) => `looks like ${name}`,
  /** @param {string|null|undefined} by @param {string|null|undefined} reason */
  removed: (by, reason) => `[removed${by ? ` by ${by}` : ''}${reason ? `: ${reason}` : ''}]`,
  /** @param {string} cause @param {number|null} missed @param {string} period */
  gap: (cause, missed, period) => `${period ? `${period} ` : ''}${GAP[cause] ?? 'not connected'}: ${missed === null ? (cause === 'far_behind' ? 'older messages are not loaded' : 'messages may be missing') : missed === 1 ? '1 message is missing' : `${missed} messages are missing`}`,
  queued: 'queued', sent: 'sent', confirmed: 'confirmed', unconfirmed: 'unconfirmed: it may or may not have been delivered', offlineQueued: 'queued, it is sent when you are online',
  /** @param {string|null|undefined} code @param {string} until */
  failed: (code, until) => `failed: ${code ? (REFUSAL[code] ?? code) : 'not sent'}${until ? ` until ${until}` : ''}`,
  otherAccount: 'written under another account', otherTab: 'sent by another tab', notSaved: 'This browser cannot store messages: keep the page open until they are confirmed.',
  retry: 'Retry', edit: 'Edit', discard: 'Discard',
  /** @param {number} n */
  tooLong: (n) => `too long: ${count(n, 'byte', 'bytes')} over the limit; shorten it or send it in parts`,
  /** @param {number} n */
  outboxFull: (n) => `${count(n, 'message waits', 'messages wait')}. Nothing more can be written until some are sent or discarded.`,
  /** @param {number} n */
  waiting: (n) => count(n, 'message waits', 'messages wait'),
  /** @param {string} until */
  muted: (until) => `You are muted in this room${until ? ` until ${until}` : ''}. You can read.`,
  online: 'online', connecting: 'connecting', offline: 'You are offline', offlineHint: 'what you write is kept and sent later', gatewayLost: 'No connection to this page’s server', notListening: 'not listening', notSending: 'not sending',
  /** @param {string} code */
  cause: (code) => CAUSE[code] ?? code,
  /** @param {number} seconds @param {number} attempt */
  retryIn: (seconds, attempt) => `retry in ${seconds} s (${ordinal(attempt)})`, retryNow: 'Retry now',
  find: 'Find in the history',
  /** @param {number} n @param {boolean} more */
  found: (n, more) => `${n}${more ? '+' : ''} found`, searching: 'Searching…', nothingFound: 'Nothing found.', searchFailed: 'The search did not work. Try again.', searchMore: 'Search older messages', notLoaded: 'This message is too old to be shown in the conversation.',
  account: 'Account', language: 'Language', notifications: 'Notifications', notifyMe: 'Tell me when I am mentioned', notifyOff: 'Turn off',
  notifyOn: 'On: you are told when a message names you and the page is not in sight.', notifyInsecure: 'Off: browsers allow notifications only on HTTPS or on this computer’s own address.', notifyDenied: 'Off: this browser does not allow them for this page. Change it in the settings of the browser.', notifyMissing: 'Off: this browser has no notifications for pages.',
  keys: 'Keys', keyList: [['Enter', 'send'], ['Shift+Enter', 'new line'], ['↑', 'in an empty field: edit the last message that is not delivered'], ['Esc', 'close, then back to the end'], ['Ctrl+K', 'search the history'], ['PgUp PgDn', 'a page back, forward']],
  signs: 'Your messages', signList: [['…', 'queued'], ['→', 'sent'], ['✓', 'confirmed'], ['✗', 'failed'], ['?', 'unconfirmed: it may or may not have been delivered']],
  logout: 'Log out', logoutHint: 'This browser forgets the account. Without the token it cannot be used again.', logoutReally: 'Really log out',
  /** @param {string} name */
  mentionedBy: (name) => `${name} mentioned you`,
};
