// The objects of docs/web.md as events of the state. Unknown types are ignored.

/** @param {string|undefined} text @returns {number|null} */
const time = (text) => (text ? Date.parse(text) : null);

/** @param {any} o @returns {string|null} */
const place = (o) => (o.stream === undefined ? null : `${o.stream}:${o.seq}`);

/** Returns a row for a `message` or a `removed` object. @param {any} o @returns {import('./rows.js').Message} */
export function messageRow(o) {
  const removed = o.type === 'removed' ? { by: o.by ?? null, reason: o.reason ?? null } : null;
  return { kind: 'message', place: place(o) ?? '', at: time(o.at) ?? 0, nick: o.nick ?? null, text: removed ? '' : String(o.text), looksLike: o.looks_like ?? null, removed };
}

/** @type {Record<string, (o: any, now: number) => {type: string, [key: string]: any}>} */
const EVENTS = {
  hello: (o) => ({ type: 'hello', nickname: o.nickname, room: o.room, maxBytes: o.max_text_bytes }),
  message: (o) => ({ type: 'message', row: messageRow(o) }),
  removed: (o) => ({ type: 'removed', row: messageRow(o), inPlace: o.in_place === true }),
  gap: (o) => ({ type: 'gap', row: { kind: 'gap', cause: o.cause, missed: o.missed ?? null, since: time(o.since), until: time(o.until), after: o.after ?? null } }),
  caught_up: () => ({ type: 'caught_up' }),
  state: (o, now) => ({
    type: 'side',
    direction: o.side === 'write' ? 'writing' : 'listening',
    value: { state: o.state, attempt: o.attempt ?? 1, retryAt: o.retry_in_ms === undefined ? null : now + o.retry_in_ms, cause: o.cause ?? null, hold: o.hold ?? null },
  }),
  receipt: (o) => ({ type: 'receipt', id: o.id, state: o.state, code: o.code ?? null, retryAfter: o.retry_after_ms ?? null, place: place(o) }),
  account: (o) => ({ type: 'account', nickname: o.nickname }),
  bye: (o) => ({ type: 'bye', reason: o.reason, retryIn: o.retry_in_ms ?? null }),
};

/** Returns the event of one object of the gateway, or null. @param {string} text @param {number} now
 * @returns {{type: string, [key: string]: any}|null} */
export function decode(text, now) {
  const object = JSON.parse(text);
  const event = EVENTS[object?.type];
  return event ? { ...event(object, now), now } : null;
}

/** Returns the object that sends a post. @param {{id: string, text: string}} item @param {boolean} resend */
export const post = (item, resend) => JSON.stringify({ type: 'post', id: item.id, text: item.text, resend });

export const RETRY_NOW = '{"type":"retry_now"}';
