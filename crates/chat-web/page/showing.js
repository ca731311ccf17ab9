// How rows become part of the conversation: read or unread, and bounded. Functions of the state.

import { KEPT, KEPT_READING } from './rows.js';

/** @typedef {import('./state.js').State} State @typedef {import('./state.js').Item} Item @typedef {import('./state.js').Effect} Effect */

/** @param {State} s @param {import('./rows.js').Row[]} rows @returns {Effect[]} */
export function show(s, rows) {
  const fresh = s.rows.append(rows);
  for (const row of fresh) {
    if (row.kind !== 'message') continue;
    claim(s, row);
    if (row.nick === s.nick) continue;
    const looking = s.visible && s.atEnd;
    if (looking) continue;
    // The first messages of a new page are news only behind the place that was read.
    if (!s.caughtUp && (s.read === null || !after(row.place, s.read))) continue;
    s.unread += 1;
    s.newLine ??= row.place;
  }
  // A page that was just opened shows where reading ended, although it is in sight.
  if (!s.caughtUp && s.read !== null && s.newLine === null) {
    const first = fresh.find((row) => row.kind === 'message' && row.nick !== s.nick && after(row.place, s.read ?? ''));
    if (first && first.kind === 'message') s.newLine = first.place;
  }
  /** @type {Effect[]} */
  const effects = fresh.length > 0 ? [{ do: 'append', rows: fresh }] : [];
  effects.push(...mark(s));
  if (s.rows.all.length > (s.atEnd ? KEPT : KEPT_READING) + 100) effects.push(...trim(s));
  return effects;
}

/** Notes how far the user has read. @param {State} s @returns {Effect[]} */
export function mark(s) {
  if (!s.visible || !s.atEnd || !s.caughtUp || s.last === s.read) return [];
  s.read = s.last;
  return [{ do: 'read', place: s.last }];
}

/** Removes the confirmed post that this row is the echo of. @param {State} s @param {import('./rows.js').Message} row */
function claim(s, row) {
  const item = s.outbox.find(
    (item) => item.state === 'confirmed' && (item.place ? item.place === row.place : row.nick === s.nick && item.text === row.text),
  );
  if (item) s.outbox = s.outbox.filter((other) => other !== item);
}

/** @param {State} s @returns {Effect[]} */
export function trim(s) {
  const rows = s.rows.trim(KEPT);
  s.more = true;
  return [{ do: 'trim', rows }];
}

/** Returns whether a place is behind another one of the same stream; of another stream, yes.
 * @param {string} place @param {string} than */
export function after(place, than) {
  const [a, b] = [place.lastIndexOf(':'), than.lastIndexOf(':')];
  if (place.slice(0, a) !== than.slice(0, b)) return true;
  return Number(place.slice(a + 1)) > Number(than.slice(b + 1));
}
