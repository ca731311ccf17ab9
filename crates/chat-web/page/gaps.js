// What is loaded from the history: older messages, and those of gaps of a page that was away for long. Functions of the state.

import { KEPT_READING, LOAD } from './rows.js';
import { after } from './showing.js';

/** @typedef {import('./state.js').State} State @typedef {import('./state.js').Effect} Effect @typedef {import('./rows.js').Gap} Gap
 * @typedef {import('./rows.js').Message} Message */

/** @param {import('./rows.js').Row} row */
export const closable = (row) => row.kind === 'gap' && row.cause === 'far_behind' && row.after !== null;

/** Returns the message behind a gap, or null. @param {State} s @param {Gap} gap @returns {import('./rows.js').Message|null} */
export function behind(s, gap) {
  const all = s.rows.all;
  const row = all.slice(all.indexOf(gap) + 1).find((row) => row.kind === 'message');
  return row?.kind === 'message' ? row : null;
}

/** Returns the gap that a message is missing in, or null. @param {State} s @param {string} place @returns {Gap|null} */
export function around(s, place) {
  for (const row of s.rows.all) {
    if (row.kind !== 'gap' || !closable(row) || !after(place, row.after ?? '')) continue;
    const next = behind(s, row);
    if (next && after(next.place, place)) return row;
  }
  return null;
}

/** Returns whether one more load has no place: a new message would drop it. @param {State} s */
export const full = (s) => s.rows.all.length + LOAD > KEPT_READING;

/** Puts the messages before the one behind a gap into it, and closes it if nothing is missing.
 * @param {State} s @param {{gap: Gap, rows: Message[], more: boolean}} found @returns {Effect[]} */
export function fill(s, { gap, rows, more }) {
  if (!s.rows.all.includes(gap)) return [];
  const missing = rows.filter((row) => after(row.place, gap.after ?? ''));
  const next = behind(s, gap);
  const first = missing[0] ?? next;
  const closed = missing.length < rows.length || (first !== null && follows(first.place, gap.after ?? ''));
  const fresh = s.rows.insert(gap, current(s, missing), closed);
  /** @type {Effect[]} */
  const effects = [{ do: 'insert', gap, rows: fresh, next, closed }];
  if (!closed && !more) {
    gap.cause = 'server_forgot';
    effects.push({ do: 'redraw', row: gap });
  }
  return effects;
}

/** @param {State} s @param {{rows: Message[], more: boolean}} found @returns {Effect[]} */
export function older(s, { rows, more }) {
  const fresh = s.rows.prepend(current(s, rows));
  s.more = more;
  return [{ do: 'prepend', rows: fresh }];
}

/** A load begins or ends: a removal may overtake its text. @param {State} s @param {{on: boolean}} e @returns {Effect[]} */
export function loading(s, { on }) {
  s.overtaking = on ? new Map() : null;
  return [];
}

/** Takes out what was removed meanwhile. @param {State} s @param {Message[]} rows */
const current = (s, rows) =>
  rows.map((row) => (s.overtaking?.has(row.place) ? { ...row, removed: s.overtaking.get(row.place), text: '' } : row));

/** @param {string} place @param {string} before */
function follows(place, before) {
  const [a, b] = [place.lastIndexOf(':'), before.lastIndexOf(':')];
  return place.slice(0, a) === before.slice(0, b) && Number(place.slice(a + 1)) === Number(before.slice(b + 1)) + 1;
}
