// What the page knows: one value, changed by events only. No DOM, no storage, no socket, no clock: an event brings
// the time, and the answer says what is to be done.

import { fill, loading, older } from './gaps.js';
import { KEPT, Rows } from './rows.js';
import { decidable, drop, heldLong, LATER, release, send, settle } from './sending.js';
import { mark, show, trim } from './showing.js';

/** Posts of this browser that wait, in all tabs together. */
export const OUTBOX_LIMIT = 200;

/**
 * A post that waits for its receipt or for a decision of the user.
 * @typedef {{id: string, text: string, nick: string, at: number, n: number, owner: string,
 *   state: 'queued'|'sent'|'refused'|'unconfirmed'|'confirmed', code?: string|null, until?: number|null,
 *   notBefore?: number, putOffAt?: number, place?: string|null, carried?: boolean}} Item
 * `carried`: a connection may have brought it to the gateway, so its outcome is not known to be "not sent".
 * @typedef {{state: 'off'|'connecting'|'online'|'waiting'|'offline'|'idle'|'closed', attempt: number, retryAt: number|null, cause: string|null, hold?: string|null}} Side
 * @typedef {{do: string, [key: string]: any}} Effect
 */

/** @returns {Side} */
const side = () => ({ state: 'connecting', attempt: 1, retryAt: null, cause: null });

export class State {
  /** @param {string} tab the id of this tab */
  constructor(tab) {
    this.tab = tab;
    /** @type {'loading'|'welcome'|'registered'|'chat'} */
    this.screen = 'loading';
    /** @type {string|null} */
    this.nick = null;
    /** The name that was asked for, without the word that the server put before it. @type {string|null} */
    this.asked = null;
    /** The token between registration and the chat; in memory only. @type {string|null} */
    this.token = null;
    this.rows = new Rows();
    /** Whether there may be older messages than the oldest row. */
    this.more = false;
    /** The place to continue from. @type {string|null} */
    this.last = null;
    /** @type {Item[]} */
    this.outbox = [];
    /** The connection to the gateway; the two behind it belong to the room. */
    this.link = side();
    this.listening = side();
    this.writing = side();
    this.room = '';
    this.maxBytes = 16384;
    /** Other tabs that answered when they were asked last. @type {string[]} */
    this.alive = [];
    this.ready = false;
    this.caughtUp = false;
    this.wrongToken = false;
    /** Rows that wait for the receipts of own messages. @type {import('./rows.js').Row[]} */
    this.held = [];
    this.heldSince = 0;
    /** Removals during a load. @type {Map<string, any>|null} */
    this.overtaking = null;
    this.visible = true;
    this.atEnd = true;
    this.unread = 0;
    this.mentions = 0;
    /** The last place that was in sight. @type {string|null} */
    this.read = null;
    /** The row above which the line "new messages" stands. @type {string|null} */
    this.newLine = null;
    /** @type {number|null} */
    this.mutedUntil = null;
    this.muted = false;
  }

  /**
   * Changes the state and returns what is to be done.
   * @param {{type: string, [key: string]: any}} e
   * @returns {Effect[]}
   */
  handle(e) {
    const handler = HANDLERS[e.type];
    return handler ? handler(this, e) : [];
  }

  /** Returns the posts that block the echo of an own message. @returns {Item[]} */
  underWay() {
    return this.outbox.filter((item) => item.state === 'sent' && item.nick === this.nick);
  }

  /** Returns the posts to show below the conversation, in order. @returns {Item[]} */
  waiting() {
    return [...this.outbox].sort((a, b) => a.n - b.n || (a.id < b.id ? -1 : 1));
  }
}

