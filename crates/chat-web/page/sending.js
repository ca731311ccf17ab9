// How posts go to the gateway, and how the echo of an own message waits for its receipt. Functions of the state.

import { show } from './showing.js';

/** @typedef {import('./state.js').State} State @typedef {import('./state.js').Item} Item @typedef {import('./state.js').Effect} Effect */

/** Posts on their way to the gateway at one time: a refusal for the rate must not overtake many. */
const WINDOW = 16;
/** How long the echo of an own message may be held back for its receipt. */
export const HOLD_MS = 1000;

/** Codes of a refusal after which the same post may succeed. */
export const LATER = ['rate', 'storage', 'unavailable', 'draining', 'busy'];

/** @param {Item} item */
export const decidable = (item) => item.state === 'refused' || item.state === 'unconfirmed' || (item.state === 'queued' && !item.carried);

/** Returns whether a post still waits. A clock that was set back ends the wait. @param {Item} item @param {number} now */
const putOff = (item, now) => now < (item.notBefore ?? 0) && now >= (item.putOffAt ?? 0);

/** Returns whether rows were held back for as long as they may be, or the clock was set back. @param {State} s @param {number} now */
export const heldLong = (s, now) => now - s.heldSince >= HOLD_MS || now < s.heldSince;

/** @param {State} s @param {string} id */
export function drop(s, id) {
  s.outbox = s.outbox.filter((item) => item.id !== id);
}

/** Hands posts to the gateway, in order. @param {State} s @param {number} now @returns {Effect[]} */
export function send(s, now) {
  if (!s.ready) return [];
  /** @type {Effect[]} */
  const effects = [];
  let free = WINDOW - s.underWay().length;
  for (const item of s.waiting()) {
    if (item.nick !== s.nick) continue;
    // What a tab left that is gone comes first, and is waited for until that is known.
    const open = item.state === 'queued' || item.state === 'sent';
    if (open && item.owner !== s.tab && !s.alive.includes(item.owner)) break;
    if (item.state !== 'queued' || item.owner !== s.tab) continue;
    // A post that waits keeps those behind it waiting: they stay in order.
    if (free-- <= 0 || putOff(item, now)) break;
    const resend = item.carried === true;
    Object.assign(item, { state: 'sent', carried: true });
    // Saved first: a page that ends between the two must not believe that it never sent the post.
    effects.push({ do: 'save', item }, { do: 'post', item, resend });
  }
  return effects;
}

/** Shows what was held back if nothing is under way any more. @param {State} s @param {number} now @returns {Effect[]} */
export function settle(s, now) {
  if (s.held.length === 0) return [];
  const waits = s.underWay().length > 0 && !heldLong(s, now);
  return waits ? [] : release(s);
}

/** @param {State} s @returns {Effect[]} */
export function release(s) {
  const rows = s.held;
  s.held = [];
  return show(s, rows);
}