/** @type {Record<string, (s: State, e: any) => Effect[]>} */
const HANDLERS = {
  me(s, { nickname, asked, read, room }) {
    s.room = room ?? s.room;
    s.nick = nickname;
    s.asked = asked ?? null;
    s.read = read ?? null;
    s.screen = nickname ? 'chat' : 'welcome';
    s.wrongToken = false;
    return nickname ? [{ do: 'connect' }] : [];
  },

  registered(s, { nickname, asked, token }) {
    Object.assign(s, { nick: nickname, asked, token, screen: 'registered' });
    return [];
  },

  enter(s) {
    s.token = null;
    s.screen = 'chat';
    return [{ do: 'connect' }];
  },

  left(s) {
    const tab = s.tab;
    Object.assign(s, new State(tab), { screen: 'welcome', outbox: s.outbox, room: s.room });
    return [{ do: 'disconnect' }, { do: 'clear' }];
  },

  link(s, { state, attempt = 1, retryAt = null, now }) {
    s.link = { state, attempt, retryAt, cause: null };
    if (state === 'online') return [];
    s.ready = false;
    // Without the gateway nothing is known about the connections behind it.
    s.listening = side();
    s.writing = side();
    return settle(s, now);
  },

  // ---- from the gateway ----
  hello(s, { nickname, room, maxBytes, now }) {
    Object.assign(s, { ready: true, room: room ?? s.room, maxBytes: maxBytes ?? s.maxBytes });
    if (nickname === null) return HANDLERS.left(s, {});
    s.nick = nickname;
    for (const item of s.outbox) {
      if (item.state === 'sent' && item.owner === s.tab) item.state = 'queued';
    }
    return send(s, now);
  },

  account(s, { nickname }) {
    if (nickname) {
      s.nick = nickname;
      return [];
    }
    const effects = HANDLERS.left(s, {});
    s.wrongToken = true;
    return [{ do: 'logout' }, ...effects];
  },

  message(s, { row, now }) {
    if (row.place) s.last = row.place;
    if (s.held.length > 0 || (row.nick === s.nick && s.underWay().length > 0)) {
      if (s.held.length === 0) s.heldSince = now;
      s.held.push(row);
      return [];
    }
    return show(s, [row]);
  },

  gap(s, { row }) {
    if (s.held.length > 0) {
      s.held.push(row);
      return [];
    }
    return show(s, [row]);
  },

  /** An operator removed a message. `row` stands in its place if the page never had it. */
  removed(s, { row, inPlace, now }) {
    const held = s.held.find((other) => other.kind === 'message' && other.place === row.place);
    if (held) Object.assign(held, { removed: row.removed, text: '' });
    const shown = s.rows.remove(row.place, row.removed);
    if (shown) return [{ do: 'redraw', row: shown }];
    s.overtaking?.set(row.place, row.removed);
    return inPlace && !held ? HANDLERS.message(s, { row, now }) : [];
  },

  caught_up(s) {
    if (!s.caughtUp) s.more = s.rows.oldest() !== null;
    s.caughtUp = true;
    return mark(s);
  },

  side(s, { direction, value }) {
    if (direction === 'listening') s.listening = value;
    if (direction === 'writing') s.writing = value;
    return [];
  },

  receipt(s, { id, state, code, retryAfter, place, now }) {
    const item = s.outbox.find((item) => item.id === id);
    if (!item || state === 'accepted') return [];
    const effects = [];
    if (state === 'confirmed') {
      s.muted = false;
      if (item.state !== 'confirmed') effects.push({ do: 'forget', id });
      Object.assign(item, { state: 'confirmed', place: place ?? null });
      // Until the echo comes, the post stands for it.
      const shown = place && (s.rows.byPlace.has(place) || s.held.some((row) => row.kind === 'message' && row.place === place));
      if (shown) drop(s, id);
    } else if (item.state === 'confirmed') {
      return [];
    } else if (state === 'never_sent' || (state === 'refused' && LATER.includes(code))) {
      // Not stored, and welcome later: it keeps its place in the queue.
      Object.assign(item, { state: 'queued', code, carried: false, putOffAt: now, notBefore: now + (retryAfter ?? 1000) });
      effects.push({ do: 'save', item }, { do: 'wake', at: item.notBefore });
    } else {
      const until = retryAfter ? now + retryAfter : null;
      Object.assign(item, { state: state === 'refused' ? 'refused' : 'unconfirmed', code: code ?? null, until });
      if (code === 'muted') Object.assign(s, { muted: true, mutedUntil: until });
      effects.push({ do: 'save', item });
    }
    return [...effects, ...settle(s, now), ...send(s, now)];
  },

  // ---- from the user ----
  say(s, { id, text, n, now }) {
    const item = { id, text, nick: s.nick ?? '', at: now, n, owner: s.tab, state: /** @type {const} */ ('queued') };
    s.outbox.push(item);
    s.newLine = null;
    return [{ do: 'save', item }, ...send(s, now), { do: 'to_end' }];
  },

  /** Sends a text again that was refused or whose outcome is unknown: as a new post, under a new id. */
  retry(s, { id, newId, n, now }) {
    const item = s.outbox.find((item) => item.id === id);
    if (!item || !decidable(item)) return [];
    drop(s, id);
    return [{ do: 'forget', id }, ...HANDLERS.say(s, { id: newId, text: item.text, n, now })];
  },

  discard(s, { id }) {
    const item = s.outbox.find((item) => item.id === id);
    if (!item || !decidable(item)) return [];
    drop(s, id);
    return [{ do: 'forget', id }];
  },

  edit(s, { id }) {
    const item = s.outbox.find((item) => item.id === id);
    if (!item || !decidable(item)) return [];
    drop(s, id);
    return [{ do: 'forget', id }, { do: 'compose', text: item.text }];
  },

  // ---- from the other tabs and from storage ----
  stored(s, { items, now }) {
    const known = new Map(s.outbox.map((item) => [item.id, item]));
    const confirmed = s.outbox.filter((item) => item.state === 'confirmed');
    s.outbox = items.filter((/** @type {Item} */ item) => known.get(item.id)?.state !== 'confirmed');
    s.outbox.push(...confirmed);
    return [...settle(s, now), ...send(s, now)];
  },

  /** Takes over the posts of tabs that are gone. */
  adopt(s, { owners, alive, now }) {
    s.alive = alive;
    const effects = [];
    for (const item of s.outbox) {
      if (!owners.includes(item.owner)) continue;
      item.owner = s.tab;
      if (item.state === 'sent') item.state = 'queued';
      effects.push({ do: 'save', item });
    }
    return [...effects, ...send(s, now)];
  },

  tick(s, { now }) {
    return [...(s.held.length > 0 && heldLong(s, now) ? release(s) : []), ...send(s, now)];
  },

  older,
  fill,
  loading,

  // ---- what is in sight ----
  sight(s, { visible, atEnd }) {
    const before = s.visible && s.atEnd;
    Object.assign(s, { visible, atEnd });
    const looking = visible && atEnd;
    if (!looking) {
      // The line that was in sight has done its work; the next message out of sight gets its own.
      if (before && s.caughtUp) s.newLine = null;
      return [];
    }
    s.unread = 0;
    s.mentions = 0;
    const effects = s.rows.all.length > KEPT ? trim(s) : [];
    effects.push(...mark(s));
    return before ? effects : [...effects, { do: 'came_back' }];
  },
};
